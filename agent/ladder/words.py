"""Finding a target by the words on it, read in the pictures (RapidOCR), where a screen cannot say what lies where.

A field without words of its own is not found so.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from rapidocr import RapidOCR
from rapidocr.utils.output import RapidOCROutput

from actions import Point
from agent.ladder.aim import Aim, Missing, Refused, Spot, plain
from agent.ladder.find import Read
from agent.ladder.sight import Sight
from env import Box, Image

SURE = 0.7  # of a line, as RapidOCR counts
AROUND = 6  # pixels around a line that belong to it
NEAREST = 3  # lines around that tell it from another of the same words


@dataclass(frozen=True)
class Words:
    """A line of a picture."""

    text: str
    box: Box
    score: float

    @property
    def middle(self) -> tuple[float, float]:
        """The middle of its box."""
        return (self.box[0] + self.box[2]) / 2, (self.box[1] + self.box[3]) / 2

    def holds(self, at: Point) -> bool:
        """Whether a place lies on it."""
        left, top, right, bottom = self.box
        return left - AROUND <= at.x < right + AROUND and top - AROUND <= at.y < bottom + AROUND


def reader() -> Read:
    """What finds targets by their words; the models are loaded with the first."""
    return Reader()


class Reader:
    """Reads each picture once."""

    def __init__(self) -> None:
        self._engine: RapidOCR | None = None
        self._known: list[tuple[Image, tuple[Words, ...]]] = []

    def __call__(self, aim: Aim, sight: Sight) -> Spot:
        """Where the words of the recorded place stand now; `Missing` or `Refused` otherwise."""
        recorded = self.read(aim.screen)
        wanted = next((line for line in recorded if line.holds(aim.at)), None)
        if wanted is None:
            raise Missing("nothing can be read at the recorded place")
        screen = self.read(sight.screen)
        found = [line for line in screen if plain(line.text) == plain(wanted.text)]
        if not found:
            raise Missing(f"{wanted.text!r} cannot be read on the screen")
        best = self._one(wanted, found, recorded, screen)
        x, y = best.middle
        shift = aim.at.x - wanted.middle[0], aim.at.y - wanted.middle[1]
        return Spot(Point(x=round(x + shift[0]), y=round(y + shift[1])), "words", round(best.score, 3))

    def read(self, picture: Image) -> tuple[Words, ...]:
        """The lines of a picture."""
        for known, lines in self._known:
            if known is picture:
                return lines
        if self._engine is None:
            self._engine = RapidOCR(params={"Global.log_level": "error"})
        said = self._engine(np.ascontiguousarray(picture[:, :, ::-1]))
        assert isinstance(said, RapidOCROutput)  # as detection and recognition together give
        boxes: list[object] = [] if said.boxes is None else list(said.boxes)
        lines = tuple(
            Words(str(text), _box(corners), float(score))
            for corners, text, score in zip(boxes, said.txts or (), said.scores or (), strict=True)
            if score >= SURE
        )
        self._known = [*self._known[-3:], (picture, lines)]
        return lines

    def _one(self, wanted: Words, found: list[Words], recorded: tuple[Words, ...], screen: tuple[Words, ...]) -> Words:
        """The one of `found` that has the neighbours of `wanted`; `Refused` where that is not one alone."""
        if len(found) == 1 and sum(plain(line.text) == plain(wanted.text) for line in recorded) == 1:
            return found[0]
        around = neighbours(wanted, recorded)
        fits = [line for line in found if neighbours(line, screen)[:1] == around[:1]]
        if len(fits) != 1:
            raise Refused(f"{wanted.text!r} can be read in {len(found)} places")
        return fits[0]


def neighbours(line: Words, lines: tuple[Words, ...]) -> list[str]:
    """The words around a line, the nearest first; those of the same wording do not tell it from another."""
    others = [each for each in lines if plain(each.text) != plain(line.text)]
    others.sort(key=lambda each: math.dist(each.middle, line.middle))
    return [plain(each.text) for each in others[:NEAREST]]


def _box(corners: object) -> Box:
    points = np.asarray(corners)
    left, top = points.min(axis=0)
    right, bottom = points.max(axis=0)
    return math.floor(left), math.floor(top), math.ceil(right), math.ceil(bottom)
