"""What single parts of a step come to: decoding beside the memory, looking at screens that barely change, int8."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from model.bench.pair import Pair
from model.bench.probe import best
from model.bench.work import Load, Words, changed, screen
from model.features import Features
from model.generate import Prompt
from model.glance import FRESH, Glances
from model.picture import Album
from model.plan import row_bytes
from model.qwen import Qwen
from model.session import Session

CONTEXT = 2000
"""Tokens behind which decoding is timed."""


@dataclass(frozen=True)
class Decode:
    """Decoding token by token; the ceiling is that of the memory, for the bytes a token cannot do without."""

    tokens_per_second: float
    bandwidth_gb_s: float
    share_of_ceiling: float
    bytes_per_token: int


def decode(network: Qwen, ceiling: float) -> Decode:
    """One token at a time behind `CONTEXT` others; `ceiling` in GB/s. Decoder, head and cache are read for each."""
    session = Session(network)
    words = Words(network.config).some(CONTEXT)
    session.read(Prompt(words))

    def token() -> None:
        session.rewind(CONTEXT)
        session.feed(words[:1]).argmax()

    seconds = best(token, tries=15)
    size = read_bytes(network) + CONTEXT * row_bytes(network.config, session.cache.itemsize)
    speed = size / seconds / 1e9
    return Decode(1 / seconds, speed, speed / ceiling, size)


def read_bytes(network: Qwen) -> int:
    """Bytes of weights that a token goes through: of embeddings all only where they are the head."""
    tensors = network.model.state_dict().items()
    layers: int = sum(tensor.nbytes for name, tensor in tensors if not name.startswith("embed_tokens."))
    head: int = sum(tensor.nbytes for tensor in network.head.state_dict().values())
    return layers + head


def vision(pair: Pair, load: Load) -> Mapping[str, float]:
    """Seconds to look at a screen: a new one, one of which a tenth of the windows changed, and the same again."""
    first = screen(1001, load.screen)
    full, part, album = [], [], Album()
    for number in range(3):
        features = Features(pair.network.visual)
        full.append(_look(pair, features, screen(2000 + number, load.screen), album))
        _look(pair, features, first, album)
        part.append(_look(pair, features, changed(first, number), album))
    found = {"full": min(full), "ninety_percent_unchanged": min(part), "unchanged": _look(pair, features, first, album)}
    return {**found, **_glances(pair, load)}


def _glances(pair: Pair, load: Load) -> Mapping[str, float]:
    """The approximate way: seconds for a screen of which a tenth changed, and how far that is from exact features.

    Each of `FRESH` screens changes a tenth of the windows of the one before; the first and the last are measured.
    """
    glances, pixels = Glances(pair.network.visual), screen(1001, load.screen)
    album = Album()
    _look(pair, glances, pixels, album)
    seconds, apart = [], []
    for number in range(FRESH):
        pixels = changed(pixels, number)
        seconds.append(_look(pair, glances, pixels, album))
        patches, grid = pair.processor(pixels)
        with torch.inference_mode():
            mine, exact = glances.look(patches, grid).float(), pair.network.visual(patches, [grid]).float()
        apart.append(float((mine - exact).norm() / exact.norm()))
    return {"approximate": min(seconds), "approximate_error": apart[0], "approximate_error_last": apart[-1]}


def _look(pair: Pair, features: Features, pixels: NDArray[np.uint8], album: Album) -> float:
    picture = album.image(pixels, pair.processor)
    start = time.perf_counter()
    with torch.inference_mode():
        features.see(picture)
    return time.perf_counter() - start


@dataclass(frozen=True)
class Small:
    """int8 beside the same weights unrounded: decoding, and what rounding does to logits behind random words."""

    decode: Decode
    distance: float  # |int8 - plain| / |plain|, over the whole vocabulary
    agreement: float  # share of prompts after which both would choose the same token
    weights: int  # bytes
    weights_plain: int


def int8(plain: Qwen, small: Qwen, ceiling: float, prompts: int = 8) -> Small:
    """Both networks after the same prompts of random words."""
    apart = size = 0.0
    same = 0
    for number in range(prompts):
        words = Words(plain.config, seed=number).some(200)
        theirs, mine = (Session(network).read(Prompt(words)).float() for network in (plain, small))
        apart, size = apart + float((mine - theirs).square().sum()), size + float(theirs.square().sum())
        same += int(mine.argmax() == theirs.argmax())
    total = [sum(tensor.nbytes for tensor in network.state_dict().values()) for network in (small, plain)]
    return Small(decode(small, ceiling), (apart / size) ** 0.5, same / prompts, total[0], total[1])
