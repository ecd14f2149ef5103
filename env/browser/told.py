"""What our script tells of a person, checked, and as it is heard."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict, TypeAdapter
from pydantic import Field as Named

from actions.action import Button, Modifier, Point
from env.heard import (
    Chose,
    Edited,
    Field,
    Heard,
    Holds,
    Odd,
    Pressed,
    Released,
    Rested,
    Rolled,
    Seen,
    Struck,
    Turned,
    Wrote,
)
from env.observation import Box, Evidence

BUTTONS: tuple[Button, ...] = ("left", "middle", "right", "back", "forward")
At = Callable[[float, float], Point]
"""A place of the frame as a pixel of the screenshot."""


@dataclass(frozen=True)
class Quad:
    """Where the four corners of a frame's inside lie in the page around it, which is `wide` and `high`."""

    corners: tuple[float, float, float, float, float, float, float, float]
    wide: float
    high: float

    def place(self, across: float, down: float) -> tuple[float, float]:
        """The place of that page so far across and down the frame, both from 0 to 1."""
        left, top, right, high, _, _, low_x, low_y = self.corners
        return (
            left + across * (right - left) + down * (low_x - left),
            top + across * (high - top) + down * (low_y - top),
        )


class Part(BaseModel):
    """Frozen, and closed to fields it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class FieldTold(Part):
    """What has the keyboard."""

    id: int = 0
    kind: Literal["none", "line", "text", "secret"] = "none"
    filled: bool = False
    name: str = ""

    def named(self, place: str) -> Field:
        """The same, told from those of other pages by where it is."""
        return Field(f"{place} {self.id}", self.kind, self.filled, self.name)


class SeenTold(Part):
    """What lies at a place."""

    target: str
    role: str
    name: str
    text: str
    near: tuple[str, ...]
    rect: tuple[float, float, float, float]
    picker: bool


class Told(Part):
    """One thing that was done; which fields it has depends on its kind. Places are CSS pixels of its frame."""

    kind: Literal["down", "up", "over", "rest", "wheel", "rolled", "key", "wrote", "edited", "holds", "files"]
    time: float
    """Milliseconds of the page's own clock."""
    wide: float
    high: float
    at: tuple[float, float] = (0, 0)
    path: tuple[tuple[float, float], ...] = ()
    held: float = 0
    button: int = 0
    count: int = 1
    modifiers: tuple[Modifier, ...] = ()
    seen: SeenTold | None = None
    dx: float = 0
    dy: float = 0
    roller: int = 0
    from_: tuple[float, float] = Named(default=(0, 0), alias="from")
    key: str = ""
    code: str = ""
    plain: bool = False
    repeat: bool = False
    field: FieldTold = FieldTold()
    text: str = ""
    value: str = ""
    end: bool = True
    files: tuple[str, ...] = ()


TOLD: TypeAdapter[Told] = TypeAdapter(Told)


def heard(told: Told, at: At, place: str) -> tuple[Heard, ...]:
    """`told` as it is heard of any screen; `place` names the page that it was done in."""
    field = told.field.named(place)
    match told.kind:
        case "down":
            count = told.count if told.count in (2, 3) else 1
            return (Pressed(at(*told.at), BUTTONS[told.button], count, told.modifiers, _seen(told.seen, at)),)
        case "up":
            path = tuple(dict.fromkeys(at(*each) for each in told.path))
            return (Released(path or (at(*told.at),), told.held / 1000),)
        case "rest":
            return (Rested(at(*told.at), _seen(told.seen, at)),)
        case "wheel" if {"ctrl", "meta"} & set(told.modifiers):
            return (Odd("zoomed with the wheel, which no action says"),)
        case "wheel":
            roller = f"{place} {told.roller}" if told.roller else ""
            return (Turned(at(*told.at), told.dx, told.dy, roller, told.from_, _seen(told.seen, at)),)
        case "rolled":
            return (Rolled(f"{place} {told.roller}", told.from_),)
        case "key":
            return (Struck(told.key if told.plain else _key(told), told.modifiers, told.plain, field),)
        case "wrote":
            return (Wrote(told.text, field),)
        case "edited":
            return (Edited(field),)
        case "holds":
            return (Holds(field, told.value, told.end),)
        case "files":
            return (Chose(told.files),)
        case _:
            return ()


def _key(told: Told) -> str:
    """The name of a key: of the letter that a keyboard of another script has in its place, where there is one."""
    if len(told.key) == 1 and not told.key.isascii() and told.code.startswith("Key"):
        return told.code.removeprefix("Key").lower()
    return "space" if told.key == " " else told.key.lower()


def _seen(told: SeenTold | None, at: At) -> Seen:
    if told is None:
        return Seen()
    x, y, wide, high = told.rect
    one, other = at(x, y), at(x + wide, y + high)
    box: Box = (one.x, one.y, other.x, other.y)
    return Seen(told.target, Evidence(told.role, told.name, told.text, box=box, near=told.near))
