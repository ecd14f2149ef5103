"""Scrolling to what lies outside of the window, without turning the wheel over anything that it would change."""

from __future__ import annotations

from actions import Point, Scroll
from agent.ladder.sight import Sight

TURNED = frozenset({"combobox", "iframe", "listbox", "slider", "spinbutton", "canvas", "textbox"})
"""Roles whose own content the wheel turns, or that it would change."""

SPOTS = ((50, 50), (10, 50), (90, 50), (50, 25), (50, 75), (10, 25), (90, 75), (3, 90))
"""Places to turn the wheel at, in percent of width and height."""


def turn(sight: Sight, to: Point) -> Scroll:
    """The scrolling that brings `to` near the middle of the window, as far as it is outside."""
    width, height = sight.seen.size
    across = 0 if 0 <= to.x < width else to.x - width // 2
    down = 0 if 0 <= to.y < height else to.y - height // 2
    return Scroll(at=resting(sight), dx=across, dy=down)


def resting(sight: Sight) -> Point:
    """A place where the wheel turns the page; the middle where nobody can say what lies there."""
    width, height = sight.seen.size
    spots = [Point(x=width * x // 100, y=height * y // 100) for x, y in SPOTS]
    for at in spots:
        there = sight.lies(at)
        if there is None or there.role not in TURNED:
            return at
    return spots[0]
