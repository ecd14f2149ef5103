"""Pictures as the tower takes them: known by what they hold, their patches made when somebody wants to look.

A conversation shows its screens again at every step. What was given before is known by its pixels, and costs their
hash at most: it is neither brought to size nor cut into patches again, unless the tower has to look once more.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias
from weakref import ref

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from model.image import ImageProcessor, checked
from model.layout import Grid, Medium
from model.video import Clip, VideoProcessor

MOST = 4096
"""Pictures that an album remembers, some 300 bytes each."""

Made: TypeAlias = tuple[Tensor, Medium]
"""What a processor gives."""

Content: TypeAlias = tuple[tuple[int, ...], bytes]
"""Shape and sha256 of pixels."""


@dataclass(frozen=True)
class Picture:
    """An image or a video: its shape, a hash of all that its patches depend on, and these, [N, patch_dim]."""

    medium: Medium
    key: str
    patches: Callable[[], Tensor]

    @classmethod
    def of(cls, patches: Tensor, medium: Medium) -> Picture:
        """That of patches that are there."""
        return cls(medium, fingerprint(patches, medium.grid), lambda: patches)


def fingerprint(patches: Tensor, grid: Grid) -> str:
    """sha256 of a picture as the tower is given it: the resized pixels, normalised as the processor says."""
    digest = hashlib.sha256(repr((grid, str(patches.dtype))).encode())
    digest.update(patches.contiguous().cpu().numpy().data)
    return digest.hexdigest()


def _key(rules: ImageProcessor, content: Content, grid: Grid) -> str:
    """sha256 of all that patches depend on: the pixels, the size they are brought to, and how `rules` write them."""
    plain = replace(rules, min_pixels=ImageProcessor.min_pixels, max_pixels=ImageProcessor.max_pixels)
    return hashlib.sha256(repr((plain, content, grid)).encode()).hexdigest()


def joined(pictures: Sequence[Picture]) -> Tensor | None:
    """The patches of all, in their order."""
    parts = [picture.patches() for picture in pictures]
    return torch.cat(parts) if len(parts) > 1 else parts[0] if parts else None


class Album:
    """What images and videos became, by their pixels and the processor.

    `made` counts those that were cut up, `hashed` those whose pixels were gone through. An array that is read-only is
    taken to stay as it is and gone through once, as long as it lives.
    """

    def __init__(self, most: int = MOST) -> None:
        self.most, self.made, self.hashed = most, 0, 0
        self._known: dict[Hashable, tuple[Medium, str]] = {}
        self._fixed: dict[int, tuple[ref[NDArray[np.uint8]], Content]] = {}  # by id, while the array lives

    def image(self, image: NDArray[np.uint8], processor: ImageProcessor) -> Picture:
        """As `processor` cuts it, and raising what that raises."""

        def make() -> Made:
            patches, grid = processor(image)
            return patches, Medium(grid)

        content = self._content(checked(image))
        return self._picture((processor, content), processor, content, make)

    def video(self, clip: Clip, processor: VideoProcessor) -> Picture:
        """As `processor` cuts it, and raising what that raises."""
        content = self._content(clip.frames)
        return self._picture((processor, clip.fps, content), processor.images, content, lambda: processor(clip))

    def _picture(self, name: Hashable, rules: ImageProcessor, content: Content, make: Callable[[], Made]) -> Picture:
        def again() -> Tensor:
            self.made += 1
            return make()[0]

        if (known := self._known.pop(name, None)) is None:
            patches, medium = make()
            self.made += 1
            known = medium, _key(rules, content, medium.grid)
            picture = Picture(*known, lambda: patches)
        else:
            picture = Picture(*known, again)
        self._known[name] = known  # the latest stands last
        if len(self._known) > self.most:
            del self._known[next(iter(self._known))]
        return picture

    def _content(self, pixels: NDArray[np.uint8]) -> Content:
        fixed, number = not pixels.flags.writeable, id(pixels)
        if fixed and (known := self._fixed.get(number)) is not None and known[0]() is pixels:
            return known[1]
        self.hashed += 1
        found = pixels.shape, hashlib.sha256(np.ascontiguousarray(pixels).data).digest()
        if fixed:
            self._fixed[number] = ref(pixels, lambda gone: self._forget(number, gone)), found
        return found

    def _forget(self, number: int, gone: ref[NDArray[np.uint8]]) -> None:
        if (known := self._fixed.get(number)) is not None and known[0] is gone:
            del self._fixed[number]
