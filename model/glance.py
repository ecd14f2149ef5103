"""Looking at a screen by what has changed on it: faster than exact, and not exact.

From the first block that attends to the whole frame on, every patch depends on every other. Here only the patches of
changed windows go through those blocks, among keys and values that the others had when they last went through. How
far that leads is measured by `python -m model.bench`; nothing uses it unless it is asked for.

N patches, L blocks that attend to the whole frame, U units (merged tokens), H heads, D head size.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from model import native
from model.attention import attend
from model.features import ROOM, Features, Span, run_of, spans_of
from model.layout import Grid, Layout, Run, plan
from model.rope import Rotation
from model.vision import Block, Vision, permute

FRESH = 8
"""Screens in a row of which only what changed is looked at; the next one is looked at whole."""

MOST = 0.5
"""Share of patches that may have changed; beyond it, all is looked at."""


@dataclass(frozen=True)
class Frame:
    """The screen that was looked at last, window by window."""

    keys: tuple[Hashable, ...]
    held: Tensor  # [L, 2, N, H, D]: keys and values, of each patch as it was when it was last looked at
    features: Tensor  # [U, out_hidden], in laid-out order
    age: int  # screens since all was looked at


class Glances(Features):
    """As `Features`, but what it gives for a screen depends on the screens before. `glanced` counts such screens."""

    def __init__(self, tower: Vision, *, room: int = ROOM, windows: int = ROOM, fresh: int = FRESH) -> None:
        super().__init__(tower, room=room, windows=windows)
        self.fresh, self.glanced = fresh, 0
        self._last: tuple[Grid, Frame] | None = None

    def _by_windows(self, patches: Tensor, grid: Grid) -> Tensor:
        config = self.tower.config
        layout = plan([grid], config.spatial_merge_size, config.window_units)
        order = layout.order.to(patches.device)
        rotation = self.tower.rotation([grid], order)
        spans = spans_of(layout.runs[0].groups)
        laid = permute(patches, order, config.spatial_merge_size**2)
        keys = self._keys(laid, spans, grid)
        x = self._near(laid, rotation, spans, keys)
        frame = self._frame(x, rotation, layout, keys, self._before(grid))
        self._last = grid, frame
        return frame.features[order.argsort()]

    def _before(self, grid: Grid) -> Frame | None:
        """The last frame, if it can be gone on from."""
        if self._last is None or self._last[0] != grid or self._last[1].age >= self.fresh:
            return None
        return self._last[1]

    def _frame(
        self, x: Tensor, rotation: Rotation, layout: Layout, keys: Sequence[Hashable], last: Frame | None
    ) -> Frame:
        """What the other blocks make of x [N, hidden]: of all of it, or of what differs from the last frame."""
        unit, spans = self.tower.config.spatial_merge_size**2, spans_of(layout.runs[0].groups)
        if last is not None:
            changed = [spans[i] for i, (new, old) in enumerate(zip(keys, last.keys, strict=True)) if new != old]
            units = torch.cat([torch.arange(0), *(torch.arange(start, start + size) for start, size in changed)])
            if len(units) * unit <= MOST * len(x):
                return self._glance(x, rotation, changed, units.to(x.device), last, tuple(keys))
        config = self.tower.config
        held = x.new_empty(len(config.fullatt_block_indexes), 2, len(x), config.num_heads, config.head_dim)
        every = torch.arange(len(x), device=x.device)
        return Frame(tuple(keys), held, self._far(x, rotation, layout.runs[0], every, held), 0)

    def _glance(
        self,
        x: Tensor,
        rotation: Rotation,
        changed: Sequence[Span],
        units: Tensor,
        last: Frame,
        keys: tuple[Hashable, ...],
    ) -> Frame:
        """The last frame with what has changed."""
        self.glanced += 1
        unit, features = self.tower.config.spatial_merge_size**2, last.features.clone()
        if len(units):
            rows = (units.unsqueeze(1) * unit + torch.arange(unit, device=units.device)).flatten()
            cos, sin = rotation
            features[units] = self._far(x[rows], (cos[rows], sin[rows]), run_of(changed), rows, last.held)
        return Frame(keys, last.held, features, last.age + 1)

    def _far(self, x: Tensor, rotation: Rotation, run: Run, rows: Tensor, held: Tensor) -> Tensor:
        """Features in laid-out order of the patches x [n, hidden], which are `rows` [n] of all."""
        config = self.tower.config
        places = iter(held)
        for index, block in enumerate(self.tower.blocks[self.tower.front :], self.tower.front):
            assert isinstance(block, Block)
            if index in config.fullatt_block_indexes:
                x = _among(block, x, rotation, rows, next(places))
            else:
                x = block(x, rotation, [run], config.spatial_merge_size**2, False)
        merged: Tensor = self.tower.merger(x)
        return merged


def _among(block: Block, x: Tensor, rotation: Rotation, rows: Tensor, held: Tensor) -> Tensor:
    """A block in which the patches x [n, hidden] see those of the whole frame, as `held` [2,N,H,D] has them."""
    qkv = block.attn.qkv(block.norm1(x)).view(len(x), 3, block.attn.heads, -1)
    q, k, v = native.rotate_pairs(qkv, *rotation)
    held[0][rows], held[1][rows] = k, v
    q, k, v = (part.transpose(0, 1).unsqueeze(0) for part in (q, held[0], held[1]))
    return block.behind(x, attend(q, k, v)[0].transpose(0, 1).flatten(1))
