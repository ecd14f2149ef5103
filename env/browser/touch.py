"""A finger on the screen: taps, long presses and swipes, by the browser's own touch events.

Scrolling turns a wheel here as well: it goes exactly as far as the action says, which no finger does.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from itertools import pairwise

from actions.action import ActionError, Click, Drag, Move, Scroll
from env.browser.session import Session

STEPS = 8  # moves on each leg of a swipe; a finger that jumps is no swipe to a page
FRAME = 0.016  # seconds between two moves, as their times say
REST = 0.3  # seconds between the last move and the lift, as their times say


def check(action: Click | Move | Scroll | Drag) -> None:
    """ActionError for what no finger can do."""
    if isinstance(action, Move):
        raise ActionError("move: a touch screen has no pointer to move; tap or swipe")
    if isinstance(action, Click) and action.button != "left":
        raise ActionError(f"button: a touch screen has no {action.button} button; tap, or press long with hold")
    if isinstance(action, Click) and action.modifiers:
        raise ActionError(f"modifiers: a tap with {', '.join(action.modifiers)} held is not possible; give none")


async def point(session: Session, action: Click | Move | Scroll | Drag, places: Sequence[tuple[float, float]]) -> None:
    """Do `action` at `places`, in CSS pixels of the window."""
    match action:
        case Click():
            for _ in range(action.count):
                await _down(session, places, action.hold)
        case Drag():
            await _down(session, places, 0)
        case Scroll():
            await _scroll(session, action, *places[0])


async def _down(session: Session, places: Sequence[tuple[float, float]], hold: float) -> None:
    """Put a finger down at the first place, hold it, lead it through the others, and lift it whatever happens.

    By the times that the events bear, the finger rests before it is lifted: a page goes as far as it was led, and is
    not thrown.
    """
    cdp, now = session.current.cdp, time.time()
    await cdp.send("Input.dispatchTouchEvent", _event("touchStart", now, places[0]))
    try:
        await session.linger(hold)
        now = time.time()
        for (left, top), (x, y) in pairwise(places):
            for step in range(1, STEPS + 1):
                now, part = now + FRAME, step / STEPS
                there = left + (x - left) * part, top + (y - top) * part
                await cdp.send("Input.dispatchTouchEvent", _event("touchMove", now, there))
    finally:
        await cdp.send("Input.dispatchTouchEvent", _event("touchEnd", now + REST))


def _event(kind: str, now: float, place: tuple[float, float] | None = None) -> dict[str, object]:
    return {"type": kind, "timestamp": now, "touchPoints": [{"x": place[0], "y": place[1]}] if place else []}


async def _scroll(session: Session, action: Scroll, x: float, y: float) -> None:
    scale = session.options.device_scale_factor
    turn = {"deltaX": action.dx / scale, "deltaY": action.dy / scale}
    await session.current.cdp.send("Input.dispatchMouseEvent", {"type": "mouseWheel", "x": x, "y": y, **turn})
