"""Where a pixel of the screen lies in the image a model sees, and back.

This is the one file that multiplies a coordinate. The two axes have scales of their own: an image whose sides are
rounded to whole patches is stretched by up to two per cent more one way than the other. The scale of an axis is the
number of screen pixels to one unit of the model's: width / model_width, height / model_height.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from actions.action import Action, ActionError, Drag, Point, points

Convention = Literal["resized", "thousand", "999", "screen"]
"""What coordinates count: pixels of the model image, 0..1000 and 0..999 of either side, or pixels of the screenshot."""

MAX_ASPECT = 200
MIN_PIXELS = 3136
MAX_PIXELS = 12_845_056


def smart_resize(
    height: int,
    width: int,
    *,
    factor: int = 28,
    min_pixels: int = MIN_PIXELS,
    max_pixels: int = MAX_PIXELS,
) -> tuple[int, int]:
    """The (height, width) at which Qwen2-VL and Qwen2.5-VL look at an image of `height` x `width` pixels.

    Both are multiples of `factor` and their product keeps within the budget where the aspect allows it. A size that
    came out goes in unchanged. Sides are rounded half to even, as transformers does (image_processing_qwen2_vl.py),
    and the defaults are those of the published checkpoints. Raises ValueError for an empty image, and for one more
    than 200 times as long as it is wide.
    """
    if height < 1 or width < 1:
        raise ValueError(f"an image of {width}x{height} pixels is empty")
    if max(height, width) / min(height, width) > MAX_ASPECT:
        raise ValueError(f"an image of {width}x{height} pixels is narrower than 1:{MAX_ASPECT}")
    rows, columns = round(height / factor), round(width / factor)
    if rows * columns * factor**2 > max_pixels:
        shrink = math.sqrt(height * width / max_pixels)
        rows = max(1, math.floor(height / shrink / factor))
        columns = max(1, math.floor(width / shrink / factor))
    elif rows * columns * factor**2 < min_pixels:
        grow = math.sqrt(min_pixels / (height * width))
        rows, columns = math.ceil(height * grow / factor), math.ceil(width * grow / factor)
    return rows * factor, columns * factor


@dataclass(frozen=True)
class Frame:
    """A screenshot of `width` x `height` pixels, and the `model_width` x `model_height` image the model saw of it.

    A convention of relative coordinates is a frame as well: its model image is 1000x1000, or 999x999.
    """

    width: int
    height: int
    model_width: int
    model_height: int

    def __post_init__(self) -> None:
        if min(self.width, self.height, self.model_width, self.model_height) < 1:
            raise ValueError(f"every side of a frame is at least one pixel: {self}")

    @classmethod
    def fit(
        cls,
        width: int,
        height: int,
        *,
        factor: int = 28,
        min_pixels: int = MIN_PIXELS,
        max_pixels: int = MAX_PIXELS,
    ) -> Frame:
        """The frame of a `width` x `height` screenshot that `smart_resize` brings to the model."""
        rows, columns = smart_resize(height, width, factor=factor, min_pixels=min_pixels, max_pixels=max_pixels)
        return cls(width, height, columns, rows)

    @classmethod
    def of(cls, convention: Convention, width: int, height: int, model_width: int, model_height: int) -> Frame:
        """The frame in which a model that keeps to `convention` points at a `width` x `height` screenshot.

        `model_width` and `model_height` are the size it is resized to; only "resized" counts in them. "screen" is for
        a screenshot that is sent as it is.
        """
        units = {
            "resized": (model_width, model_height),
            "thousand": (1000, 1000),
            "999": (999, 999),
            "screen": (width, height),
        }
        return cls(width, height, *units[convention])

    def to_model(self, point: Point) -> Point:
        """The whole place of the model image nearest to a pixel of the screen: 0..model_width, 0..model_height.

        The far edge is a place too, as 1000 of 0..1000 is: where a screen is more than twice as wide as the image,
        its last pixels lie nearer to that edge than to the image's last pixel. The way back by `to_screen` errs by at
        most half a scale and half a screen pixel on each axis, whatever the sizes.
        """
        return Point(
            x=_scale(point.x, self.width, self.model_width, self.model_width),
            y=_scale(point.y, self.height, self.model_height, self.model_height),
        )

    def to_screen(self, x: float, y: float, *, field: str = "coordinate") -> Point:
        """The screen pixel nearest to a place of the model image; `field` names the place in an error.

        `x == model_width` and `y == model_height` are the far edges of the image, where boxes end, and belong to the
        last pixel. Whatever lies beyond, and what is no finite number, is an ActionError.
        """
        if not (0 <= x <= self.model_width and 0 <= y <= self.model_height):
            raise _outside(field, x, y, self.model_width, self.model_height, "image")
        return Point(
            x=_scale(x, self.model_width, self.width, self.width - 1),
            y=_scale(y, self.model_height, self.height, self.height - 1),
        )

    def at_parts(self, x: float, y: float, *, field: str = "coordinate") -> Point:
        """As `to_screen`, for a place given in parts of the image's sides, from 0 to 1."""
        return self.to_screen(x * self.model_width, y * self.model_height, field=field)

    def edge(self, x: float, y: float, *, field: str = "box") -> Point:
        """As `to_screen`, for the corner of a box: a line between pixels, at most `width` and `height`."""
        if not (0 <= x <= self.model_width and 0 <= y <= self.model_height):
            raise _outside(field, x, y, self.model_width, self.model_height, "image")
        return Point(
            x=_scale(x, self.model_width, self.width, self.width),
            y=_scale(y, self.model_height, self.height, self.height),
        )

    def check(self, action: Action) -> Action:
        """`action` itself, when every screen pixel it names is on the screen; an ActionError otherwise."""
        for index, point in enumerate(points(action)):
            if not (0 <= point.x < self.width and 0 <= point.y < self.height):
                field = f"path[{index}]" if isinstance(action, Drag) else "at"
                raise _outside(field, point.x, point.y, self.width, self.height, "screen")
        return action


def _scale(value: float, size: int, new_size: int, last: int) -> int:
    return min(max(round(value * new_size / size), 0), last)


def _outside(field: str, x: float, y: float, width: int, height: int, what: str) -> ActionError:
    return ActionError(
        f"{field}: ({_show(x)}, {_show(y)}) lies outside the {width}x{height} {what}; "
        f"x must be 0..{width - 1} and y 0..{height - 1}"
    )


def _show(value: float) -> str:
    try:
        return f"{float(value):.10g}"
    except OverflowError:  # an integer that no float holds
        return "inf" if value > 0 else "-inf"
