"""Several turns as tensors.

B turns, T tokens of the longest, P answers' tokens in all, N patches of one picture, U image tokens of one picture.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from model.config import Config
from model.image import ImageProcessor
from model.layout import Medium
from model.rope import position_ids
from model.train.samples import Encoded


@dataclass(frozen=True)
class Batch:
    """Turns padded on the right; rows of `places` are (turn, token) pairs that predict `labels`."""

    tokens: Tensor  # [B,T]
    positions: Tensor  # [3,B,T]
    places: Tensor  # [P,2]
    labels: Tensor  # [P]
    boxes: Tensor  # [B,4] pixels, or -1 where the answer points nowhere
    image_start: Tensor  # [B] first image token, or -1


def patches(pictures: Sequence[NDArray[np.uint8]], patch: int) -> Tensor:
    """Pictures uint8 [H,W,3] whose sides fill whole tokens -> [B*N, 3*2*patch*patch], as the network sees them."""
    processor = ImageProcessor(patch_size=patch, min_pixels=(2 * patch) ** 2)
    return torch.cat([processor(picture)[0] for picture in pictures])


def collate(turns: Sequence[Encoded], config: Config, grid: tuple[int, int], pad: int) -> Batch:
    """Pad `turns` to one length; `grid` is every picture's merged (rows, columns)."""
    merge = config.vision.spatial_merge_size
    picture = Medium((1, grid[0] * merge, grid[1] * merge))
    longest = max(len(turn.ids) for turn in turns)
    tokens = torch.full((len(turns), longest), pad)
    positions = torch.zeros(3, len(turns), longest, dtype=torch.long)
    places: list[tuple[int, int]] = []
    labels: list[int] = []
    starts: list[int] = []
    for i, turn in enumerate(turns):
        tokens[i, : len(turn.ids)] = torch.tensor(turn.ids)
        media = [picture] if turn.image else []
        positions[:, i, : len(turn.ids)] = position_ids(turn.ids, config, media)
        places += [(i, at - 1) for at in range(turn.answer, len(turn.ids))]
        labels += turn.ids[turn.answer :]
        starts.append(turn.ids.index(config.image_token_id) if turn.image else -1)
    boxes = torch.tensor([turn.box or (-1, -1, -1, -1) for turn in turns])
    return Batch(tokens, positions, torch.tensor(places), torch.tensor(labels), boxes, torch.tensor(starts))
