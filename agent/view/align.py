"""Two runs laid side by side, step by step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from agent.schema import Line

SAME_ACTION, SAME_KIND, SAME_SCREEN = 3, 1, 2
"""How much speaks for two steps being the same one; a step left without a partner counts 0."""


@dataclass(frozen=True)
class Pair:
    """A step of each run that belong together, or one that has no partner."""

    one: Line | None
    other: Line | None

    @property
    def same_action(self) -> bool:
        """Whether both did the same, or both did nothing."""
        return self.one is not None and self.other is not None and self.one.action == self.other.action

    @property
    def same_screen(self) -> bool:
        """Whether both saw the same pixels before it."""
        return self.one is not None and self.other is not None and self.one.before.screen == self.other.before.screen

    @property
    def same_end(self) -> bool:
        """Whether both were carried out, or neither."""
        return self.one is not None and self.other is not None and bool(self.one.error) == bool(self.other.error)


def align(ones: Sequence[Line], others: Sequence[Line]) -> tuple[Pair, ...]:
    """The steps of two runs in pairs, in order, so that as many as can be share their action and their screen.

    Needleman and Wunsch's alignment; where several are as good, steps are paired as early as can be.
    """
    best = _table(ones, others)
    pairs, i, j = [], 0, 0
    while i < len(ones) or j < len(others):
        both = i < len(ones) and j < len(others)
        if both and best[i][j] == best[i + 1][j + 1] + _likeness(ones[i], others[j]):
            pairs.append(Pair(ones[i], others[j]))
            i, j = i + 1, j + 1
        elif j == len(others) or (both and best[i][j] == best[i + 1][j]):
            pairs.append(Pair(ones[i], None))
            i += 1
        else:
            pairs.append(Pair(None, others[j]))
            j += 1
    return tuple(pairs)


def parting(pairs: Sequence[Pair]) -> int | None:
    """Which pair is the first where the runs did not do the same; None where they did throughout."""
    return next((n for n, pair in enumerate(pairs) if not (pair.same_action and pair.same_end)), None)


def drifting(pairs: Sequence[Pair]) -> int | None:
    """Which pair is the first where they did not see the same before it; None where they did as far as both went."""
    both = ((n, pair) for n, pair in enumerate(pairs) if pair.one and pair.other)
    return next((n for n, pair in both if not pair.same_screen), None)


def _table(ones: Sequence[Line], others: Sequence[Line]) -> list[list[int]]:
    """The most likeness that the steps from i and from j on can have."""
    best = [[0] * (len(others) + 1) for _ in range(len(ones) + 1)]
    for i in range(len(ones) - 1, -1, -1):
        for j in range(len(others) - 1, -1, -1):
            paired = best[i + 1][j + 1] + _likeness(ones[i], others[j])
            best[i][j] = max(paired, best[i + 1][j], best[i][j + 1])
    return best


def _likeness(one: Line, other: Line) -> int:
    """0 for steps that have nothing in common: they may still stand side by side."""
    screen = SAME_SCREEN * (one.before.screen == other.before.screen)
    if one.action == other.action:
        return SAME_ACTION + screen
    same = one.action is not None and other.action is not None and one.action.kind == other.action.kind
    return SAME_KIND * same + screen
