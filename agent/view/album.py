"""The pictures of a page, each in it once, however many steps show it.

A screen that differs from an earlier one in a part alone is kept as that part, to be laid over the earlier one. All are
lossless WebP as long as the page stays within its budget, and near to it beyond that; the page says which.
"""

from __future__ import annotations

import base64
import io
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image as Pillow

from agent.picture import decode, digest
from agent.reader import RecordError
from env import Image
from env.observation import Box, changed

BUDGET = 22_000_000
"""Bytes that the pictures of a page may take, written as base64."""

QUALITIES = (None, 90, 75, 50, 25)
"""Of WebP, the best first; None is lossless."""

PART = 0.6
"""Of a screen: what differs in a larger part is kept whole."""

SAMPLE = 12
"""Pictures by which the quality is chosen."""

WEBP_SIDE = 16_383
"""The longest side that WebP has."""


@dataclass(frozen=True)
class Plan:
    """A picture that a page needs: that of a file, or the part `box` of it that is new over the picture `base`."""

    path: Path
    size: tuple[int, int]
    base: int | None = None
    box: Box | None = None

    def pixels(self) -> Image:
        """What has to be kept of it."""
        screen = decode(self.path.read_bytes())
        if self.box is None:
            return screen
        left, top, right, bottom = self.box
        return screen[top:bottom, left:right]


@dataclass(frozen=True)
class Picture:
    """A picture as it stands in a page: width and height of the screen, and the data to be laid at `at`."""

    size: tuple[int, int]
    base: int | None
    at: tuple[int, int]
    type: str
    data: str


@dataclass(frozen=True)
class Prints:
    """All pictures of a page; `quality` is that of WebP, None where every pixel is exact."""

    pictures: tuple[Picture, ...]
    quality: int | None


class Album:
    """Collects the screens that a page shows."""

    def __init__(self) -> None:
        self._plans: list[Plan] = []
        self._known: dict[str, int] = {}
        self._whole: tuple[int, Image] | None = None

    def add(self, path: Path) -> int:
        """The number of the picture in a PNG file; equal files have one. `RecordError` where it is gone or broken."""
        try:
            data = path.read_bytes()
            name = digest(data)
            if name not in self._known:
                self._keep(path, name, decode(data))
        except (OSError, SyntaxError) as error:
            raise RecordError(f"{path}: {error}") from error
        return self._known[name]

    def prints(self, budget: int = BUDGET) -> Prints:
        """All pictures added so far, as exact as the budget allows."""
        quality = _quality(self._plans, budget)
        with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
            return Prints(tuple(pool.map(lambda plan: _print(plan, quality), self._plans)), quality)

    def _keep(self, path: Path, name: str, pixels: Image) -> None:
        plan = self._plan(path, pixels)
        self._known[name] = len(self._plans)
        if plan.base is None:
            self._whole = len(self._plans), pixels
        self._plans.append(plan)

    def _plan(self, path: Path, pixels: Image) -> Plan:
        height, width = pixels.shape[:2]
        if self._whole is not None and self._whole[1].shape == pixels.shape:
            base, under = self._whole
            _, box = changed(under, pixels)
            if box and (box[2] - box[0]) * (box[3] - box[1]) <= PART * width * height:
                return Plan(path, (width, height), base, box)
        return Plan(path, (width, height))


def _quality(plans: Sequence[Plan], budget: int) -> int | None:
    """The best quality at which the pictures fit, by a sample of them; where none does, the one that takes least."""
    sample = plans[:: max(1, -(-len(plans) // SAMPLE))]
    taken: dict[int | None, float] = {}
    for quality in QUALITIES:
        taken[quality] = sum(len(_print(plan, quality).data) for plan in sample) * len(plans) / max(1, len(sample))
        if taken[quality] <= budget:
            return quality
    return min(taken, key=lambda quality: taken[quality])


def _print(plan: Plan, quality: int | None) -> Picture:
    pixels = plan.pixels()
    kind = "PNG" if max(pixels.shape[:2]) > WEBP_SIDE else "WEBP"
    file = io.BytesIO()
    picture = Pillow.fromarray(np.ascontiguousarray(pixels))
    if kind == "PNG":
        picture.save(file, format="PNG")
    elif quality is None:
        picture.save(file, format="WEBP", lossless=True, quality=20, method=1)
    else:
        picture.save(file, format="WEBP", quality=quality, method=2)
    at = plan.box[:2] if plan.box else (0, 0)
    data = base64.b64encode(file.getvalue()).decode()
    return Picture(plan.size, plan.base, at, f"image/{kind.lower()}", data)


@dataclass(frozen=True)
class Shot:
    """A screen as it is shown: pixels of the screenshot, and `shown`, the widest it is drawn."""

    picture: int | None
    width: int
    height: int
    shown: int
    page: str
    missing: str = ""
    """Why there is no picture; empty where there is one."""


def shoot(album: Album, path: Path, size: tuple[int, int], page: str = "") -> Shot:
    """A screen made ready to be shown; small ones are drawn at up to three times their size."""
    width, height = size
    shown = width * max(1, min(3, 640 // max(1, width)))
    try:
        return Shot(album.add(path), width, height, shown, page)
    except RecordError as error:
        return Shot(None, width, height, shown, page, missing=str(error))
