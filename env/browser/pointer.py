"""What the mouse does, or on a phone the finger."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Literal, TypeAlias

from actions.action import ActionError, Click, Drag, Move, Point, Scroll, points
from env import keys
from env.browser import capture, touch
from env.browser.element import scale
from env.browser.evidence import hit
from env.browser.session import Session

STEPS = 4  # mouse moves on each leg of a drag: pages start one only after a few

Pointing: TypeAlias = Click | Move | Scroll | Drag


def css(session: Session, point: Point | None) -> tuple[float, float]:
    """A pixel of the screenshot as CSS pixels; None is where the pointer is. `shown` is its inverse."""
    if point is None:
        return session.pointer
    factor = session.options.device_scale_factor
    return point.x / factor, point.y / factor


def shown(session: Session, x: float, y: float) -> Point:
    """The pixel of the screenshot at a place in CSS pixels, or the nearest to it."""
    factor, (width, height) = session.options.device_scale_factor, capture.shown(session.options)
    return Point(x=min(max(int(x * factor), 0), width - 1), y=min(max(int(y * factor), 0), height - 1))


async def point(session: Session, action: Pointing) -> None:
    """Do `action` and note its target. ActionError, before anything is done, where a touch screen cannot do it."""
    if isinstance(action, Click):
        _button(action)
    path = action.path if isinstance(action, Drag) else (action.at,)
    places = [css(session, point) for point in path]
    if len(places) == 1 and isinstance(action, Drag):
        places.insert(0, session.pointer)
    if session.options.touch:
        touch.check(action)
    session.target, evidence = await hit(session, *places)
    session.evidence = evidence[len(evidence) - len(points(action)) :]  # the pointer's own place is no place of it
    session.pointer = places[-1]
    if session.options.mobile:
        zoom = await scale(session)
        places = [(x / zoom, y / zoom) for x, y in places]
    if session.options.touch:
        await touch.point(session, action, places)
    else:
        await _mouse(session, action, places)


def _button(action: Click) -> Literal["left", "middle", "right"]:
    """The button as Playwright names it; ActionError for one at the side of a mouse."""
    if action.button == "back" or action.button == "forward":
        raise ActionError(f"button: a page is not told of the {action.button} button; use the action back")
    return action.button


async def _mouse(session: Session, action: Pointing, places: Sequence[tuple[float, float]]) -> None:
    mouse = session.current.page.mouse
    x, y = places[0]
    match action:
        case Click():
            async with held(session, [keys.MODIFIERS[name] for name in action.modifiers]):
                await mouse.click(x, y, button=_button(action), click_count=action.count, delay=action.hold * 1000)
        case Move():
            await mouse.move(x, y)
        case Scroll():
            await mouse.move(x, y)
            factor = session.options.device_scale_factor
            await mouse.wheel(action.dx / factor, action.dy / factor)
        case Drag():
            await _drag(session, places)


async def _drag(session: Session, places: Sequence[tuple[float, float]]) -> None:
    mouse = session.current.page.mouse
    await mouse.move(*places[0])
    await mouse.down()
    try:
        for x, y in places[1:]:
            await mouse.move(x, y, steps=STEPS)
    finally:
        await mouse.up()


@asynccontextmanager
async def held(session: Session, names: Sequence[str]) -> AsyncIterator[None]:
    """The keys `names` are down while entered, pressed in order and released in reverse whatever happens."""
    keyboard = session.current.page.keyboard
    down: list[str] = []
    try:
        for name in names:
            down.append(name)
            await keyboard.down(name)
        yield
    finally:
        for name in reversed(down):
            await keyboard.up(name)
