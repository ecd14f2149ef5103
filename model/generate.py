"""Greedy decoding: look at the images, read the prompt once, then write token by token behind a cache.

T tokens of the prompt, V vocabulary.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Literal, TypeAlias

import torch
from torch import Tensor

from model.decoder import Cache
from model.layout import Grid, Medium
from model.qwen import Qwen
from model.rope import position_ids

Stop: TypeAlias = Literal["eos", "stop", "length"]
"""Why writing ended: an end token, a stop string, or no room for more."""


@dataclass(frozen=True)
class Prompt:
    """Tokens with image and video tokens already repeated; patches and shapes of the media in their order."""

    tokens: tuple[int, ...]
    patches: Tensor | None = None  # [N, patch_dim]
    media: tuple[Medium, ...] = ()

    @property
    def grids(self) -> tuple[Grid, ...]:
        return tuple(medium.grid for medium in self.media)


@dataclass(frozen=True)
class Output:
    """What was written, the end token too; log-probabilities of each token; seconds for each part."""

    tokens: tuple[int, ...]
    logprobs: tuple[float, ...]
    stop: Stop
    timings: Mapping[str, float]


def generate(
    network: Qwen,
    prompt: Prompt,
    *,
    eos: Set[int],
    limit: int,
    halted: Callable[[Sequence[int]], bool] = lambda tokens: False,
    clock: Callable[[], float] = time.perf_counter,
) -> Output:
    """Write at most `limit` tokens, each the likeliest, until one is in `eos` or `halted` says so of all.

    No repetition penalty, whatever generation_config.json says: it would bear on digits in the prompt, and so
    on coordinates. Raises ValueError where tokens and images do not agree, ArithmeticError where the
    network gives no numbers.
    """
    tokens: list[int] = []
    logprobs: list[float] = []
    with torch.inference_mode():
        times = [clock()]
        features = None if prompt.patches is None else _look(network, prompt.patches, prompt.grids)
        times.append(clock())
        writer = _Writer(network, len(prompt.tokens) + limit)
        logits = writer.read(prompt, features)
        stop: Stop | None = None
        while stop is None:
            if tokens:
                logits = writer.step(tokens[-1])
            token, logprob = choose(logits)
            if not tokens:
                times.append(clock())
            tokens.append(token)
            logprobs.append(logprob)
            stop = "eos" if token in eos else "stop" if halted(tokens) else None
            stop = stop or ("length" if len(tokens) >= limit else None)
        times.append(clock())
    parts = zip(("vision", "prefill", "decode"), times, times[1:], strict=False)
    return Output(tuple(tokens), tuple(logprobs), stop, {name: end - start for name, start, end in parts})


def choose(logits: Tensor) -> tuple[int, float]:
    """The likeliest token of logits [V], the first of equals, and its log-probability."""
    chances = logits.float().log_softmax(-1)
    token = int(chances.argmax())
    if math.isnan(chance := float(chances[token])):
        raise ArithmeticError("the network's logits are not numbers; expected finite weights and pixels")
    return token, chance


class _Writer:
    """The decoder with its cache and the next M-RoPE position."""

    def __init__(self, network: Qwen, room: int) -> None:
        self.network = network
        self.cache = Cache(network.config.text, 1, room, like=network.model.norm.weight)
        self.next = 0

    def read(self, prompt: Prompt, features: Tensor | None) -> Tensor:
        """Logits [V] behind the prompt."""
        positions = position_ids(prompt.tokens, self.network.config, prompt.media)  # [3,T]
        self.next = int(positions.max()) + 1
        return self._run(self.network.embed(self._row(prompt.tokens), features), positions)

    def step(self, token: int) -> Tensor:
        """Logits [V] behind one more token; one that stands for an image is a word like others here."""
        positions = torch.full((3, 1), self.next)
        self.next += 1
        return self._run(self.network.model.embed_tokens(self._row((token,))), positions)

    def _row(self, tokens: Sequence[int]) -> Tensor:
        return torch.tensor([tokens], device=self.cache.store.device)

    def _run(self, x: Tensor, positions: Tensor) -> Tensor:
        rotation = self.network.rotation(positions.unsqueeze(1).to(x.device))
        return self.network.logits(self.network.model(x, rotation, None, self.cache)[0, -1])


def _look(network: Qwen, patches: Tensor, grids: Sequence[Grid]) -> Tensor:
    features: Tensor = network.visual(patches.to(network.model.norm.weight.device), grids)
    return features
