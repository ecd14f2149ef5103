"""Which examples make up an update, which of them share a row, and which process reads which rows.

All of it follows from the seed and the number of the update, whatever the number of processes, so that a run that was
cut goes on as if it had not been.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

WINDOW = 16
"""Updates whose examples are dealt out together, so that each has its share of long and short ones."""


def pack(lengths: Sequence[int], room: int) -> list[list[int]]:
    """Rows of example numbers, each of at most `room` tokens: the longest first, each into the fullest row it fits.

    An example of more than `room` tokens has a row of its own.
    """
    rows: list[list[int]] = []
    left: list[int] = []
    for number in sorted(range(len(lengths)), key=lambda i: (-lengths[i], i)):
        fits = [i for i, space in enumerate(left) if space >= lengths[number]]
        if fits:
            chosen = min(fits, key=lambda i: left[i])
            rows[chosen].append(number)
            left[chosen] -= lengths[number]
        else:
            rows.append([number])
            left.append(room - lengths[number])
    return rows


def balance(costs: Sequence[int], parts: int) -> list[list[int]]:
    """Numbers of things in `parts` groups of costs as even as can be: the dearest first, each to the cheapest group."""
    groups: list[list[int]] = [[] for _ in range(parts)]
    spent = [0] * parts
    for number in sorted(range(len(costs)), key=lambda i: (-costs[i], i)):
        chosen = min(range(parts), key=lambda i: (spent[i], i))
        groups[chosen].append(number)
        spent[chosen] += costs[number]
    return groups


@dataclass(frozen=True)
class Deal:
    """Draws updates of `batch` examples; `weights` is how often an epoch has each, 0.5 for every other epoch or so."""

    lengths: tuple[int, ...]
    weights: tuple[float, ...]
    batch: int
    seed: int = 0

    @property
    def updates(self) -> int:
        """How many updates an epoch has, at least one."""
        return max(1, math.ceil(sum(self.weights) / self.batch))

    def __call__(self, start: int = 0) -> Iterator[list[int]]:
        """The examples of each update from number `start` on, without end."""
        epoch, first = divmod(start, self.updates)
        while True:
            yield from islice(self._epoch(epoch), first, None)
            epoch, first = epoch + 1, 0

    def _epoch(self, epoch: int) -> Iterator[list[int]]:
        """`updates` lists; those of a window take turns over its examples by length, so that all cost alike."""
        drawn = random.Random(f"{self.seed}/{epoch}")
        order = [i for i, weight in enumerate(self.weights) for _ in range(_times(weight, drawn))]
        drawn.shuffle(order)
        while 0 < len(order) < self.updates * self.batch:  # fractions fell short
            order += order[: self.updates * self.batch - len(order)]
        order = order or [max(range(len(self.weights)), key=self.weights.__getitem__)] * self.batch
        for at in range(0, self.updates, WINDOW):
            count = min(WINDOW, self.updates - at)
            window = order[at * self.batch : (at + count) * self.batch]
            yield from _dealt(window, count, self.lengths, drawn)


def _times(weight: float, drawn: random.Random) -> int:
    whole = math.floor(weight)
    return whole + (drawn.random() < weight - whole)


def _dealt(window: Sequence[int], count: int, lengths: Sequence[int], drawn: random.Random) -> list[list[int]]:
    """`count` hands of equally many examples; each round, from long to short, goes around in the other direction."""
    ranked = sorted(window, key=lambda i: -lengths[i])
    hands: list[list[int]] = [[] for _ in range(count)]
    for index, number in enumerate(ranked):
        turn, seat = divmod(index, count)
        hands[seat if turn % 2 == 0 else count - 1 - seat].append(number)
    drawn.shuffle(hands)
    return hands
