"""What a network will take before it takes it, and a refusal that names what would fit.

Sizes are bytes. The figures for activations are worked out from the code of the tower and the decoder: the tensors
that are alive at once where it holds most, and `SLACK` for what kernels and the allocator take beside them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import psutil
import torch

from model.attention import BLOCK
from model.config import Config
from model.decoder import Cache
from model.layout import Medium

GB = 10**9

SLACK = 1.5
"""Peaks were measured at 1.1 to 1.41 times the tower's tensors, and 1.2 to 1.3 times the decoder's."""


ROWS = 256
"""The cache of a session grows by multiples of so many rows."""


@dataclass(frozen=True)
class Need:
    """Bytes: looking and reading come one after the other, so that the larger of the two counts."""

    weights: int
    cache: int
    vision: int
    prefill: int
    kept: int = 0  # of pictures and beginnings, for later

    @property
    def total(self) -> int:
        return self.weights + self.cache + self.kept + max(self.vision, self.prefill)

    def __str__(self) -> str:
        lasting = (("weights", self.weights), ("cache", self.cache), ("kept", self.kept))
        parts = (*lasting, ("vision", self.vision), ("prefill", self.prefill))
        return f"{_gb(self.total)} (" + ", ".join(f"{name} {_gb(size)}" for name, size in parts if size) + ")"


class PlanError(MemoryError):
    """Work that would not fit into memory, refused before it began; `max_pixels` an image or frame would fit."""

    def __init__(self, what: str, need: Need, available: int, max_pixels: int | None = None) -> None:
        self.need, self.available, self.max_pixels = need, available, max_pixels
        advice = f"; images and frames of at most max_pixels {max_pixels} would fit" if max_pixels else ""
        super().__init__(f"{what} takes {need}, {_gb(available)} are available{advice}")


@dataclass(frozen=True)
class Request:
    """One prompt as far as memory goes: words, media, and the tokens that may be written behind."""

    words: int  # tokens that belong to no image and no video
    media: tuple[Medium, ...]
    limit: int
    shared: int = 0  # first tokens that will be kept for other sessions

    @classmethod
    def of(cls, tokens: Sequence[int], media: tuple[Medium, ...], config: Config, shared: int = 0) -> Request:
        """That of a prompt whose tokens hold those of its media, with nothing written behind."""
        units = sum(math.prod(medium.grid) for medium in media) // config.vision.spatial_merge_size**2
        return cls(len(tokens) - units, media, 0, shared)

    def patches(self, most: int | None = None) -> int:
        """Patches of all media, where none has more than `most` in a frame."""
        areas = ((t, h * w) for t, h, w in (medium.grid for medium in self.media))
        return sum(steps * (area if most is None else min(area, most)) for steps, area in areas)


def available(device: torch.device) -> int:
    """Bytes that can be had without pushing other work out of memory."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    return int(psutil.virtual_memory().available)


