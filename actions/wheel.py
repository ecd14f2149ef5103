"""The wheel as dialects count it that know directions and notches and no pixels."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from actions.action import MAX_SCROLL, ActionError, Point, Scroll

NOTCH = 120
"""Screen pixels to one notch of the wheel: what Windows and Chromium take one for."""

DIRECTIONS: Mapping[str, tuple[int, int]] = MappingProxyType(
    {"down": (0, 1), "up": (0, -1), "right": (1, 0), "left": (-1, 0)}
)
"""The signs of `dx` and `dy` in each direction."""

MAX_NOTCHES = MAX_SCROLL // NOTCH


def turn(at: Point | None, direction: str, pixels: int) -> Scroll:
    """The wheel turned by `pixels` in one of `DIRECTIONS`."""
    x, y = DIRECTIONS[direction]
    return Scroll(at=at, dx=x * pixels, dy=y * pixels)


def notches(action: Scroll) -> tuple[str, int]:
    """The direction and the whole notches of `action`; ActionError where it has no such words."""
    if action.dx and action.dy:
        raise ActionError(f"dx: {action.dx} beside dy: {action.dy} cannot be written; one of them must be 0")
    pixels = action.dx or action.dy
    count, rest = divmod(abs(pixels), NOTCH)
    if rest:
        raise ActionError(f"dy: {pixels} pixels cannot be written; give a multiple of {NOTCH}")
    names = ("right", "left") if action.dx else ("down", "up")
    return names[pixels < 0], count
