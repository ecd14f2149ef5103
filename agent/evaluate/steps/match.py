"""When an action is the recorded one. docs/evaluation.md states these rules for people.

They follow the matching of Android in the Wild (Rawles et al. 2023), as AndroidControl is scored with: a click is right
inside the element's box, or within 14 % of the screen where no box is known.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import hypot
from typing import Literal, TypeVar

from actions import (
    Action,
    Answer,
    AskUser,
    Click,
    Drag,
    Finish,
    Key,
    Navigate,
    Point,
    Scroll,
    Select,
    Tab,
    Type,
    Upload,
    points,
)

T = TypeVar("T")
Box = tuple[float, float, float, float]
Text = Literal["normalised", "exact"]
Why = Literal["", "kind", "place", "direction", "text", "button", "keys", "other"]
"""What is wrong first; nothing where all is right."""

TOLERANCE = 0.14
LARGEST = 0.25
"""The share of the screen up to which a box is that of an element, and not of all that lies behind it."""


@dataclass(frozen=True)
class Rules:
    """What may differ and still be right."""

    tolerance: float = TOLERANCE
    """Distance from the recorded place, in parts of the screen's width and height; where no box is known."""
    text: Text = "normalised"
    """Whether capitals and spaces may differ."""


@dataclass(frozen=True)
class Truth:
    """What was done, on a screen of `width` x `height` pixels."""

    action: Action
    width: int
    height: int
    boxes: tuple[tuple[Box, ...], ...] = ()
    """Of each place of the action: the boxes of which one has to be hit; none where none are known."""
    touch: bool = False
    """Whether it is a touch screen, where scrolling and swiping are one."""


@dataclass(frozen=True)
class Verdict:
    """Whether an action is of the right kind, points at the right place, and is right altogether."""

    kind: bool
    place: bool | None
    """None where the kind is wrong, or the recorded action names no place that counts."""
    why: Why

    @property
    def correct(self) -> bool:
        """Whether all of it is right."""
        return not self.why


def match(truth: Truth, given: Action, rules: Rules) -> Verdict:
    """Whether `given` is what was done."""
    wanted, given = plain(truth.action), plain(given)
    if truth.touch and {wanted.kind, given.kind} <= {"scroll", "drag"}:
        alike = direction(wanted) == direction(given)
        return Verdict(True, None, "" if alike else "direction")
    if wanted.kind != given.kind:
        return Verdict(False, None, "kind")
    place = _places(truth, wanted, given, rules)
    return Verdict(True, place, "place" if place is False else _rest(wanted, given, rules))


def plain(action: Action) -> Action:
    """An action in the simplest words for it: a text of nothing but a line break is the enter key."""
    if isinstance(action, Type) and action.text == "\n" and action.at is None:
        return Key(keys=("Enter",))
    return action


def direction(action: Action) -> tuple[int, int]:
    """Where the view moves to, along the axis that it moves on most: a finger drags it the other way."""
    if isinstance(action, Scroll):
        dx, dy = action.dx, action.dy
    else:
        path = points(action)
        dx, dy = path[0].x - path[-1].x, path[0].y - path[-1].y
    return ((dx > 0) - (dx < 0), 0) if abs(dx) > abs(dy) else (0, (dy > 0) - (dy < 0))


def _places(truth: Truth, wanted: Action, given: Action, rules: Rules) -> bool | None:
    if isinstance(wanted, Scroll):
        return None  # what lies under the pointer most often makes no difference
    places, theirs = points(wanted), points(given)
    boxes = truth.boxes
    if isinstance(wanted, Drag):
        if len(places) != 1 and len(theirs) == 1:
            return False
        places, theirs, boxes = _outer(places), _outer(theirs), _outer(boxes)
    if not places:
        return None
    if len(theirs) != len(places):
        return False
    known = boxes if len(boxes) == len(places) else ((),) * len(places)
    return all(_near(truth, *each, rules) for each in zip(places, theirs, known, strict=True))


def _outer(path: tuple[T, ...]) -> tuple[T, ...]:
    """Where a path begins and ends."""
    return (path[0], path[-1]) if path else ()


def _near(truth: Truth, wanted: Point, given: Point, boxes: Sequence[Box], rules: Rules) -> bool:
    room = LARGEST * truth.width * truth.height
    elements = [box for box in boxes if (box[2] - box[0]) * (box[3] - box[1]) <= room and inside(wanted, box)]
    if elements:
        return any(inside(given, box) for box in elements)
    away = hypot((given.x - wanted.x) / truth.width, (given.y - wanted.y) / truth.height)
    return away <= rules.tolerance


def inside(point: Point, box: Box) -> bool:
    """Whether a box holds a point; its borders belong to it."""
    return box[0] <= point.x <= box[2] and box[1] <= point.y <= box[3]


def _rest(wanted: Action, given: Action, rules: Rules) -> Why:
    """What is wrong about an action of the right kind at the right place."""
    same: Callable[[str, str], bool] = exact if rules.text == "exact" else alike
    match wanted, given:
        case Click(), Click():
            pressed = (wanted.button, wanted.count, sorted(wanted.modifiers), wanted.hold > 0)
            return "" if pressed == (given.button, given.count, sorted(given.modifiers), given.hold > 0) else "button"
        case Type(), Type():
            return "" if same(wanted.text, given.text) else "text"
        case Key(), Key():
            return "" if (_keys(wanted), wanted.count) == (_keys(given), given.count) else "keys"
        case Scroll(), Scroll():
            return "" if direction(wanted) == direction(given) else "direction"
        case Navigate(), Navigate():
            return "" if same(wanted.url.rstrip("/"), given.url.rstrip("/")) else "text"
        case Select(), Select():
            return "" if same(wanted.label, given.label) else "text"
        case Upload(), Upload():
            return "" if wanted.files == given.files else "other"
        case Tab(), Tab():
            return "" if wanted.index == given.index else "other"
        case Answer(), Answer():
            return "" if same(wanted.text, given.text) else "text"
        case AskUser(), AskUser():
            return ""  # the same can be asked in many words
        case Finish(), Finish():
            return "" if wanted.success == given.success else "other"
    return ""  # Wait, Back, Move, Drag: there is nothing more to them


def _keys(action: Key) -> tuple[str, ...]:
    return tuple(key.casefold() for key in action.keys)


def exact(one: str, other: str) -> bool:
    """Whether two texts are the same."""
    return one == other


def alike(one: str, other: str) -> bool:
    """Whether two texts are the same but for capitals and spaces; one of nothing but spaces is taken as it is."""
    first, second = (" ".join(text.split()).casefold() for text in (one, other))
    return first == second if first and second else one == other
