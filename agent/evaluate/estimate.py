"""Means with an interval around them: whole units are redrawn, since what belongs to one unit depends on each other."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from agent.evaluate.judged import Judged, Key

DRAWS = 2000

Sum = tuple[float, int]
"""What the members of one unit come to, and how many these are."""

J = TypeVar("J", bound=Judged)


@dataclass(frozen=True)
class Estimate:
    """A mean, and the ends of its 95 % bootstrap interval."""

    mean: float
    low: float
    high: float

    @property
    def confidence(self) -> list[float]:
        """The interval as it is printed."""
        return [round(self.low, 4), round(self.high, 4)]


def won(mark: Judged) -> float:
    """1 for what was right, and else 0."""
    return float(mark.success)


def estimate(marks: Iterable[J], value: Callable[[J], float] = won) -> Estimate:
    """The mean of `value` over all marks of a stratum, and of that over strata; units are redrawn within strata."""
    return estimated((mark, value(mark)) for mark in marks)


def estimated(values: Iterable[tuple[Judged, float]]) -> Estimate:
    """The same of values that belong to marks; there has to be one."""
    strata: dict[str, dict[Key, Sum]] = {}
    for mark, value in values:
        units = strata.setdefault(mark.stratum, {})
        total, count = units.get(mark.unit, (0.0, 0))
        units[mark.unit] = (total + value, count + 1)
    sums = [list(units.values()) for units in strata.values()]
    means = [sum(total for total, _ in group) / sum(count for _, count in group) for group in sums]
    low, high = ends(redrawn(sums))
    return Estimate(sum(means) / len(means), low, high)


def interval(groups: Sequence[Sequence[float]], draws: int = DRAWS, seed: int = 0) -> tuple[float, float]:
    """95 % bootstrap interval of the mean of group means; values are redrawn within each group."""
    return ends(resampled(groups, draws, seed))


def resampled(groups: Sequence[Sequence[float]], draws: int = DRAWS, seed: int = 0) -> NDArray[np.float64]:
    """The mean of group means in each of `draws` redrawings, float64 [draws]."""
    return redrawn([[(value, 1) for value in group] for group in groups], draws, seed)


def redrawn(strata: Iterable[Sequence[Sum]], draws: int = DRAWS, seed: int = 0) -> NDArray[np.float64]:
    """The mean of the means of strata in each of `draws` redrawings of their units, float64 [draws]."""
    random = np.random.default_rng(seed)
    means = []
    for units in strata:
        values = np.asarray(units, dtype=float)
        picks = random.integers(len(units), size=(draws, len(units)))
        means.append(values[picks, 0].sum(1) / values[picks, 1].sum(1))
    return np.asarray(np.mean(means, axis=0), dtype=float)


def ends(means: NDArray[np.float64]) -> tuple[float, float]:
    """What 95 % of redrawn means lie between."""
    low, high = np.percentile(means, [2.5, 97.5])
    return float(low), float(high)
