"""What the vision tower made of pictures, kept by what the pictures hold.

The same picture is looked at once. In Qwen2.5-VL, whose first blocks attend inside windows, what a window becomes
there depends on its own patches and its place alone, so that of a new screen only the windows that no earlier screen
had in that place go through those blocks. From the first block that attends to the whole frame on, all is computed.

N patches, U units (merged tokens).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Sequence
from itertools import groupby
from typing import TypeAlias

import torch
from torch import Tensor

from model.layout import Grid, Group, Medium, Run, plan
from model.picture import Picture, fingerprint
from model.vision import Vision, check, permute

Span: TypeAlias = tuple[int, int]
"""First unit and number of units of a window in laid-out order."""

LEAST = 512
"""Patches that go through the tower at a time: matrix products of few rows may add up in another order."""

ROOM = 2**28
"""Bytes that features of pictures may take, and windows again; a screen of 1288 x 728 takes 5 and 12 MB in bfloat16."""


class Store:
    """Tensors by key, at most `room` bytes of them; what nobody asked for the longest goes first."""

    def __init__(self, room: int) -> None:
        self.room, self.nbytes = room, 0
        self.kept: OrderedDict[Hashable, Tensor] = OrderedDict()

    @property
    def left(self) -> int:
        """Bytes that it may still grow by."""
        return self.room - self.nbytes

    def get(self, key: Hashable) -> Tensor | None:
        """What is kept under `key`, now the last to go."""
        if (found := self.kept.get(key)) is not None:
            self.kept.move_to_end(key)
        return found

    def put(self, key: Hashable, value: Tensor) -> None:
        """Keep `value`, which owns its memory, unless it alone is too large."""
        if key in self.kept or value.nbytes > self.room:
            return
        while value.nbytes > self.left:
            self.nbytes -= self.kept.popitem(last=False)[1].nbytes
        self.kept[key] = value
        self.nbytes += value.nbytes


class Features:
    """The tower with a memory. `calls` counts its runs, `hits` the pictures that needed none, `windows` both kinds.

    Where windows are kept, float32 gives bit by bit what `tower` gives for the whole picture, as far as the
    machine's matrix products treat `least` rows as they treat all; bfloat16 agrees to its rounding.
    """

    def __init__(self, tower: Vision, *, room: int = ROOM, windows: int = ROOM, least: int = LEAST) -> None:
        self.tower, self.least = tower, least
        self.pictures, self.parts = Store(room), Store(windows)
        self.calls = self.hits = self.computed = self.reused = 0

    @property
    def nbytes(self) -> int:
        """Bytes that are kept."""
        return self.pictures.nbytes + self.parts.nbytes

    def look(self, patches: Tensor, grid: Grid) -> Tensor:
        """Features [U, hidden] of one image or video, as `Vision` gives them."""
        self._check(patches, grid)
        return self.see(Picture.of(patches, Medium(grid)))

    def see(self, picture: Picture) -> Tensor:
        """The same of a picture whose patches are made only if it has to be looked at."""
        if (known := self.pictures.get(picture.key)) is not None:
            self.hits += 1
            return known
        patches, grid = picture.patches(), picture.medium.grid
        self._check(patches, grid)
        self.calls += 1
        patches = patches.to(self.tower.patch_embed.proj.weight.device)
        near = self.tower.front and self.parts.room and grid[0] == 1
        found = self._by_windows(patches, grid) if near else self.tower(patches, [grid])
        self.pictures.put(picture.key, found)
        return found

    def _check(self, patches: Tensor, grid: Grid) -> None:
        check(patches, [grid], self.tower.config.spatial_merge_size, self.tower.config.patch_dim)

    def _by_windows(self, patches: Tensor, grid: Grid) -> Tensor:
        config = self.tower.config
        layout = plan([grid], config.spatial_merge_size, config.window_units)
        order = layout.order.to(patches.device)
        rotation = self.tower.rotation([grid], order)
        laid, spans = permute(patches, order, config.spatial_merge_size**2), spans_of(layout.runs[0].groups)
        return self.tower.far(self._near(laid, rotation, spans, self._keys(laid, spans, grid)), rotation, layout)

    def _keys(self, laid: Tensor, spans: Sequence[Span], grid: Grid) -> list[Hashable]:
        """What windows of the patches [N, patch_dim], laid out window by window, hold, and where."""
        unit = self.tower.config.spatial_merge_size**2
        parts = [laid[unit * start : unit * (start + size)] for start, size in spans]
        return [(grid, number, fingerprint(part, grid)) for number, part in enumerate(parts)]

    def _near(
        self, laid: Tensor, rotation: tuple[Tensor, Tensor], spans: Sequence[Span], keys: Sequence[Hashable]
    ) -> Tensor:
        """What the first blocks make of those patches."""
        unit = self.tower.config.spatial_merge_size**2
        found = [self.parts.get(key) for key in keys]
        missing = [number for number, part in enumerate(found) if part is None]
        self.computed, self.reused = self.computed + len(missing), self.reused + len(found) - len(missing)
        if len(missing) == len(spans):  # a screen of which nothing was seen before: nothing to pick, nothing to join
            x = self.tower.near(self.tower.patch_embed(laid), rotation, [run_of(spans)])
            for key, part in zip(keys, torch.split(x, [unit * size for _, size in spans]), strict=True):
                self.parts.put(key, part.clone())
            return x
        if missing:
            chosen = self._enough(missing, spans)
            rows = torch.cat([torch.arange(unit * s, unit * (s + n)) for s, n in (spans[i] for i in chosen)])
            cos, sin = (part[rows.to(laid.device)] for part in rotation)
            run = run_of([spans[i] for i in chosen])
            x = self.tower.near(self.tower.patch_embed(laid[rows.to(laid.device)]), (cos, sin), [run])
            sizes = [unit * spans[i][1] for i in chosen]
            for i, part in zip(chosen, torch.split(x, sizes), strict=True):
                if found[i] is None:
                    found[i] = own = part.clone()
                    self.parts.put(keys[i], own)
        return torch.cat([part for part in found if part is not None])

    def _enough(self, missing: Sequence[int], spans: Sequence[Span]) -> list[int]:
        """The missing windows, and so many others that at least `least` patches come together."""
        unit = self.tower.config.spatial_merge_size**2
        chosen, patches = set(missing), unit * sum(spans[i][1] for i in missing)
        for number, (_, size) in enumerate(spans):
            if patches >= self.least:
                break
            if number not in chosen:
                chosen.add(number)
                patches += unit * size
        return sorted(chosen)


def spans_of(groups: Sequence[Group]) -> list[Span]:
    """Every window of one frame."""
    return [(group.start + number * group.size, group.size) for group in groups for number in range(group.count)]


def run_of(spans: Sequence[Span]) -> Run:
    """Some windows of one frame, moved together."""
    groups, start = [], 0
    for size, same in groupby(spans, key=lambda span: span[1]):
        count = len(list(same))
        groups.append(Group(start, count, size))
        start += count * size
    return Run(1, start, tuple(groups))
