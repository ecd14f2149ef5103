"""Places of a screenshot that nobody may see: passwords, what was typed for a secret, and what the caller marks.

They are covered in the decoded pixels, before anything else gets them. The page is asked for them during the capture
and again after it; where one has moved, another capture is taken between two such questions, and the whole band is
covered in which it moves.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from playwright.async_api import Error as PlaywrightError
from playwright.async_api import Frame
from pydantic import TypeAdapter

from env.browser import script
from env.browser.session import Session, Tab
from env.observation import Box, Image

STATE = "window[Symbol.for('handeye.veil')]"
BOXES = f"(selectors, words) => {STATE}?.boxes(selectors, words) ?? []"
VIEW = f"() => {STATE}?.view() ?? [0, 0, 1]"
CORNER = """(frame) => {
  let matrix = new DOMMatrix();
  for (let part = frame; part; part = part.parentElement || part.getRootNode().host) {
    matrix = new DOMMatrix(getComputedStyle(part).transform).multiply(matrix);
  }
  const box = frame.getBoundingClientRect(), style = getComputedStyle(frame);
  const turned = !matrix.is2D || Math.abs(matrix.b) > 1e-6 || Math.abs(matrix.c) > 1e-6;
  const across = box.width / frame.offsetWidth, down = box.height / frame.offsetHeight;
  const left = frame.clientLeft + parseFloat(style.paddingLeft), top = frame.clientTop + parseFloat(style.paddingTop);
  return [box.x, box.y, box.width, box.height, left * across, top * down, across, down, Number(turned)];
}"""
"""Where a frame stands in the one around it, and how its pixels are scaled; turned ones are covered whole."""

COVER = (96, 96, 104)
FAR = 1 << 20  # pixels, beyond any screen
MARGIN = 1  # pixels around each place, for edges that the browser smooths

Rect = tuple[float, float, float, float]
"""Left, top, width and height, in CSS pixels."""

_RECTS = TypeAdapter(list[Rect])
_VIEW = TypeAdapter(tuple[float, float, float])
_CORNER = TypeAdapter(tuple[float, float, float, float, float, float, float, float, float])


@dataclass(frozen=True)
class Corner:
    """A frame inside another one."""

    whole: Rect
    inset: tuple[float, float]
    scale: tuple[float, float]
    turned: bool

    def place(self, rect: Rect) -> Rect:
        """A place of the frame as one of the frame around it."""
        if self.turned:
            return self.whole
        left, top = self.whole[0] + self.inset[0], self.whole[1] + self.inset[1]
        across, down = self.scale
        return left + rect[0] * across, top + rect[1] * down, rect[2] * across, rect[3] * down


async def find(session: Session, tab: Tab) -> tuple[Box, ...]:
    """The places to cover in a screenshot of `tab`; the last known ones where the page does not answer."""
    page = tab.page
    try:
        rects: list[Rect] = []
        for frame in page.frames:
            arguments: list[script.Json] = [[*session.options.masks], words(session, frame)]
            if frame is page.main_frame:
                rects += _RECTS.validate_python(await script.evaluate(tab.cdp, BOXES, *arguments))
            else:
                rects += await _inner(frame, arguments)
        view = await script.evaluate(tab.cdp, VIEW) if rects and session.options.mobile else [0, 0, 1]
    except (PlaywrightError, script.ScriptError):
        return session.veiled
    x, y, zoom = _VIEW.validate_python(view)
    seen = [((left - x) * zoom, (top - y) * zoom, wide * zoom, high * zoom) for left, top, wide, high in rects]
    return tuple(pixels(rect, session.options.device_scale_factor) for rect in seen)


def words(session: Session, frame: Frame) -> list[script.Json]:
    """The secrets that a frame may already know, and so may be asked about."""
    return [secret.value.lower() for secret in session.typed if secret.origins.allows(frame.url)]


async def _inner(frame: Frame, arguments: Sequence[script.Json]) -> list[Rect]:
    """The places of a frame inside the page, as places of the page."""
    try:
        rects = _RECTS.validate_python(await frame.evaluate(f"(args) => ({BOXES})(...args)", list(arguments)))
        while rects and frame.parent_frame is not None:
            element = await frame.frame_element()
            said = _CORNER.validate_python(await element.evaluate(CORNER))
            corner = Corner(said[0:4], said[4:6], said[6:8], bool(said[8]))
            rects = [corner.place(rect) for rect in rects]
            frame = frame.parent_frame
    except PlaywrightError:  # the frame is gone, or on its way to another document
        return []
    return rects


def pixels(rect: Rect, scale: float) -> Box:
    """The pixels to cover for a place of a window that has so many to a CSS pixel."""
    left, top, wide, high = rect
    return (
        math.floor(left * scale) - MARGIN,
        math.floor(top * scale) - MARGIN,
        math.ceil((left + wide) * scale) + MARGIN,
        math.ceil((top + high) * scale) + MARGIN,
    )


def along(before: Sequence[Box], after: Sequence[Box]) -> tuple[Box, ...]:
    """What covers every place wherever it was in between: one that moves, the whole band in which it does."""
    if len(before) != len(after):
        return (*before, *after)
    return tuple(_band(one, other) for one, other in zip(before, after, strict=True))


def _band(one: Box, other: Box) -> Box:
    left, top, right, bottom = (
        min(one[0], other[0]),
        min(one[1], other[1]),
        max(one[2], other[2]),
        max(one[3], other[3]),
    )
    if one[0] != other[0]:
        left, right = -FAR, FAR
    if one[1] != other[1]:
        top, bottom = -FAR, FAR
    return left, top, right, bottom


def cover(pixels: Image, boxes: Sequence[Box]) -> Image:
    """`pixels` with the places covered; the same array where there are none."""
    if not boxes:
        return pixels
    covered: Image = pixels.copy()
    for left, top, right, bottom in boxes:
        covered[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)] = COVER
    return covered
