"""What lies at places of a page, and all that can be named on it, in the page's own words.

Roles and names follow what a screen reader is told (ARIA in HTML, accessible name computation), in short.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from contextlib import suppress

from playwright.async_api import Error as PlaywrightError
from playwright.async_api import Frame
from pydantic import BaseModel, ConfigDict, TypeAdapter

from env.browser import script
from env.browser.element import CORNER as INNER
from env.browser.element import DEPTH, waiting
from env.browser.options import BrowserOptions
from env.browser.session import Session
from env.browser.veil import CORNER, Corner
from env.observation import Box, Evidence

LONGEST = 160  # characters of one text; a page may have put another script in the place of ours
NEAREST = 6
MOST = 3000  # things of one frame
PATIENCE = 3.0  # seconds in which all frames have to be read

Place = tuple[float, float]
Quad = tuple[float, float, float, float]


class Told(BaseModel):
    """What a script of ours says of one element; its box is in pixels of its frame's window."""

    model_config = ConfigDict(frozen=True)

    role: str
    name: str
    text: str
    key: str
    box: Quad | None
    near: tuple[str, ...]


class Hit(BaseModel):
    """What lies at a place: in words for people, and as evidence."""

    model_config = ConfigDict(frozen=True)

    target: str
    evidence: Told


_HITS = TypeAdapter(list[Hit | None])
_ALL = TypeAdapter(list[Told])
_CORNER = TypeAdapter(tuple[float, float, float, float, float, float, float, float, float])
_INNER = TypeAdapter(Place)


async def hit(session: Session, *places: Place) -> tuple[str, tuple[Evidence, ...]]:
    """What lies at the first of `places`, such as 'button "OK"', and the evidence of each; places are CSS pixels.

    Both are empty where the page does not say in time.
    """
    try:
        async with asyncio.timeout(waiting(session.current)):
            found = await _lies(session, places)
    except (TimeoutError, PlaywrightError, ValueError):
        return "", ()
    return found[0].target, tuple(_evidence(each.evidence, session.options) for each in found)


async def named(session: Session, *, beyond: bool) -> tuple[Evidence, ...]:
    """All that can be named in the frames of the current tab; nothing while a dialog is open."""
    if session.dialogs:
        return ()
    found: list[Told] = []
    page = session.current.page
    with suppress(TimeoutError):
        async with asyncio.timeout(PATIENCE):
            for frame in page.frames:
                found += await _frame(session, frame, beyond)
    return tuple(_evidence(each, session.options) for each in found[:MOST])


async def _frame(session: Session, frame: Frame, beyond: bool) -> list[Told]:
    """What one frame names; nothing where it is gone, or on its way to another document."""
    try:
        if frame is session.current.page.main_frame:
            call = _call(session, "named")
            return _ALL.validate_python(await script.evaluate(session.current.cdp, call, beyond))
        return await _inner(session, frame, beyond)
    except (PlaywrightError, ValueError):
        if session.broken or session.current.page.is_closed():
            raise
        return []


async def _lies(session: Session, places: Sequence[Place]) -> list[Hit]:
    call = _call(session, "lies")
    asked: script.Json = [list(place) for place in places]
    found = _HITS.validate_python(await script.evaluate(session.current.cdp, call, asked))
    return [each or await _deep(session, place) for each, place in zip(found, places, strict=True)]


async def _deep(session: Session, place: Place) -> Hit:
    """What lies at a place that a frame of another origin covers; it is asked itself."""
    frame, (x, y) = session.current.page.main_frame, place
    for _ in range(DEPTH):
        handle = await frame.evaluate_handle("([x, y]) => document.elementFromPoint(x, y)", [x, y])
        element = handle.as_element()
        inner = await element.content_frame() if element else None
        if element is None or inner is None:
            break
        left, top = _INNER.validate_python(await element.evaluate(INNER))
        frame, x, y = inner, x - left, y - top
    answer = await frame.evaluate(f"(places) => ({_call(session, 'lies')})(places)", [[x, y]])
    (found,) = _HITS.validate_python(answer)
    if found is None:
        return Hit(target="iframe", evidence=Told(role="iframe", name="", text="", key="", box=None, near=()))
    return found.model_copy(update={"evidence": _moved(found.evidence, place[0] - x, place[1] - y)})


async def _inner(session: Session, frame: Frame, beyond: bool) -> list[Told]:
    """What a frame inside the page names, its boxes in the window of the page, where they can be seen there."""
    parent: Frame | None = frame
    found = _ALL.validate_python(await frame.evaluate(f"(beyond) => ({_call(session, 'named')})(beyond)", beyond))
    while found and parent and parent.parent_frame is not None:
        element = await parent.frame_element()
        said = _CORNER.validate_python(await element.evaluate(CORNER))
        corner = Corner((said[0], said[1], said[2], said[3]), (said[4], said[5]), (said[6], said[7]), bool(said[8]))
        found = [placed for each in found if (placed := _through(each, corner))]
        parent = parent.parent_frame
    return found


def _through(told: Told, corner: Corner) -> Told | None:
    """`told` in the frame around its own; None where its middle does not show there."""
    if told.box is None or corner.turned:
        return None
    left, top, right, bottom = told.box
    x, y, wide, high = corner.place((left, top, right - left, bottom - top))
    across, down = x + wide / 2 - corner.whole[0], y + high / 2 - corner.whole[1]
    if not (0 <= across < corner.whole[2] and 0 <= down < corner.whole[3]):
        return None
    return told.model_copy(update={"box": (x, y, x + wide, y + high)})


def _moved(told: Told, x: float, y: float) -> Told:
    if told.box is None:
        return told
    left, top, right, bottom = told.box
    return told.model_copy(update={"box": (left + x, top + y, right + x, bottom + y)})


def _call(session: Session, question: str) -> str:
    """An expression for a function of our script, with comments ending on lines of their own."""
    given = script.literal(session.options.masks), script.literal(session.options.clip)
    return f"({script.source('evidence.js')}\n)({script.source('element.js')}\n, {', '.join(given)}).{question}"


def _evidence(told: Told, options: BrowserOptions) -> Evidence:
    return Evidence(
        role=told.role[:LONGEST],
        name=told.name[:LONGEST],
        text=told.text[:LONGEST],
        key=told.key[:LONGEST],
        box=_pixels(told.box, options.device_scale_factor) if told.box else None,
        near=tuple(text[:LONGEST] for text in told.near[:NEAREST]),
    )


def _pixels(box: Quad, scale: float) -> Box:
    left, top, right, bottom = (side * scale for side in box)
    return math.floor(left), math.floor(top), math.ceil(right), math.ceil(bottom)
