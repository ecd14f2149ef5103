"""Where a screenshot's pixels are on the screen. The one place that turns one into the other."""

from __future__ import annotations

from dataclasses import dataclass

from actions.action import Point


@dataclass(frozen=True)
class Layout:
    """The part of the screen that is seen.

    `left` and `top` are negative on a monitor that stands left of or above the first. They and `width` and `height`
    are in the units in which the pointer is moved; `shown` is the screenshot in pixels, of which a high-resolution
    screen has more.
    """

    left: int
    top: int
    width: int
    height: int
    shown: tuple[int, int]

    def place(self, point: Point) -> tuple[int, int]:
        """Where the pointer has to go for a pixel of the screenshot."""
        wide, high = self.shown
        return self.left + point.x * self.width // wide, self.top + point.y * self.height // high

    def pixel(self, x: int, y: int) -> Point:
        """The pixel of the screenshot at a place of the pointer, or the nearest to it."""
        wide, high = self.shown
        across, down = (x - self.left) * wide // self.width, (y - self.top) * high // self.height
        return Point(x=min(max(across, 0), wide - 1), y=min(max(down, 0), high - 1))

    @property
    def corners(self) -> frozenset[tuple[int, int]]:
        """Where a person pushes the pointer to stop everything."""
        right, bottom = self.left + self.width - 1, self.top + self.height - 1
        return frozenset((x, y) for x in (self.left, right) for y in (self.top, bottom))
