"""What the built-in model is asked in one update: pictures with their turns, and turns without a picture."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import torch

from model.config import Config
from model.train import copying, losses, tokens
from model.train.loop import Seat
from model.train.samples import Encoded, Encoder, Picture, Source, Turn
from model.train.stages import Stage
from model.train.tiny import SIZE

Data: TypeAlias = tuple[tuple[Path, float], ...]
"""Folders of shards, and the weight of each."""

JUDGING = 1_000_000
"""Seeds from here up are for judging; every seed that training draws is below."""


@dataclass(frozen=True)
class Lesson:
    """One batch: turns about pictures, then turns without one; `owners` gives each of the former its picture.

    All pictures are of one size, `grid` of rows and columns of image tokens.
    """

    grid: tuple[int, int]
    pictures: Sequence[Picture]
    owners: Sequence[int]
    turns: Sequence[Encoded]


class Lessons:
    """Draws batches: pictures by the weights of their folders, one turn each, and turns without a picture."""

    def __init__(self, stage: Stage, data: Data, net: Config, seed: int, seat: Seat) -> None:
        self.stage, self.config = stage, net
        self.random = random.Random(f"{seed}/{seat.rank}")
        seed = self.random.randrange(JUDGING)
        self.sources = [iter(Source(folder, seed, seat.rank, seat.ranks)) for folder, _ in data]
        self.shares = [weight for _, weight in data]
        self.copies = copying.turns(seed)
        tokenizer = tokens.build()
        self.encoder = Encoder(tokenizer)
        self.coordinates = losses.Coordinates(
            torch.tensor([tokenizer.token_to_id(tokens.column(i)) for i in range(tokens.NUMBERS)]),
            torch.tensor([tokenizer.token_to_id(tokens.row(i)) for i in range(tokens.NUMBERS)]),
        )

    def batches(self) -> Iterator[Lesson]:
        """Lessons of `stage.batch` pictures (or pairs of turns without one), lengths alike in each.

        Of larger pictures there are fewer, so that a lesson costs much the same.
        """
        size, usual = self.stage.batch, self._grid(SIZE)
        pools: dict[tuple[int, int], list[tuple[Picture | None, list[Encoded]]]] = {}
        while True:
            for _ in range(size * 8):
                item = self._draw()
                pools.setdefault(self._grid(item[0].size) if item[0] else usual, []).append(item)
            groups = []
            for grid, pool in pools.items():
                room = max(1, size * math.prod(usual) // math.prod(grid))
                whole = len(pool) // room * room  # the rest waits for more of its size
                ready = sorted(pool[:whole], key=lambda item: max(len(turn.ids) for turn in item[1]))
                groups += [(grid, ready[i : i + room]) for i in range(0, whole, room)]
                del pool[:whole]
            self.random.shuffle(groups)
            for grid, group in groups:
                pictures = [picture for picture, _ in group if picture is not None]
                shown = [turns for picture, turns in group if picture is not None]
                bare = [turn for picture, turns in group if picture is None for turn in turns]
                owners = [number for number, turns in enumerate(shown) for _ in turns]
                yield Lesson(grid, pictures, owners, [*(turn for turns in shown for turn in turns), *bare])

    def _draw(self) -> tuple[Picture | None, list[Encoded]]:
        if self.random.random() < self.stage.copying:
            return None, [self.encoder(next(self.copies), 0) for _ in range(2)]
        while True:
            picture = next(self.random.choices(self.sources, self.shares)[0])
            tokens = math.prod(self._grid(picture.size))
            if self.stage.answer == 0:
                return picture, [self.encoder(Turn("", "", None), tokens)]
            if picture.turns:
                return picture, [self.encoder(turn, tokens) for turn in self._turns(picture)]

    def _grid(self, size: tuple[int, int]) -> tuple[int, int]:
        """Rows and columns of image tokens of a picture this wide and high. ValueError where they are not whole."""
        unit = self.config.vision.factor
        if any(side % unit for side in size):
            raise ValueError(f"a picture of {size[0]}x{size[1]} pixels; expected sides that are multiples of {unit}")
        return size[1] // unit, size[0] // unit

    def _turns(self, picture: Picture) -> list[Turn]:
        """What the page itself asks for, and one more question: the vision tower's work is shared."""
        first, *others = picture.turns
        return [first, *self.random.sample(others, min(1, len(others)))]
