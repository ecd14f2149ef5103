"""The vision tower: in Qwen2-VL every patch sees its frame; in Qwen2.5-VL its window, and in a few blocks its frame.

N patches, U units (merged tokens), H heads, D head size. Names are those of released checkpoints.
Sources: Qwen2-VL (arXiv 2409.12191), section 2.1; Qwen2.5-VL (arXiv 2502.13923), section 2.1.1.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from model import native
from model.attention import attend
from model.config import Family, VisionConfig
from model.layout import Grid, Layout, Run, places, plan
from model.linear import Linear, onto
from model.native import small
from model.norm import RMSNorm
from model.rope import Rotation, vision_rotation


class PatchEmbed(nn.Module):
    """A convolution whose stride is its kernel; released weights are [hidden, 3, 2, 14, 14]."""

    def __init__(self, config: VisionConfig) -> None:
        super().__init__()
        kernel = (config.temporal_patch_size, config.patch_size, config.patch_size)
        self.proj = nn.Conv3d(config.in_channels, config.hidden_size, kernel, stride=kernel, bias=False)

    def forward(self, patches: Tensor) -> Tensor:
        """[N, patch_dim] -> [N, hidden]: patches do not overlap, so one matrix product does it."""
        return F.linear(patches.to(self.proj.weight.dtype), self.proj.weight.flatten(1))


class Attention(nn.Module):
    def __init__(self, config: VisionConfig) -> None:
        super().__init__()
        self.heads = config.num_heads
        self.qkv = Linear(config.hidden_size, 3 * config.hidden_size)
        self.proj = Linear(config.hidden_size, config.hidden_size)

    def forward(self, x: Tensor, rotation: Rotation, runs: Sequence[Run], unit: int, full: bool) -> Tensor:
        """What the patches of x [N, hidden] see, for `proj` to map; in laid-out order, `unit` patches make one unit."""
        N = x.shape[0]
        qkv = self.qkv(x).view(N, 3, self.heads, -1)
        q, k, v = native.rotate_pairs(qkv, *rotation)  # [N,H,D] each; float32: released code rotates there
        out: list[Tensor] = []
        start = 0
        for run in runs:
            length = run.frames * run.units * unit
            part = [t[start : start + length].view(run.frames, run.units * unit, *t.shape[1:]) for t in (q, k, v)]
            pieces = [(0, 1, run.units)] if full else [(g.start, g.count, g.size) for g in run.groups]
            frame = [_windows(part, first * unit, count, size * unit) for first, count, size in pieces]
            out.append(torch.cat(frame, dim=1).flatten(0, 1))
            start += length
        return torch.cat(out) if len(out) > 1 else out[0]


def _windows(part: Sequence[Tensor], first: int, count: int, size: int) -> Tensor:
    """Attend inside `count` windows of `size` patches of every frame, in one call.

    `part` holds q, k, v as [F, patches, H, D]; returns [F, count * size, H * D].
    """
    F_, _, H, D = part[0].shape
    q, k, v = (t[:, first : first + count * size].reshape(F_ * count, size, H, D).transpose(1, 2) for t in part)
    return attend(q, k, v).transpose(1, 2).reshape(F_, count * size, H * D)


class QuickMLP(nn.Module):
    """Qwen2-VL's: x * sigmoid(1.702 x) between two maps."""

    def __init__(self, config: VisionConfig) -> None:
        super().__init__()
        self.fc1 = Linear(config.hidden_size, config.intermediate_size)
        self.fc2 = Linear(config.intermediate_size, config.hidden_size)

    def forward(self, y: Tensor, x: Tensor) -> Tensor:
        """y plus what it makes of x, [N, hidden] both."""
        x = self.fc1(x)
        return onto(self.fc2, y, x * torch.sigmoid(1.702 * x))


class GatedMLP(nn.Module):
    """Qwen2.5-VL's: SwiGLU, with biases."""

    def __init__(self, config: VisionConfig) -> None:
        super().__init__()
        self.gate_proj = Linear(config.hidden_size, config.intermediate_size)
        self.up_proj = Linear(config.hidden_size, config.intermediate_size)
        self.down_proj = Linear(config.intermediate_size, config.hidden_size)

    def forward(self, y: Tensor, x: Tensor) -> Tensor:
        """y plus what it makes of x, [N, hidden] both."""
        return onto(self.down_proj, y, native.silu_mul(self.gate_proj(x), self.up_proj(x)))


MLPS: dict[Family, type[QuickMLP] | type[GatedMLP]] = {"qwen2_vl": QuickMLP, "qwen2_5_vl": GatedMLP}


def norm(config: VisionConfig) -> nn.LayerNorm | RMSNorm:
    """LayerNorm with a bias in Qwen2-VL, RMSNorm in Qwen2.5-VL."""
    if config.family == "qwen2_vl":
        return nn.LayerNorm(config.hidden_size, eps=1e-6)
    return RMSNorm(config.hidden_size)


class Block(nn.Module):
    def __init__(self, config: VisionConfig) -> None:
        super().__init__()
        self.norm1 = norm(config)
        self.norm2 = norm(config)
        self.attn = Attention(config)
        self.mlp = MLPS[config.family](config)

    def forward(self, x: Tensor, rotation: Rotation, runs: Sequence[Run], unit: int, full: bool) -> Tensor:
        return self.behind(x, self.attn(self.norm1(x), rotation, runs, unit, full))

    def parts(self) -> small.Parts:
        """Its weights in the order of `small.Parts`; none where it is of another kind."""
        mlp = self.mlp
        if not isinstance(mlp, GatedMLP):
            return ()
        maps = (self.attn.qkv, self.attn.proj, mlp.gate_proj, mlp.up_proj, mlp.down_proj)
        if not all(isinstance(part, Linear) for part in maps):
            return ()
        first, behind = ([part for own in some for part in (own.weight, own.bias)] for some in (maps[:2], maps[2:]))
        return (self.norm1.weight, *first, self.norm2.weight, *behind)

    def behind(self, x: Tensor, seen: Tensor) -> Tensor:
        """What the block makes of x and of what its patches have seen, [N, hidden] both."""
        x = onto(self.attn.proj, x, seen)
        return self.mlp(x, self.norm2(x))  # type: ignore[no-any-return]


