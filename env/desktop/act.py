"""Carrying actions out by hand, on whatever system."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from actions.action import (
    Action,
    ActionError,
    Click,
    Drag,
    Key,
    Move,
    Point,
    Scroll,
    Type,
    Wait,
)
from env import keys
from env.desktop.input import notches
from env.desktop.seat import Seat

LEG = 16  # pixels between two moves of a drag; programs begin to drag only after a few
AGAIN = 0.02  # seconds between clicks that belong together: at one and the same moment they are one to Chromium
PER_PRESS = 0.05  # seconds that a press of one key may take, generously


def patience(action: Action, usual: float) -> float:
    """How many seconds `action` may take at most."""
    match action:
        case Wait():
            return usual + action.seconds
        case Type():
            return usual + PER_PRESS * len(action.text)
        case Click() | Key():
            return usual + (PER_PRESS + action.hold) * action.count
        case Scroll():
            return usual + PER_PRESS * (abs(notches(action.dx)) + abs(notches(action.dy)))
        case Drag():
            return usual + len(action.path)
    return usual


def check(seat: Seat, action: Action) -> None:
    """ActionError for what cannot be done here, before any of it is done."""
    if isinstance(action, Type):
        keys.runs(action.text)
    if isinstance(action, Key):
        keys.chord(action.keys, keys.DESKTOP)
    seat.hands.check(action)


def act(seat: Seat, action: Action) -> str:
    """Do `action`; the window that it was done to."""
    match action:
        case Click() | Move() | Scroll() | Drag():
            return _point(seat, action)
        case Type():
            return _enter(seat, action)
        case Key():
            target, names = seat.focused(), keys.chord(action.keys, keys.DESKTOP)
            for _ in range(action.count):
                with held(seat, names):
                    _linger(seat, action.hold)
            return target
        case Wait():
            _linger(seat, action.seconds)
            return ""
        case _:
            raise ActionError(f"{action.kind}: is said to the user, not done to the screen")


def _point(seat: Seat, action: Click | Move | Scroll | Drag) -> str:
    hands = seat.hands
    first = action.path[0] if isinstance(action, Drag) and len(action.path) > 1 else None
    at = first if isinstance(action, Drag) else action.at
    if at is not None:
        hands.move(*seat.layout.place(at))
    target = seat.pointed()
    match action:
        case Click():
            with held(seat, [keys.MODIFIERS[name] for name in action.modifiers]):
                for number in range(action.count):
                    _linger(seat, AGAIN if number else 0)
                    hands.press(action.button)
                    try:
                        _linger(seat, action.hold)
                    finally:
                        hands.release(action.button)
                if action.modifiers:
                    seat.pause()  # a window manager holds a click back, and it would come after the keys were let go
        case Scroll():
            hands.wheel(notches(action.dx), notches(action.dy))
        case Drag():
            _drag(seat, action.path[1:] if first else action.path)
    return target


def _drag(seat: Seat, path: Sequence[Point]) -> None:
    """Press where the pointer is, go along `path` in small steps, and let go once the program has followed."""
    hands = seat.hands
    hands.press("left")
    try:
        for point in path:
            for x, y in _steps(hands.pointer(), seat.layout.place(point)):
                hands.move(x, y)
        seat.pause()
    finally:
        hands.release("left")


def _steps(start: tuple[int, int], end: tuple[int, int]) -> Iterator[tuple[int, int]]:
    (x0, y0), (x1, y1) = start, end
    count = max(abs(x1 - x0), abs(y1 - y0)) // LEG + 1
    for step in range(1, count + 1):
        yield x0 + (x1 - x0) * step // count, y0 + (y1 - y0) * step // count


def _enter(seat: Seat, action: Type) -> str:
    """Type, after a click where the action names a place, and over what stands there where it asks for that."""
    target = seat.focused()
    if action.at is not None:
        target = _point(seat, Click(at=action.at))
        seat.pause()
    if action.replace:
        seat.hands.clear()
    seat.hands.write(action.text)
    return target


def _linger(seat: Seat, seconds: float) -> None:
    if seconds:
        seat.linger(seconds)


@contextmanager
def held(seat: Seat, names: Sequence[str]) -> Iterator[None]:
    """The keys `names` are down while entered, pressed in order and released in reverse whatever happens."""
    down: list[str] = []
    try:
        for name in names:
            seat.hands.hold(name)
            down.append(name)
        yield
    finally:
        for name in reversed(down):
            seat.hands.let(name)
