"""Finding a picture in a picture: the crop around a recorded place, there or elsewhere (OpenCV, normalised squares)."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from actions import Point
from agent.ladder.aim import Aim
from env import Box, Image

WIDE = 32  # pixels around a target that belong to its surroundings
TIGHT = 2
PLAIN = 24  # half the side of a crop around a place without a box
LARGEST = 0.5  # of the screen that a box may fill and still say where it is
ALIKE = 0.985  # what a crop found elsewhere has to score; 1 is the same
CLEARLY = 0.02  # how much better than any other place it has to be
TINGE = 12.0  # mean difference of levels at which a crop that is alike in grey is another one in colour
MOST = 8  # places that are looked at
FLAT = 3.0  # standard deviation of grey levels below which a crop shows nothing


@dataclass(frozen=True)
class Crop:
    """A part of a recorded screen, and where in it the recorded place lies."""

    pixels: Image
    box: Box
    at: Point

    @property
    def flat(self) -> bool:
        """Whether it shows nothing that could be told from anything else."""
        return float(self.pixels.std()) < FLAT

    def place(self, left: int, top: int) -> Point:
        """The recorded place where this crop is found at `left` and `top`."""
        return Point(x=self.at.x - self.box[0] + left, y=self.at.y - self.box[1] + top)


def crops(aim: Aim) -> tuple[Crop, Crop]:
    """The target with its surroundings, and alone."""
    height, width = aim.screen.shape[:2]
    around = aim.evidence.box
    if around is None or _size(around) > LARGEST * width * height or not _holds(around, aim.at):
        around = (aim.at.x - PLAIN, aim.at.y - PLAIN, aim.at.x + PLAIN, aim.at.y + PLAIN)
    return _cut(aim, around, WIDE), _cut(aim, around, TIGHT)


def same(crop: Crop, screen: Image) -> bool:
    """Whether `screen` shows the same pixels in the same place."""
    left, top, right, bottom = crop.box
    return np.array_equal(crop.pixels, screen[top:bottom, left:right])


def matches(crop: Crop, screen: Image) -> list[tuple[float, Point]]:
    """Every place where `screen` shows `crop` well enough, the best first; one of two that overlap is left out."""
    high, wide = crop.pixels.shape[:2]
    if high > screen.shape[0] or wide > screen.shape[1] or crop.flat:
        return []
    scores = 1 - cv2.matchTemplate(_grey(screen), _grey(crop.pixels), cv2.TM_SQDIFF_NORMED)
    found: list[tuple[float, Point]] = []
    for _ in range(MOST):
        _, best, _, (left, top) = cv2.minMaxLoc(scores)
        if best < ALIKE:
            break
        if _colours(crop, screen[top : top + high, left : left + wide]) < TINGE:
            found.append((float(best), crop.place(left, top)))
        scores[max(top - high // 2, 0) : top + high // 2 + 1, max(left - wide // 2, 0) : left + wide // 2 + 1] = 0
    return found


def clear(found: list[tuple[float, Point]]) -> bool:
    """Whether the best of some matches is clearly that."""
    return bool(found) and (len(found) == 1 or found[0][0] - found[1][0] >= CLEARLY)


def _cut(aim: Aim, around: Box, margin: int) -> Crop:
    height, width = aim.screen.shape[:2]
    left, top = max(around[0] - margin, 0), max(around[1] - margin, 0)
    right, bottom = min(around[2] + margin, width), min(around[3] + margin, height)
    return Crop(np.ascontiguousarray(aim.screen[top:bottom, left:right]), (left, top, right, bottom), aim.at)


def _grey(pixels: Image) -> Image:
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), dtype=np.uint8)


def _colours(crop: Crop, there: Image) -> float:
    return float(np.abs(crop.pixels.astype(np.int16) - there).mean())


def _size(box: Box) -> int:
    return (box[2] - box[0]) * (box[3] - box[1])


def _holds(box: Box, at: Point) -> bool:
    return box[0] <= at.x < box[2] and box[1] <= at.y < box[3]
