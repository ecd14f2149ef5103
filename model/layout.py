"""In which order patches go through the vision tower, and which of them see each other.

A unit is one merged token: spatial_merge_size^2 patches that follow each other in the processor's output.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from typing import NamedTuple, TypeAlias

import torch
from torch import Tensor

Grid: TypeAlias = tuple[int, int, int]
"""Frames, rows and columns of patches: one line of image_grid_thw."""


class Medium(NamedTuple):
    """One image, or one video of which each step of the grid's first axis lasts `seconds_per_grid`."""

    grid: Grid
    seconds_per_grid: float | None = None  # None: a still image


@dataclass(frozen=True)
class Group:
    """Windows of one size that follow each other in every frame: first unit, how many, units in each."""

    start: int
    count: int
    size: int


@dataclass(frozen=True)
class Run:
    """Frames of one shape that follow each other: how many, units in each, their groups of windows."""

    frames: int
    units: int
    groups: tuple[Group, ...]


@dataclass(frozen=True)
class Layout:
    """How the units of several images are permuted, and the runs they then form."""

    order: Tensor  # [units] permuted place -> place in the processor's order
    runs: tuple[Run, ...]


def windows(rows: int, cols: int, side: int) -> list[list[int]]:
    """Units of one frame, window by window in row-major order; edge windows are smaller, never padded."""
    return [
        [y * cols + x for y in range(top, min(top + side, rows)) for x in range(left, min(left + side, cols))]
        for top in range(0, rows, side)
        for left in range(0, cols, side)
    ]


@lru_cache(maxsize=256)
def _frame(rows: int, cols: int, side: int) -> tuple[tuple[int, ...], tuple[Group, ...]]:
    """Order of one frame's units with windows of equal size side by side, and those groups."""
    by_size = sorted(windows(rows, cols, side), key=len, reverse=True)
    groups, start = [], 0
    for size, same in groupby(by_size, key=len):
        count = len(list(same))
        groups.append(Group(start, count, size))
        start += count * size
    return tuple(unit for window in by_size for unit in window), tuple(groups)


def plan(grids: Sequence[Grid], merge: int, side: int | None) -> Layout:
    """Lay out the units of `grids`: windows of `side` x `side` units, equal ones together in each frame.

    Without `side` a frame is one window, and its units keep their order.

    The released code keeps windows in row-major order. Attention does not depend on the order of its rows,
    so sorting them by size changes nothing but lets one call serve all windows of a size.
    """
    orders: list[Tensor] = []
    runs: list[Run] = []
    base = 0
    for (rows, cols), same in groupby(grids, key=lambda g: (g[1] // merge, g[2] // merge)):
        frames = sum(grid[0] for grid in same)
        order, groups = _frame(rows, cols, side or max(rows, cols))
        starts = base + torch.arange(frames).unsqueeze(1) * rows * cols
        orders.append((starts + torch.tensor(order)).flatten())
        runs.append(Run(frames, rows * cols, groups))
        base += frames * rows * cols
    return Layout(torch.cat(orders), tuple(runs))


def places(grids: Sequence[Grid], merge: int) -> Tensor:
    """(row, column) of every patch [N,2], in the processor's merge-block order, repeated for each frame."""
    return torch.cat([_places(rows, cols, merge).repeat(frames, 1) for frames, rows, cols in grids])


@lru_cache(maxsize=256)
def _places(rows: int, cols: int, merge: int) -> Tensor:
    y, x = torch.meshgrid(torch.arange(rows), torch.arange(cols), indexing="ij")
    grid = torch.stack((y, x), dim=-1).view(rows // merge, merge, cols // merge, merge, 2)
    return grid.transpose(1, 2).reshape(-1, 2)
