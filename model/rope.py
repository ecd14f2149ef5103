"""Rotary positions: two axes in the vision tower, three (M-RoPE) in the decoder.

B batch, T tokens, N patches, D head size. Source: Qwen2-VL (arXiv 2409.12191), section 2.1.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import torch
from torch import Tensor

from model.config import Config
from model.layout import Medium

Rotation: TypeAlias = tuple[Tensor, Tensor]
"""cos and sin, broadcastable against queries and keys."""

LONGEST = 86_400
"""Seconds that one step of a video may last."""


def frequencies(count: int, theta: float) -> Tensor:
    """theta^(-i/count) for i in 0..count-1, float32."""
    return theta ** -(torch.arange(0, 2 * count, 2, dtype=torch.float32) / (2 * count))


def rotate(x: Tensor, rotation: Rotation) -> Tensor:
    """Rotate x [..., D] by halves: the pair of channel i is channel i + D/2."""
    cos, sin = rotation
    first, second = x.chunk(2, dim=-1)
    return x * cos + torch.cat((-second, first), dim=-1) * sin


def text_rotation(positions: Tensor, head_dim: int, theta: float, section: Sequence[int]) -> Rotation:
    """cos and sin [B,1,T,D] in float32 for positions [3,B,T] (time, height, width).

    The first `section[0]` frequencies follow time, the next height, the last width.
    """
    inverse = frequencies(head_dim // 2, theta).to(positions.device)
    angles = positions.float().unsqueeze(-1) * inverse  # [3,B,T,D/2]
    axes = angles.split_with_sizes(list(section), dim=-1)
    mixed = torch.cat([part[axis] for axis, part in enumerate(axes)], dim=-1)
    both = torch.cat((mixed, mixed), dim=-1).unsqueeze(1)
    return both.cos(), both.sin()


def vision_rotation(places: Tensor, head_dim: int) -> Rotation:
    """cos and sin [N,D] in float32 for patch places [N,2] (row, column)."""
    inverse = frequencies(head_dim // 4, 10_000.0).to(places.device)
    angles = (places.float().unsqueeze(-1) * inverse).flatten(1)  # [N,2,D/4] -> [N,D/2]
    both = torch.cat((angles, angles), dim=-1)
    return both.cos(), both.sin()


def position_ids(tokens: Sequence[int], config: Config, media: Sequence[Medium]) -> Tensor:
    """M-RoPE ids [3,T] of one prompt, without padding; `media` in the order of their runs of tokens.

    Text counts up on all three axes. In an image or a video, rows and columns count from where it starts; the
    time of an image stands still, that of a video follows its grid. What comes next starts one past the
    largest id so far, whichever axis has it. ValueError where tokens and media do not agree.
    """
    ids = torch.tensor(tokens, dtype=torch.long)
    _check_counts(ids, config, media)
    merge = config.vision.spatial_merge_size
    pads = ((ids == config.image_token_id) | (ids == config.video_token_id)).nonzero().flatten().tolist()
    columns: list[Tensor] = []
    start = at = 0
    for number, medium in enumerate(media, 1):
        kind, token = _kind(medium, config)
        steps, rows, cols = medium.grid[0], medium.grid[1] // merge, medium.grid[2] // merge
        units = steps * rows * cols
        begin, pads = pads[0], pads[units:]
        if not bool((ids[begin : begin + units] == token).all()):
            raise ValueError(f"medium {number} needs {units} {kind} tokens in a row")
        text = begin - at
        block = _grid_ids(_times(medium, config), rows, cols) + (start + text)
        columns += (_text_ids(start, text), block)
        start, at = int(block.max()) + 1, begin + units
    return torch.cat((*columns, _text_ids(start, len(tokens) - at)), dim=1)


def _kind(medium: Medium, config: Config) -> tuple[str, int]:
    still = medium.seconds_per_grid is None
    return ("image", config.image_token_id) if still else ("video", config.video_token_id)


def _check_counts(ids: Tensor, config: Config, media: Sequence[Medium]) -> None:
    merge = config.vision.spatial_merge_size
    for name, token in (("image", config.image_token_id), ("video", config.video_token_id)):
        grids = [medium.grid for medium in media if _kind(medium, config)[0] == name]
        if small := [grid for grid in grids if min(grid[0], grid[1] // merge, grid[2] // merge) < 1]:
            raise ValueError(f"the {name} grid {small[0]} holds no token")
        count, wanted = int((ids == token).sum()), sum(t * (h // merge) * (w // merge) for t, h, w in grids)
        if count != wanted:
            raise ValueError(f"the prompt has {count} {name} tokens, its {len(grids)} {name}s need {wanted}")


def _times(medium: Medium, config: Config) -> Tensor:
    """Time ids of a grid's steps, from 0.

    Qwen2.5-VL counts time: float32, then cut to whole numbers, as in training. Qwen2-VL counts steps.
    """
    steps = torch.arange(medium.grid[0])
    seconds = medium.seconds_per_grid
    if seconds is None:
        if len(steps) != 1:
            raise ValueError(f"an image has {len(steps)} steps; expected 1")
        return torch.zeros_like(steps)
    if not 0 < seconds <= LONGEST:
        raise ValueError(f"a video's seconds_per_grid is {seconds}; expected a number above 0, at most {LONGEST}")
    clock = config.vision.tokens_per_second
    return steps if clock is None else (steps * seconds * clock).long()


def _text_ids(start: int, length: int) -> Tensor:
    return torch.arange(start, start + length).expand(3, length)


def _grid_ids(times: Tensor, rows: int, cols: int) -> Tensor:
    """[3, steps * rows * cols]: time, row and column of every unit."""
    return torch.stack(torch.meshgrid(times, torch.arange(rows), torch.arange(cols), indexing="ij")).flatten(1)