def need(config: Config, requests: Sequence[Request], dtype: torch.dtype, *, most: int | None = None) -> Need:
    """What it takes to answer `requests` as one batch, with the weights in place already.

    `most` patches a frame at most are counted, as if a pixel budget had shrunk the media.
    """
    text, unit, size = config.text, config.vision.spatial_merge_size**2, dtype.itemsize
    patches = [request.patches(most) for request in requests]
    tokens = max(request.words + own // unit for request, own in zip(requests, patches, strict=True))
    rows = tokens + max(request.limit for request in requests)
    mask = min(BLOCK, tokens) * tokens * (4 + size) if len(requests) > 1 else 0
    reading = tokens * token_bytes(config, size) + mask + _last(config, size)
    features = sum(patches) // unit * text.hidden_size * size
    inputs = sum(patches) * 4 * config.vision.patch_dim
    return Need(
        weights=0,
        cache=len(requests) * rows * row_bytes(config, size),
        vision=inputs + int(SLACK * sum(patches) * patch_bytes(config, size)),
        prefill=inputs + 2 * features + int(SLACK * len(requests) * reading),
    )


def room(rows: int) -> int:
    """Rows that a session's cache has after it grew for `rows`: a quarter more, so that it seldom grows again."""
    return -(-rows * 5 // (4 * ROWS)) * ROWS


@dataclass(frozen=True)
class Left:
    """Bytes by which what sessions keep may still grow: features of pictures and of windows, and beginnings."""

    pictures: int
    windows: int
    beginnings: int


FULL = Left(0, 0, 0)
"""Nothing is kept that was not kept before."""


def session(config: Config, request: Request, cache: Cache, left: Left = FULL) -> Need:
    """What it takes to read `request` behind what `cache` holds, beyond what the cache takes now.

    Pictures are looked at one after the other; what is kept of them for later counts too, as if none were known.
    """
    size, unit, wide = cache.itemsize, config.vision.spatial_merge_size**2, config.vision.hidden_size
    patches = request.patches()
    tokens = request.words + patches // unit
    rows = cache.length + tokens + request.limit
    grown = row_bytes(config, size) * (room(rows) - cache.room) + cache.nbytes // len(cache.layers)
    mask = min(BLOCK, tokens) * rows * (4 + size) if cache.length else 0
    inputs, features = patches * 4 * config.vision.patch_dim, patches // unit * config.text.hidden_size * size
    images = [math.prod(medium.grid) for medium in request.media if medium.grid[0] == 1]
    near = images if config.vision.front else []
    windows, largest = wide * size * sum(near), max((math.prod(medium.grid) for medium in request.media), default=0)
    beginning = request.shared * row_bytes(config, size)
    return Need(
        weights=0,
        cache=grown if rows > cache.room else 0,
        vision=inputs
        + features
        + max(near, default=0) * wide * size
        + int(SLACK * largest * patch_bytes(config, size)),
        prefill=inputs + 2 * features + int(SLACK * (tokens * token_bytes(config, size) + mask + _last(config, size))),
        kept=min(features, left.pictures) + min(windows, left.windows) + min(beginning, left.beginnings),
    )


def row_bytes(config: Config, size: int) -> int:
    """Bytes of the cache for one token."""
    text = config.text
    return 2 * text.num_hidden_layers * text.num_key_value_heads * text.head_dim * size


def patch_bytes(config: Config, size: int) -> int:
    """Bytes that the tower holds for a patch where it holds most: turning keys, or in the middle of the MLP."""
    vision = config.vision
    wide = vision.hidden_size
    turning = 4 * wide * size + 20 * wide  # q, k, v, turned q; and five float32 tensors that turn k
    mlp = 3 * vision.intermediate_size * size
    kept = 2 * wide * size + 16 * vision.head_dim  # the stream, its norm, and cos and sin
    return kept + max(turning, mlp, vision.patch_dim * size)


def token_bytes(config: Config, size: int) -> int:
    """Bytes that the decoder holds for a token of the prompt where it holds most."""
    text = config.text
    wide = text.hidden_size
    kept = 2 * wide * size + 2 * text.head_dim * (4 + size)
    attention = 6 * wide * size
    norm = 12 * wide
    return kept + max(attention, norm, 3 * text.intermediate_size * size)


def _last(config: Config, size: int) -> int:
    """Bytes for the logits behind one prompt, and their logarithms in float32."""
    return config.text.vocab_size * (size + 8)


def check(config: Config, requests: Sequence[Request], dtype: torch.dtype, device: torch.device) -> None:
    """Raise `PlanError` where answering `requests` as one batch would not fit."""
    free = available(device)
    if (needed := need(config, requests, dtype)).total > free:
        raise PlanError("answering", needed, free, budget(config, requests, dtype, free))


def check_session(config: Config, request: Request, cache: Cache, left: Left) -> None:
    """Raise `PlanError` where reading `request` behind what `cache` holds would not fit."""
    if (needed := session(config, request, cache, left)).total > (free := available(cache.device)):
        dtype = cache.layers[0].dtype
        raise PlanError("reading on", needed, free, budget(config, [request], dtype, free))


def check_together(config: Config, readings: Sequence[tuple[int, Cache]]) -> None:
    """Raise `PlanError` where reading so many words behind each of those caches in one pass would not fit."""
    needs = [session(config, Request(words, (), 0), cache) for words, cache in readings]
    needed = Need(0, sum(one.cache for one in needs), 0, sum(one.prefill for one in needs))
    if needed.total > (free := available(readings[0][1].device)):
        raise PlanError(f"reading {len(readings)} prompts at once", needed, free)


def budget(config: Config, requests: Sequence[Request], dtype: torch.dtype, free: int) -> int | None:
    """The largest pixel budget of an image or frame with which `requests` fit into `free` bytes, if any."""
    unit = config.vision.spatial_merge_size**2
    frames = [math.prod(medium.grid[1:]) for request in requests for medium in request.media]
    low, high = 0, max(frames, default=0) // unit
    while low < high:  # `low` tokens a frame fit, more than `high` do not
        middle = (low + high + 1) // 2
        fits = need(config, requests, dtype, most=middle * unit).total <= free
        low, high = (middle, high) if fits else (low, middle - 1)
    return low * config.vision.factor**2 or None


def check_weights(weights: int, config: Config, dtype: torch.dtype, device: torch.device) -> None:
    """Raise `PlanError` where the weights and a question of some words would not fit."""
    small = need(config, [Request(512, (), 512)], dtype)
    needed = Need(weights, small.cache, small.vision, small.prefill)
    if needed.total > (free := available(device)):
        raise PlanError(f"loading in {str(dtype).removeprefix('torch.')}", needed, free)


def _gb(size: int) -> str:
    return f"{size / GB:.2f} GB"
