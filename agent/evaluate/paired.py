"""Two evaluations beside each other, mark by mark: what differs, and whether that is more than chance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import comb

from agent.evaluate.estimate import Estimate, estimate, estimated
from agent.evaluate.judged import Judged
from agent.evaluate.mark import Mark


@dataclass(frozen=True)
class Pair:
    """The same thing in both."""

    first: Judged
    second: Judged

    @property
    def gain(self) -> int:
        """1 where the second alone won, -1 where the first alone did."""
        return int(self.second.success) - int(self.first.success)


@dataclass(frozen=True)
class Comparison:
    """What both played, and what had to be left out."""

    pairs: tuple[Pair, ...]
    alone: int
    """What only one of both was put to."""
    broken: int
    """What broke in one of both for reasons of ours: it says nothing about either."""

    def count(self, first: bool, second: bool) -> int:
        """How many pairs went this way."""
        return sum((pair.first.success, pair.second.success) == (first, second) for pair in self.pairs)

    @property
    def flips(self) -> tuple[Pair, ...]:
        """The pairs that only one of both won."""
        return tuple(pair for pair in self.pairs if pair.gain)


def compare(first: Sequence[Judged], second: Sequence[Judged]) -> Comparison:
    """Pairs of the final marks of two evaluations, in the order of the first. ValueError where they share none."""
    others = {mark.key: mark for mark in second}
    both = [Pair(mark, others[mark.key]) for mark in first if mark.key in others]
    whole = tuple(pair for pair in both if not (pair.first.broken or pair.second.broken))
    if not whole:
        raise ValueError(f"nothing to compare: {len(both)} of {len(first)} and {len(second)} are in both")
    return Comparison(whole, len(first) + len(second) - 2 * len(both), len(both) - len(whole))


def differences(found: Comparison) -> dict[str, object]:
    """The comparison as `handeye eval compare --json` prints it; positive differences speak for the second."""
    gained, lost = found.count(False, True), found.count(True, False)
    change = _change(found.pairs)
    return {
        "pairs": len(found.pairs),
        "success": [
            round(estimate(pair.first for pair in found.pairs).mean, 4),
            round(estimate(pair.second for pair in found.pairs).mean, 4),
        ],
        "difference": round(change.mean, 4),
        "confidence": change.confidence,
        "both": found.count(True, True),
        "first_only": lost,
        "second_only": gained,
        "neither": found.count(False, False),
        "p": round(mcnemar(lost, gained), 6),
        "alone": found.alone,
        "broken": found.broken,
        "tasks": {name: round(_change(pairs).mean, 4) for name, pairs in _grouped(found.pairs).items()},
        "flips": [_flip(pair) for pair in found.flips],
    }


def mcnemar(lost: int, gained: int) -> float:
    """The exact two-sided p of McNemar's test: flips at least as one-sided as these, if either way were as likely."""
    flips, fewer = lost + gained, min(lost, gained)
    return min(1.0, 2 * sum(comb(flips, k) for k in range(fewer + 1)) / (1 << flips))


def _grouped(pairs: Sequence[Pair]) -> dict[str, list[Pair]]:
    """Pairs by each of the groups that they count in."""
    groups: dict[str, list[Pair]] = {}
    for pair in pairs:
        for name in pair.first.groups:
            groups.setdefault(name, []).append(pair)
    return groups


def _change(pairs: Sequence[Pair]) -> Estimate:
    return estimated((pair.first, pair.gain) for pair in pairs)


def _flip(pair: Pair) -> dict[str, object]:
    first, second = pair.first, pair.second
    steps = {"steps": [first.steps, second.steps]} if isinstance(first, Mark) and isinstance(second, Mark) else {}
    return {
        **first.label,
        "won_by": "second" if pair.gain > 0 else "first",
        "stops": [first.ended, second.ended],
        **steps,
    }
