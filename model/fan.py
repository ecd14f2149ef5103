"""Several ways to go on that are read in one forward: lines of tokens that stand in the same places."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import torch
from torch import Tensor

Line: TypeAlias = tuple[int, ...]
"""Tokens one behind the other."""


def spread(tokens: int, fan: Sequence[Line]) -> tuple[Tensor, Tensor | None]:
    """Places [T], from 0 on, of `tokens` tokens and of those of `fan`; and [T,T] which sees which.

    None where each sees all before it.
    """
    places = [*range(tokens), *(tokens + step for line in fan for step in range(len(line)))]
    if not fan:
        return torch.tensor(places), None
    sees = torch.ones(len(places), len(places), dtype=torch.bool).tril()
    start = tokens
    for line in fan:
        sees[start : start + len(line), tokens:start] = False
        start += len(line)
    return torch.tensor(places), sees
