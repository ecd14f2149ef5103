"""Pieces of random conversations for the tests of sessions, and what reading them whole gives."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

import torch
from model_checkpoint import IMAGE_PAD, VIDEO_PAD
from torch import Tensor

from model.generate import Prompt, choose
from model.layout import Grid, Medium
from model.qwen import Qwen
from model.rope import position_ids

GRIDS: list[Grid] = [(1, 2, 2), (1, 4, 6), (1, 2, 14), (1, 8, 8), (1, 12, 10)]


def words(dice: random.Random, most: int = 6) -> Prompt:
    return Prompt(tuple(dice.randrange(7, 300) for _ in range(dice.randint(1, most))))


def picture(dice: random.Random, shades: int = 10**6, grids: Sequence[Grid] = GRIDS) -> Prompt:
    """An image or a video between its marks; few `shades` make the same picture come again."""
    shade, grid = dice.randrange(shades), dice.choice(grids)
    medium = Medium(grid) if dice.random() < 0.8 else Medium((2, *grid[1:]), 1.5)
    patches = torch.randn(math.prod(medium.grid), 384, generator=torch.Generator().manual_seed(shade))
    pad = IMAGE_PAD if medium.seconds_per_grid is None else VIDEO_PAD
    return Prompt((3, *[pad] * (len(patches) // 4), 4), patches, (medium,))


def joined(segments: Sequence[Prompt]) -> Prompt:
    patches = [one.patches for one in segments if one.patches is not None]
    return Prompt(
        tuple(token for one in segments for token in one.tokens),
        torch.cat(patches) if patches else None,
        tuple(medium for one in segments for medium in one.media),
    )


def whole(qwen: Qwen, prompt: Prompt) -> Tensor:
    """Logits behind a prompt that is read at once without any cache."""
    ids = position_ids(prompt.tokens, qwen.config, prompt.media).unsqueeze(1)
    with torch.inference_mode():
        return qwen(torch.tensor([prompt.tokens]), ids, prompt.patches, prompt.grids)[0, -1]


def alike(one: Tensor, other: Tensor) -> None:
    torch.testing.assert_close(one, other, atol=1e-4, rtol=0)
    assert choose(one)[0] == choose(other)[0]
