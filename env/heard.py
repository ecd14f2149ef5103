"""What a person does to a screen, as it is heard: presses, keys, words, turns of a wheel.

Places are screenshot pixels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from actions.action import Button, Modifier, Point
from env.observation import Box, Evidence

NOTHING = Evidence()
"""Of what nobody knows."""


@dataclass(frozen=True)
class Field:
    """What has the keyboard: a line or a text that takes words, a secret that nobody may see, or neither."""

    id: str = ""
    kind: Literal["none", "line", "text", "secret", "unknown"] = "none"
    """`unknown` where nobody can tell, as on a desktop."""
    filled: bool = False
    name: str = ""

    @property
    def writes(self) -> bool:
        """Whether keys make text in it."""
        return self.kind != "none"


@dataclass(frozen=True)
class Seen:
    """What lay at a place before anything was done to it."""

    target: str = ""
    evidence: Evidence = NOTHING

    @property
    def box(self) -> Box | None:
        """Where it is."""
        return self.evidence.box


@dataclass(frozen=True)
class Pressed:
    """A button went down; `count` is 2 in a double click."""

    at: Point
    button: Button = "left"
    count: int = 1
    modifiers: tuple[Modifier, ...] = ()
    seen: Seen = Seen()


@dataclass(frozen=True)
class Released:
    """The button came up, after it had gone along `path`; one place where it stayed."""

    path: tuple[Point, ...]
    held: float = 0.0
    """Seconds for which it was down."""


@dataclass(frozen=True)
class Turned:
    """The wheel was turned; `roller` is what that moves."""

    at: Point
    dx: float
    dy: float
    roller: str = ""
    start: tuple[float, float] = (0, 0)
    """How far that had been scrolled before."""
    seen: Seen = Seen()


@dataclass(frozen=True)
class Rolled:
    """Something has been scrolled so far by now."""

    roller: str
    now: tuple[float, float]


@dataclass(frozen=True)
class Rested:
    """The pointer came to rest and nothing was pressed."""

    at: Point
    seen: Seen = Seen()


@dataclass(frozen=True)
class Struck:
    """A key went down, by its name in `env.keys`; `plain` where it makes a character and no shortcut."""

    key: str
    modifiers: tuple[Modifier, ...] = ()
    plain: bool = False
    field: Field = Field()


@dataclass(frozen=True)
class Wrote:
    """Text came into a field by no key: pasted, dropped, or put together of several."""

    text: str
    field: Field


@dataclass(frozen=True)
class Edited:
    """A field was changed by no key, and not by adding text."""

    field: Field


@dataclass(frozen=True)
class Holds:
    """What a field holds now; `end` where the caret stands behind it."""

    field: Field
    value: str
    end: bool = True


@dataclass(frozen=True)
class Opened:
    """An address was opened by hand: typed, chosen among bookmarks, or loaded again."""

    url: str
    again: bool = False


@dataclass(frozen=True)
class Returned:
    """The tab went one page back."""


@dataclass(frozen=True)
class Switched:
    """Another tab came to the front."""

    index: int


@dataclass(frozen=True)
class Answered:
    """A dialog was answered; `text` is what a prompt was given, None where it kept its own."""

    accepted: bool
    text: str | None = None


@dataclass(frozen=True)
class Chose:
    """Files were chosen, by their names in the folder that uploads come from."""

    files: tuple[str, ...]


@dataclass(frozen=True)
class Odd:
    """Something was done that no action says."""

    what: str


Heard: TypeAlias = (
    Pressed
    | Released
    | Turned
    | Rested
    | Rolled
    | Struck
    | Wrote
    | Edited
    | Holds
    | Opened
    | Returned
    | Switched
    | Answered
    | Chose
    | Odd
)
