"""The race itself: one episode, every step run by all, on the same weights, with the same calls."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from model.bench import probe
from model.bench.cost import Cost
from model.bench.gate import Agreement, agree
from model.bench.ours import Ours, Told
from model.bench.pair import Pair
from model.bench.theirs import Cached, Said
from model.bench.work import Episode, Load, Script, screen

STEPS = (1, 2, 5, 10, 20)
"""Steps that are reported, and at which transformers starts from nothing."""

Racer: TypeAlias = Literal["naive", "cached", "ours", "naive_newest", "cached_newest", "ours_newest"]


@dataclass(frozen=True)
class Lap:
    """One step by one of them; what its logits have to do with theirs, where that was looked at."""

    step: int
    racer: Racer
    cost: Cost
    agreement: Agreement | None = None


class Track:
    """One way to tell the past, run by all three."""

    def __init__(self, pair: Pair, load: Load, *, newest: bool) -> None:
        width, height = load.screen
        units = pair.processor.tokens(width, height)
        self.pair, self.newest = pair, newest
        self.episode = Episode(pair.config, units, load, newest=newest)
        self.ours, self.cached = Ours(pair.network, pair.processor), Cached(pair.theirs)

    def alone(self, step: int, screens: Sequence[NDArray[np.uint8]]) -> None:
        """Ours, and nobody beside it."""
        told = self.ours.step(screens[-self.episode.shown :], self.episode.prompt(), Script(self.episode.words))
        self.episode.tell(told.call)

    def once_more(self, step: int, screens: Sequence[NDArray[np.uint8]]) -> Lap:
        """Ours at this step, which stays the next one: only the last of the screens is another."""
        told = self.ours.step(screens[-self.episode.shown :], self.episode.prompt(), Script(self.episode.words))
        return self._lap(step, "ours", told.cost)

    def run(self, step: int, screens: Sequence[NDArray[np.uint8]], *, naive: bool) -> Iterator[Lap]:
        """Ours first, whose call the others are held to; theirs from nothing only if `naive`."""
        tokens, shown = self.episode.prompt(), self.episode.shown
        probe.forget_peak()
        told = self.ours.step(screens[-shown:], tokens, Script(self.episode.words))
        yield self._lap(step, "ours", told.cost)
        probe.forget_peak()
        yield self._lap(step, "cached", self.cached.step(screens[-1], tokens, told.call))
        if naive:
            probe.forget_peak()
            said = self.pair.theirs.naive(screens[-shown:], tokens, told.call)
            yield self._lap(step, "naive", said.cost, self.compare(told, said))
        self.episode.tell(told.call)

    def compare(self, told: Told, said: Said) -> Agreement:
        """Ours beside theirs."""
        return agree(told.choices, said.logits, told.call, Script.chosen())

    def _lap(self, step: int, kind: str, cost: Cost, agreement: Agreement | None = None) -> Lap:
        racer: Racer = f"{kind}_newest" if self.newest else kind  # type: ignore[assignment]
        return Lap(step, racer, cost.at(probe.peak()), agreement)


def race(pair: Pair, load: Load, steps: Sequence[int]) -> Iterator[Lap]:
    """Every lap as it is done: all screens kept, and beside it the newest alone."""
    tracks = [Track(pair, load, newest=newest) for newest in (False, True)]
    screens: list[NDArray[np.uint8]] = []
    for step in range(1, max(steps) + 1):
        screens.append(screen(step, load.screen))
        for track in tracks:
            yield from track.run(step, screens, naive=step in steps)


def grown(pair: Pair, load: Load, last: int, times: int) -> Iterator[Lap]:
    """Ours at its second step and at its `last`, in turn, each time with another screen.

    How a step grows is less than how a machine drifts over the minutes of a race.
    """
    screens = [screen(step, load.screen) for step in range(1, last + times + 1)]
    for newest in (False, True):
        young, old = (Track(pair, load, newest=newest) for _ in range(2))
        for step in range(1, last):
            old.alone(step, screens[:step])
        young.alone(1, screens[:1])
        for each in range(times):
            yield young.once_more(2, [screens[0], screens[1 + each]])
            yield old.once_more(last, [*screens[: last - 1], screens[last - 1 + each]])
