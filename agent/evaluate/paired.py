"""Two evaluations beside each other, episode by episode: what differs, and whether that is more than chance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import comb

from agent.evaluate.mark import Mark
from agent.evaluate.score import grouped, interval


@dataclass(frozen=True)
class Pair:
    """The same episode in both."""

    first: Mark
    second: Mark

    @property
    def gain(self) -> int:
        """1 where the second alone won, -1 where the first alone did."""
        return int(self.second.success) - int(self.first.success)


@dataclass(frozen=True)
class Comparison:
    """What both played, and what had to be left out."""

    pairs: tuple[Pair, ...]
    alone: int
    """Episodes that only one of both played."""
    broken: int
    """Episodes that broke in one of both for reasons of ours: they say nothing about either."""

    def count(self, first: bool, second: bool) -> int:
        """How many pairs went this way."""
        return sum((pair.first.success, pair.second.success) == (first, second) for pair in self.pairs)

    @property
    def flips(self) -> tuple[Pair, ...]:
        """The pairs that only one of both won."""
        return tuple(pair for pair in self.pairs if pair.gain)


def compare(first: Sequence[Mark], second: Sequence[Mark]) -> Comparison:
    """Pairs of the final marks of two evaluations, in the order of the first. ValueError where they share none."""
    others = {mark.key: mark for mark in second}
    both = [Pair(mark, others[mark.key]) for mark in first if mark.key in others]
    whole = tuple(pair for pair in both if not (pair.first.broken or pair.second.broken))
    if not whole:
        raise ValueError(f"no episode to compare: {len(both)} of {len(first)} and {len(second)} were played in both")
    return Comparison(whole, len(first) + len(second) - 2 * len(both), len(both) - len(whole))


def differences(found: Comparison) -> dict[str, object]:
    """The comparison as `handeye eval compare --json` prints it; positive differences speak for the second."""
    groups: dict[str, list[float]] = {}
    for pair in found.pairs:
        groups.setdefault(pair.first.task, []).append(pair.gain)
    low, high = interval(list(groups.values()))
    gained, lost = found.count(False, True), found.count(True, False)
    return {
        "pairs": len(found.pairs),
        "success": [_success([pair.first for pair in found.pairs]), _success([pair.second for pair in found.pairs])],
        "difference": round(sum(sum(gains) / len(gains) for gains in groups.values()) / len(groups), 4),
        "confidence": [round(low, 4), round(high, 4)],
        "both": found.count(True, True),
        "first_only": lost,
        "second_only": gained,
        "neither": found.count(False, False),
        "p": round(mcnemar(lost, gained), 6),
        "alone": found.alone,
        "broken": found.broken,
        "tasks": {task: round(sum(gains) / len(gains), 4) for task, gains in groups.items()},
        "flips": [_flip(pair) for pair in found.flips],
    }


def mcnemar(lost: int, gained: int) -> float:
    """The exact two-sided p of McNemar's test: flips at least as one-sided as these, if either way were as likely."""
    flips, fewer = lost + gained, min(lost, gained)
    return min(1.0, 2 * sum(comb(flips, k) for k in range(fewer + 1)) / (1 << flips))


def _success(marks: Sequence[Mark]) -> float:
    groups = grouped(marks).values()
    return round(sum(sum(mark.success for mark in group) / len(group) for group in groups) / len(groups), 4)


def _flip(pair: Pair) -> dict[str, object]:
    mark = pair.first
    return {
        "task": mark.task,
        "seed": mark.seed,
        "won_by": "second" if pair.gain > 0 else "first",
        "stops": [mark.stop, pair.second.stop],
        "steps": [mark.steps, pair.second.steps],
    }
