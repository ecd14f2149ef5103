"""Whether two engines say the same: of every choice the logits are compared, and what would be chosen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

MARGIN = 0.1
"""A lead of the first over the second choice below which rounding may decide otherwise."""

APART = {torch.bfloat16: 0.02, torch.float32: 1e-4}
"""Relative distance of logits that rounding explains."""


@dataclass(frozen=True)
class Agreement:
    """Choices compared, those that came out alike, those that had to, and the relative distance of their logits."""

    choices: int
    equal: int
    excused: int  # unequal, where the lead was below `MARGIN`
    distance: float  # |ours - theirs| / |theirs|

    def holds(self, dtype: torch.dtype) -> bool:
        """Whether nothing but rounding in `dtype` lies between the two."""
        return self.choices > 0 and self.equal + self.excused == self.choices and self.distance <= APART[dtype]


def agree(
    ours: Sequence[tuple[Tensor, Tensor]], theirs: Tensor, call: Sequence[int], places: Sequence[int]
) -> Agreement:
    """Logits of ours for the allowed ids of each choice, and theirs [call, V] for the whole call.

    `places` are those of the choices in the call.
    """
    if len(ours) != len(places):
        raise ValueError(f"{len(ours)} choices were heard; the call has {len(places)}")
    equal = excused = 0
    apart = size = 0.0
    for (ids, mine), place in zip(ours, places, strict=True):
        reference = theirs[place][ids].float()
        apart += float((mine.float() - reference).square().sum())
        size += float(reference.square().sum())
        best = reference.topk(2)
        same = int(ids[best.indices[0]]) == call[place]
        equal += same
        excused += not same and float(best.values[0] - best.values[1]) < MARGIN
    return Agreement(len(places), equal, excused, (apart / size) ** 0.5 if size else 0.0)


def joined(parts: Sequence[Agreement]) -> Agreement:
    """All of them as one; the largest distance counts."""
    return Agreement(
        sum(part.choices for part in parts),
        sum(part.equal for part in parts),
        sum(part.excused for part in parts),
        max((part.distance for part in parts), default=0.0),
    )
