"""Videos as the network sees them: which frames are taken, at what size, and how they become patches.

The rules are those of the family's reference loader (qwen-vl-utils), budgets counted in tokens. F frames, H height,
W width, T frames of one patch. Files are decoded in `model.frames`, which needs PyAV; this file does not.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from model.image import ImageProcessor, smart_resize
from model.layout import Medium

EVEN = 2
"""Frames are taken in pairs."""

FRAME_TOKENS = (128, 768)
"""Fewest and most tokens that the area of one frame is worth."""

CONTEXT = 128_000
"""Tokens that the reference takes a model to read; nine tenths of them may be spent on a video."""

SHARE = 0.9
SPARE = 1.05
"""A frame's upper budget stays this much above its lower one, however many frames there are."""


class VideoError(ValueError):
    """A video that cannot be used, with what would be right."""


@dataclass(frozen=True)
class Sampling:
    """How many frames are taken: so many a second, within limits."""

    fps: float = 2.0
    min_frames: int = 4
    max_frames: int = 768

    def __post_init__(self) -> None:
        if not 0 < self.fps < math.inf:
            raise VideoError(f"fps: {self.fps}; expected a number above zero")
        if not 1 <= self.min_frames <= self.max_frames or self.max_frames < EVEN:
            limits = f"{self.min_frames} to {self.max_frames}"
            raise VideoError(f"min_frames to max_frames: {limits}; expected 1 or more to 2 or more, in this order")

    def count(self, total: int, rate: float) -> int:
        """How many of `total` frames are taken of a video with `rate` frames a second: an even number, or one."""
        low = math.ceil(self.min_frames / EVEN) * EVEN
        high = min(self.max_frames, total) // EVEN * EVEN
        wanted = min(max(total / rate * self.fps, low), high, total)
        return max(math.floor(wanted / EVEN) * EVEN, 1)

    def indices(self, total: int, rate: float) -> list[int]:
        """Which frames: evenly spread from the first to the last, halves rounded to even."""
        places: list[int] = torch.linspace(0, total - 1, self.count(total, rate)).round().long().tolist()
        return places


REFERENCE = Sampling()
"""What the reference loader does when nothing else is asked."""


@dataclass(frozen=True, eq=False)
class Clip:
    """Frames uint8 [F,H,W,3] of a video, `fps` of them really taken a second.

    `size` is the (width, height) the video has in its file, where the frames have been made smaller since.
    """

    frames: NDArray[np.uint8]
    fps: float
    size: tuple[int, int] = (0, 0)

    def __post_init__(self) -> None:
        if not isinstance(self.frames, np.ndarray):
            raise VideoError(f"frames: {type(self.frames).__name__}; expected a uint8 array [frames, height, width, 3]")
        shape, kind = self.frames.shape, self.frames.dtype
        if kind != np.uint8 or len(shape) != 4 or shape[3] != 3 or not min(shape):
            raise VideoError(f"frames: {kind} {list(shape)}; expected a uint8 array [frames, height, width, 3]")
        if not 0 < self.fps < math.inf:
            raise VideoError(f"fps: {self.fps}; expected the frames taken a second, a number above zero")
        if not all(self.size):
            object.__setattr__(self, "size", (shape[2], shape[1]))


@dataclass(frozen=True)
class VideoProcessor:
    """Cuts frames by the rules of `images`, within budgets of a video's own.

    `context` is what the network can read; budgets are pixels of one frame, None for the reference's.
    """

    images: ImageProcessor
    context: int = CONTEXT
    min_pixels: int | None = None
    max_pixels: int | None = None

    def __post_init__(self) -> None:
        low = 1 if self.min_pixels is None else self.min_pixels
        if low < 1:
            raise VideoError(f"min_pixels: {low}; expected at least 1")
        if self.max_pixels is not None and self.max_pixels < low:
            raise VideoError(f"max_pixels: {self.max_pixels}; expected at least min_pixels {low}")

    @property
    def most(self) -> int:
        """Frames beyond which a video would not fit the context, however small each frame."""
        tokens = self._low() / self.images.factor**2 * SPARE
        pairs = int(min(self.context, CONTEXT) * SHARE / tokens)
        return max(pairs * self.images.temporal_patch_size, EVEN)

    def size(self, frames: int, width: int, height: int) -> tuple[int, int]:
        """(width, height) at which each of so many frames is seen. Raises `VideoError`."""
        low, high = self._low(), self._high(frames)
        try:
            rows, cols = smart_resize(height, width, factor=self.images.factor, min_pixels=low, max_pixels=high)
        except ValueError as error:
            raise VideoError(f"a frame: {error}") from None
        return cols, rows

    def tokens(self, clip: Clip) -> int:
        """Tokens that the video costs. Raises `VideoError`."""
        width, height = self.size(len(clip.frames), clip.frames.shape[2], clip.frames.shape[1])
        return self._steps(clip) * width * height // self.images.factor**2

    def __call__(self, clip: Clip) -> tuple[Tensor, Medium]:
        """float32 patches [N, C*T*P*P] and what the decoder needs to know of them.

        The last frame is repeated until all patches are full. Raises `VideoError`.
        """
        T, side = self.images.temporal_patch_size, self.images.patch_size
        frames = clip.frames
        width, height = size = self.size(len(frames), frames.shape[2], frames.shape[1])
        steps = self._steps(clip)
        whole = range(len(frames))
        parts = []
        for step in range(steps):
            chosen = [frames[min(i, whole[-1])] for i in range(step * T, step * T + T)]
            parts.append(self.images.patches(np.stack(resized(chosen, size))))
        return torch.cat(parts), Medium((steps, height // side, width // side), T / clip.fps)

    def _steps(self, clip: Clip) -> int:
        return math.ceil(len(clip.frames) / self.images.temporal_patch_size)

    def _low(self) -> int:
        reference = FRAME_TOKENS[0] * self.images.factor**2
        return self.min_pixels or min(reference, self.max_pixels or reference)

    def _high(self, frames: int) -> int:
        token = self.images.factor**2
        total = int(min(self.context, CONTEXT) * token * SHARE)
        share = max(
            min(FRAME_TOKENS[1] * token, total * self.images.temporal_patch_size // frames), int(self._low() * SPARE)
        )
        return min(share, self.max_pixels or share)


def resized(frames: Sequence[NDArray[np.uint8]], size: tuple[int, int]) -> list[NDArray[np.uint8]]:
    """Each frame at (width, height), by the same filter as still images."""
    return [
        frame
        if (frame.shape[1], frame.shape[0]) == size
        else np.asarray(Image.fromarray(frame).resize(size, Image.Resampling.BICUBIC))
        for frame in frames
    ]