class PatchMerger(nn.Module):
    """Normalise every patch, join the patches of a unit, and map them to the decoder's width."""

    def __init__(self, config: VisionConfig) -> None:
        super().__init__()
        joined = config.hidden_size * config.spatial_merge_size**2
        self.joined = joined
        self.ln_q = norm(config)
        self.mlp = nn.Sequential(Linear(joined, joined), nn.GELU(), Linear(joined, config.out_hidden_size))

    def forward(self, x: Tensor) -> Tensor:
        return self.mlp(self.ln_q(x).view(-1, self.joined))  # type: ignore[no-any-return]


class Vision(nn.Module):
    """Patches of several images and videos in, one feature a merged token out, in reading order of each frame."""

    def __init__(self, config: VisionConfig) -> None:
        super().__init__()
        self.config = config
        self.patch_embed = PatchEmbed(config)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.depth))
        self.merger = PatchMerger(config)

    def forward(self, patches: Tensor, grids: Sequence[Grid]) -> Tensor:
        """patches [N, patch_dim] in merge-block order, one grid an image or video -> features [U, out_hidden]."""
        merge, unit = self.config.spatial_merge_size, self.config.spatial_merge_size**2
        check(patches, grids, merge, self.config.patch_dim)
        layout = plan(grids, merge, self.config.window_units)
        order = layout.order.to(patches.device)
        rotation = self.rotation(grids, order)
        x = self.near(permute(self.patch_embed(patches), order, unit), rotation, layout.runs)
        return self.far(x, rotation, layout)

    @property
    def front(self) -> int:
        """Blocks that go window by window before the first in which a patch sees its whole frame."""
        return self.config.front

    def near(self, x: Tensor, rotation: Rotation, runs: Sequence[Run]) -> Tensor:
        """The first `front` blocks over embedded patches x [N, hidden] of whole windows, laid out as `runs` say."""
        return self._through(x, rotation, runs, range(self.front))

    def far(self, x: Tensor, rotation: Rotation, layout: Layout) -> Tensor:
        """The other blocks over what `near` gave for all windows -> features [U, out_hidden] in reading order."""
        x = self._through(x, rotation, layout.runs, range(self.front, len(self.blocks)))
        merged: Tensor = self.merger(x)
        return merged[layout.order.to(x.device).argsort()]

    def _through(self, x: Tensor, rotation: Rotation, runs: Sequence[Run], numbers: range) -> Tensor:
        """The blocks of these numbers over patches x [N, hidden] laid out as `runs` say."""
        unit = self.config.spatial_merge_size**2
        blocks = [block for block in self.blocks[numbers.start : numbers.stop] if isinstance(block, Block)]
        full = self.config.fullatt_block_indexes
        wide = [number in full for number in numbers]
        if small.looks(x, parts := [block.parts() for block in blocks]):
            spans, heads = (windows(runs, unit), frames(runs, unit)), self.config.num_heads
            return small.look(x, rotation, parts, *spans, wide, heads=heads, eps=blocks[0].norm1.eps)
        for block, whole in zip(blocks, wide, strict=True):
            x = block(x, rotation, runs, unit, whole)
        return x

    def rotation(self, grids: Sequence[Grid], order: Tensor) -> Rotation:
        """cos and sin [N,D] of the patches in laid-out order, the same for every head."""
        where = places(grids, self.config.spatial_merge_size).to(order.device)
        return vision_rotation(permute(where, order, self.config.spatial_merge_size**2), self.config.head_dim)


def windows(runs: Sequence[Run], unit: int) -> list[small.Span]:
    """First patch and length of every window of every frame."""
    found: list[small.Span] = []
    start = 0
    for run in runs:
        for _ in range(run.frames):
            inside = ((g.start + n * g.size, g.size) for g in run.groups for n in range(g.count))
            found += ((start + first * unit, size * unit) for first, size in inside)
            start += run.units * unit
    return found


def frames(runs: Sequence[Run], unit: int) -> list[small.Span]:
    """First patch and length of every frame."""
    sizes = [run.units * unit for run in runs for _ in range(run.frames)]
    return list(zip(accumulate(sizes, initial=0), sizes, strict=False))


def check(patches: Tensor, grids: Sequence[Grid], merge: int, patch_dim: int) -> None:
    """ValueError where the patches and the grids do not belong together."""
    if odd := [grid for grid in grids if min(grid) < 1 or grid[1] % merge or grid[2] % merge]:
        raise ValueError(f"grid {odd[0]}: rows and columns of patches must be multiples of {merge} above zero")
    wanted = [sum(t * h * w for t, h, w in grids), patch_dim]
    if list(patches.shape) != wanted or not wanted[0]:
        raise ValueError(f"patches are {list(patches.shape)}; the grids {list(grids)} need {wanted}")


def permute(x: Tensor, order: Tensor, unit: int) -> Tensor:
    """Reorder x [N, ...] by whole units."""
    return x.view(-1, unit, *x.shape[1:])[order].flatten(0, 1)
