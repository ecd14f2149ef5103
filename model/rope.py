"""Rotary positions: two axes in the vision tower, three (M-RoPE) in the decoder.

B batch, T tokens, N patches, D head size. Source: Qwen2-VL (arXiv 2409.12191), section 2.1.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import torch
from torch import Tensor

Rotation: TypeAlias = tuple[Tensor, Tensor]
"""cos and sin, broadcastable against queries and keys."""


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


def position_ids(tokens: Sequence[int], image_token: int, grids: Sequence[tuple[int, int]]) -> Tensor:
    """M-RoPE ids [3,T] of one prompt, without padding.

    `grids` are the merged (rows, columns) of each image, in the order of their runs of `image_token`. Text
    counts up on all three axes; an image keeps one time, its rows and columns count from there; what follows
    starts one past the largest id so far. ValueError where tokens and grids do not agree.
    """
    is_image = torch.tensor(tokens, dtype=torch.long) == image_token
    count, wanted = int(is_image.sum()), sum(rows * cols for rows, cols in grids)
    if count != wanted:
        raise ValueError(f"the prompt has {count} image tokens, its {len(grids)} images need {wanted}")
    first = is_image.nonzero().flatten().tolist()  # places of image tokens; an image takes the next of them
    columns: list[Tensor] = []
    start = at = 0
    for number, (rows, cols) in enumerate(grids, 1):
        begin, first = first[0], first[rows * cols :]
        if not bool(is_image[begin : begin + rows * cols].all()):
            raise ValueError(f"image {number} needs {rows * cols} image tokens in a row")
        text = begin - at
        columns += (_text_ids(start, text), _image_ids(start + text, rows, cols))
        start, at = start + text + max(rows, cols), begin + rows * cols
    return torch.cat((*columns, _text_ids(start, len(tokens) - at)), dim=1)


def _text_ids(start: int, length: int) -> Tensor:
    return torch.arange(start, start + length).expand(3, length)


def _image_ids(start: int, rows: int, cols: int) -> Tensor:
    y, x = torch.meshgrid(torch.arange(rows), torch.arange(cols), indexing="ij")
    return torch.stack((torch.zeros_like(y), y, x)).flatten(1) + start
