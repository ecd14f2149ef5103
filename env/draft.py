"""What is heard of a person, put together to actions: each draft is one action that may still grow."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import ClassVar, Protocol

from actions.action import (
    MAX_PRESSES,
    MAX_SCROLL,
    MAX_SECONDS,
    Action,
    Back,
    Click,
    Drag,
    Key,
    Modifier,
    Navigate,
    Point,
    Scroll,
    Tab,
    Type,
    Upload,
)
from env.heard import (
    Answered,
    Chose,
    Edited,
    Field,
    Heard,
    Holds,
    Opened,
    Pressed,
    Released,
    Returned,
    Rolled,
    Seen,
    Struck,
    Switched,
    Turned,
    Wrote,
)
from env.typed import MOVES, Typing

DOUBLE = 0.6  # seconds in which a click may become a double click
BURST = 0.4  # seconds after which a wheel or a key counts as at rest
LONG = 1.0  # seconds from which a press is one that holds
NEAR = 5  # pixels between clicks that belong together
STRAY = 3  # pixels that a path may be left by
MODIFIERS = frozenset({"alt", "altgraph", "control", "meta", "shift", "capslock", "numlock", "os", "super", "fn"})
ORDER: tuple[Modifier, ...] = ("ctrl", "alt", "shift", "meta")
RELOADS = frozenset({("f5",), ("ctrl", "r"), ("ctrl", "f5"), ("ctrl", "shift", "r")})
BACKS = frozenset({("alt", "arrowleft"), ("browserback",)})

Name = Callable[[Field], str]
"""What stands for the secret in a field."""


class Draft(Protocol):
    """One action in the making."""

    patience: ClassVar[float]
    """Seconds after the last that was heard of it in which it may still grow."""

    @property
    def seen(self) -> Seen:
        """What it is done to."""
        ...

    @property
    def held(self) -> bool:
        """Whether it is under way, so that no screen is the one after it."""
        ...

    def takes(self, heard: Heard, rested: bool) -> bool:
        """Whether `heard` belongs to it, and is taken into it; `rested` where the screen has been at rest since."""
        ...

    def action(self, name: Name) -> Action | None:
        """What it has come to; None for nothing that could be done again."""
        ...

    def remarks(self) -> Sequence[str]:
        """What the action does not say."""
        ...


class Pressing:
    """A click, several on one spot, a drag, or the choice of files that a click began."""

    patience: ClassVar[float] = DOUBLE

    def __init__(self, first: Pressed) -> None:
        self.first, self.seen = first, first.seen
        self.count, self.held = 1, True
        self.gone: Released | None = None
        self.files: tuple[str, ...] = ()
        self._back = False

    def takes(self, heard: Heard, rested: bool) -> bool:
        match heard:
            case Released() if self.held:
                self.gone, self.held = heard, False
            case Pressed() if self._again(heard):
                self.count, self.held = heard.count, True
            case Chose():
                self.files = heard.files
            case Returned() if self.first.button == "back":
                self._back = True
            case Holds() | Edited():  # of a field whose own buttons are clicked, or into which something is dropped
                return True
            case Wrote():
                return self.dragged
            case _:
                return False
        return True

    def _again(self, heard: Pressed) -> bool:
        same = (heard.button, heard.modifiers) == (self.first.button, self.first.modifiers)
        return same and not self.dragged and 1 < heard.count <= 3 and distance(heard.at, self.first.at) <= NEAR

    @property
    def dragged(self) -> bool:
        """Whether the pointer went somewhere while the button was down."""
        return self.gone is not None and len(self.gone.path) > 1

    @property
    def plain(self) -> bool:
        """Whether it is nothing but a left click."""
        return (
            self.first.button == "left" and not (self.dragged or self.files or self.first.modifiers) and self.count == 1
        )

    def action(self, name: Name) -> Action | None:
        at, button = self.first.at, self.first.button
        if button in ("back", "forward"):
            return Back() if self._back else None
        if self.files:
            return Upload(at=at, files=self.files)
        if self.gone and self.dragged and button == "left":
            return Drag(path=simplify(self.gone.path))
        held = self.gone.held if self.gone and self.count == 1 else 0.0
        hold = round(min(held, MAX_SECONDS), 1) if held >= LONG else 0.0
        return Click(at=at, button=button, count=self.count, modifiers=self.first.modifiers, hold=hold)

    def remarks(self) -> Sequence[str]:
        if self.dragged and self.first.button != "left":
            return (f"dragged with the {self.first.button} button, which no action says",)
        if self.dragged and (self.first.modifiers or self.count > 1):
            return ("dragged with keys held or after a click, which no action says",)
        if self.first.button in ("back", "forward") and not self._back:
            return (f"the {self.first.button} button was pressed, which no page is told of",)
        return ()


class Rolling:
    """Turns of the wheel in one place."""

    patience: ClassVar[float] = BURST
    held = False

    def __init__(self, first: Turned) -> None:
        self.first, self.seen = first, first.seen
        self.dx, self.dy = first.dx, first.dy
        self._now: tuple[float, float] | None = None

    def takes(self, heard: Heard, rested: bool) -> bool:
        if isinstance(heard, Rolled) and heard.roller == self.first.roller:
            self._now = heard.now
            return True
        if not isinstance(heard, Turned) or rested:
            return False
        if heard.roller and self.first.roller and heard.roller != self.first.roller:
            return False
        self.dx, self.dy = self.dx + heard.dx, self.dy + heard.dy
        return True

    def action(self, name: Name) -> Action | None:
        turns = (self.dx, self.dy)
        if self._now is not None:  # what it came to, since a notch is not always as many pixels as it says
            turns = (self._now[0] - self.first.start[0], self._now[1] - self.first.start[1])
        dx, dy = (round(max(-MAX_SCROLL, min(turn, MAX_SCROLL))) for turn in turns)
        return Scroll(at=self.first.at, dx=dx, dy=dy) if dx or dy else None

    def remarks(self) -> Sequence[str]:
        return ()


class Striking:
    """A key or a chord, as often as it was pressed."""

    patience: ClassVar[float] = BURST
    held = False
    seen = Seen()

    def __init__(self, first: Struck) -> None:
        self.first, self.count = first, 1
        self._instead: Action | None = None

    @property
    def keys(self) -> tuple[str, ...]:
        """Their names."""
        return chord(self.first)

    def takes(self, heard: Heard, rested: bool) -> bool:
        match heard:
            case Struck() if not rested and chord(heard) == self.keys and self.count < MAX_PRESSES:
                self.count += 1
            case Returned() if self.keys in BACKS:
                self._instead = Back()
            case Opened() if heard.again and self.keys in RELOADS:
                self._instead = Navigate(url=heard.url)
            case Holds() | Edited():
                return True
            case _:
                return False
        return True

    def action(self, name: Name) -> Action | None:
        return self._instead or Key(keys=self.keys, count=self.count)

    def remarks(self) -> Sequence[str]:
        if self.keys[-1:] == ("v",) and "ctrl" in self.keys:
            return ("pasted what no record keeps",)
        return ()


class Fixed:
    """An action that is whole from its beginning."""

    patience: ClassVar[float] = 0.0
    held = False
    seen = Seen()

    def __init__(self, action: Action) -> None:
        self._action = action

    def takes(self, heard: Heard, rested: bool) -> bool:
        return isinstance(heard, Holds)

    def action(self, name: Name) -> Action | None:
        return self._action

    def remarks(self) -> Sequence[str]:
        return ()


def begin(heard: Heard) -> Draft | None:
    """The draft that `heard` begins; None where it begins nothing."""
    match heard:
        case Pressed():
            return Pressing(heard)
        case Turned():
            return Rolling(heard)
        case Struck():
            return _struck(heard)
        case Wrote() | Edited() | Holds():
            return Typing.of(heard)
        case Opened():
            return Fixed(Navigate(url=heard.url))
        case Returned():
            return Fixed(Back())
        case Switched():
            return Fixed(Tab(index=heard.index))
        case Answered():
            return Fixed(answer(heard))
        case _:
            return None


def _struck(heard: Struck) -> Draft | None:
    if heard.key in MODIFIERS:
        return None
    known = heard.field.kind not in ("none", "unknown")
    if heard.plain or (known and chord(heard) in (("ctrl", "a"), ("ctrl", "v"))):
        return Typing.of(heard)
    return Striking(heard)


def join(draft: Draft, heard: Heard) -> Draft | None:
    """A click and the text that followed before the screen could rest, as one action; None where they are none."""
    if isinstance(draft, Pressing) and draft.plain and isinstance(heard, Struck | Wrote) and heard.field.writes:
        typing = begin(heard)
        if isinstance(typing, Typing):
            typing.at, typing.seen = draft.first.at, draft.seen
            return typing
    if isinstance(draft, Striking) and draft.first.key in MOVES and isinstance(heard, Struck | Wrote):
        typing = Typing.moved(heard.field)
        known = heard.field.kind in ("line", "text") and draft.first.field.id == heard.field.id
        return typing if known and typing.takes(heard, rested=False) else None
    return None


def answer(heard: Answered) -> Action:
    """How an agent gives the same answer to a dialog."""
    if not heard.accepted:
        return Key(keys=("escape",))
    if heard.text is None:
        return Key(keys=("enter",))
    return Type(text=f"{heard.text}\n")


def chord(heard: Struck) -> tuple[str, ...]:
    """The keys of a stroke, modifiers first."""
    return (*(name for name in ORDER if name in heard.modifiers), heard.key)


def distance(one: Point, other: Point) -> float:
    """Pixels between two places."""
    return math.hypot(one.x - other.x, one.y - other.y)


def simplify(path: Sequence[Point]) -> tuple[Point, ...]:
    """The fewest places of `path` from which the others stray by no more than `STRAY` pixels (Douglas and Peucker)."""
    first, last = path[0], path[-1]
    if len(path) < 3:
        return tuple(path)
    strays = [_stray(each, first, last) for each in path[1:-1]]
    far = max(range(len(strays)), key=strays.__getitem__)
    if strays[far] <= STRAY:
        return (first, last)
    return (*simplify(path[: far + 2])[:-1], *simplify(path[far + 1 :]))


def _stray(point: Point, first: Point, last: Point) -> float:
    wide, high = last.x - first.x, last.y - first.y
    length = math.hypot(wide, high)
    if not length:
        return distance(point, first)
    along = max(0.0, min(((point.x - first.x) * wide + (point.y - first.y) * high) / length**2, 1.0))
    return math.hypot(point.x - first.x - along * wide, point.y - first.y - along * high)
