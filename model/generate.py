"""Greedy decoding: look at images and videos, read the prompts once, then write token by token behind a cache.

B prompts, T tokens of the longest, V vocabulary.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

import torch
from torch import Tensor
from torch.nn.functional import pad

from model import plan
from model.decoder import Cache
from model.layout import Grid, Medium
from model.picture import Picture, joined
from model.qwen import Qwen
from model.rope import position_ids

Stop: TypeAlias = Literal["eos", "stop", "length"]
"""Why writing ended: an end token, a stop string, or no room for more."""

PARTS = ("vision", "prefill", "decode")
"""What the timings tell of."""


@dataclass(frozen=True)
class Prompt:
    """Tokens with image and video tokens already repeated; the media in their order, and their patches.

    In the place of `patches` there may be `pictures`, of which only those are made that have to be looked at.
    """

    tokens: tuple[int, ...]
    patches: Tensor | None = None  # [N, patch_dim]
    media: tuple[Medium, ...] = ()
    pictures: tuple[Picture, ...] = ()
    draft: tuple[int, ...] = ()  # what an answer under a grammar may begin with: a guess, free where it is wrong

    @classmethod
    def of(cls, tokens: tuple[int, ...], pictures: Sequence[Picture], draft: tuple[int, ...] = ()) -> Prompt:
        """That of pictures in their order."""
        return cls(tokens, None, tuple(picture.medium for picture in pictures), tuple(pictures), draft)

    @property
    def grids(self) -> tuple[Grid, ...]:
        return tuple(medium.grid for medium in self.media)

    def check(self) -> None:
        """ValueError where patches and media do not agree: spare ones would be another prompt's."""
        if self.pictures:
            if self.patches is not None or tuple(picture.medium for picture in self.pictures) != self.media:
                raise ValueError(f"a prompt has {len(self.pictures)} pictures; expected those of its media, no patches")
            return
        given, wanted = 0 if self.patches is None else len(self.patches), sum(map(math.prod, self.grids))
        if given != wanted:
            raise ValueError(f"a prompt has {given} patches, its media {list(self.grids)} need {wanted}")

    def shown(self) -> tuple[Picture, ...]:
        """Its pictures, each by itself."""
        if self.patches is None:
            return self.pictures
        parts = torch.split(self.patches, [math.prod(grid) for grid in self.grids])
        return tuple(Picture.of(part, medium) for part, medium in zip(parts, self.media, strict=True))


@dataclass(frozen=True)
class Output:
    """What was written, the end token too; log-probabilities of each token; seconds for each of `PARTS`.

    `forwards` are the passes through the decoder that it took, the one that reads the prompt among them; `prefilled`
    the tokens of the prompt that went through it: those that no session had read.
    """

    tokens: tuple[int, ...]
    logprobs: tuple[float, ...]
    stop: Stop
    timings: Mapping[str, float]
    forwards: int
    prefilled: int


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
    on coordinates. Raises ValueError where tokens and media do not agree, ArithmeticError where the network
    gives no numbers, and `PlanError` where memory will not do.
    """
    [output] = generate_batch(network, [prompt], eos=eos, limit=limit, halted=halted, clock=clock)
    return output


def generate_batch(
    network: Qwen,
    prompts: Sequence[Prompt],
    *,
    eos: Set[int],
    limit: int,
    halted: Callable[[Sequence[int]], bool] = lambda tokens: False,
    clock: Callable[[], float] = time.perf_counter,
) -> list[Output]:
    """The same for several prompts in one forward pass, shorter ones padded in front.

    Each writes what it would write alone; who has ended waits for the others, and all share their timings.
    """
    check(network, prompts, limit)
    rows = [Row() for _ in prompts]
    with torch.inference_mode():
        times = [clock()]
        features = look(network, prompts)
        times.append(clock())
        writer = _Writer(network, prompts, limit)
        logits = writer.read(features)
        while True:
            for row, chances in zip(rows, logits, strict=True):
                if row.stop is None:
                    row.write(*choose(chances), eos, halted, limit)
            if len(times) == 2:
                times.append(clock())
            if all(row.stop for row in rows):
                break
            logits = writer.step([row.tokens[-1] for row in rows])
        times.append(clock())
    timings = {name: end - start for name, start, end in zip(PARTS, times, times[1:], strict=False)}
    return [
        Output(
            tuple(row.tokens), tuple(row.logprobs), row.stop or "length", timings, writer.forwards, len(prompt.tokens)
        )
        for row, prompt in zip(rows, prompts, strict=True)
    ]


def check(network: Qwen, prompts: Sequence[Prompt], limit: int) -> None:
    """Raise for what `generate` says it raises for before it begins."""
    if limit < 1 or not prompts or not all(prompt.tokens for prompt in prompts):
        raise ValueError(
            f"{len(prompts)} prompts and limit {limit}; expected prompts of some tokens and a limit above 0"
        )
    for prompt in prompts:
        prompt.check()
    requests = [
        replace(plan.Request.of(prompt.tokens, prompt.media, network.config), limit=limit) for prompt in prompts
    ]
    weight = network.model.norm.weight
    plan.check(network.config, requests, weight.dtype, weight.device)


@dataclass
class Row:
    """What has been written behind one prompt so far, and why that ended."""

    tokens: list[int] = field(default_factory=list)
    logprobs: list[float] = field(default_factory=list)
    stop: Stop | None = None

    def write(
        self, token: int, logprob: float, eos: Set[int], halted: Callable[[Sequence[int]], bool], limit: int
    ) -> None:
        self.tokens.append(token)
        self.logprobs.append(logprob)
        self.stop = "eos" if token in eos else "stop" if halted(self.tokens) else None
        if self.stop is None and len(self.tokens) >= limit:
            self.stop = "length"


def choose(logits: Tensor) -> tuple[int, float]:
    """The likeliest token of logits [V], the first of equals, and its log-probability."""
    chances = logits.float().log_softmax(-1)
    token = int(chances.argmax())
    if math.isnan(chance := float(chances[token])):
        raise ArithmeticError("the network's logits are not numbers; expected finite weights and pixels")
    return token, chance


class _Writer:
    """The decoder with its cache, the padding in front of each prompt, and each one's next M-RoPE position."""

    def __init__(self, network: Qwen, prompts: Sequence[Prompt], limit: int) -> None:
        self.network = network
        like = network.model.norm.weight
        longest = max(len(prompt.tokens) for prompt in prompts)
        padding = [longest - len(prompt.tokens) for prompt in prompts]
        self.skip = torch.tensor(padding, device=like.device) if any(padding) else None
        filler = min({0, 1, 2} - {network.config.image_token_id, network.config.video_token_id})  # seen by nobody
        ids = [position_ids(prompt.tokens, network.config, prompt.media) for prompt in prompts]
        self.positions = torch.stack([pad(own, (front, 0)) for own, front in zip(ids, padding, strict=True)], dim=1)
        self.tokens = [(filler,) * front + prompt.tokens for prompt, front in zip(prompts, padding, strict=True)]
        self.next = torch.tensor([int(own.max()) + 1 for own in ids])
        self.cache = Cache(network.config.text, len(prompts), longest + limit, like=like)
        self.forwards = 0

    def read(self, features: Tensor | None) -> Tensor:
        """Logits [B,V] behind the prompts."""
        tokens = torch.tensor(self.tokens, device=self.cache.device)
        return self._run(self.network.embed(tokens, features), self.positions)

    def step(self, tokens: Sequence[int]) -> Tensor:
        """Logits [B,V] behind one more token each; one that stands for an image is a word like others here."""
        positions = self.next.expand(3, -1).unsqueeze(-1)
        self.next = self.next + 1
        new = torch.tensor(tokens, device=self.cache.device).unsqueeze(1)
        return self._run(self.network.model.embed_tokens(new), positions)

    def _run(self, x: Tensor, positions: Tensor) -> Tensor:
        rotation = self.network.rotation(positions.to(x.device))
        self.forwards += 1
        return self.network.logits(self.network.model(x, rotation, self.skip, self.cache, 1)[:, -1])


def look(network: Qwen, prompts: Sequence[Prompt]) -> Tensor | None:
    """Features of all media of all prompts, in their order."""
    parts = [joined(prompt.pictures) if prompt.pictures else prompt.patches for prompt in prompts]
    patches = [part for part in parts if part is not None]
    if not patches:
        return None
    grids = [grid for prompt in prompts for grid in prompt.grids]
    whole = patches[0] if len(patches) == 1 else torch.cat(patches)
    features: Tensor = network.visual(whole.to(network.model.norm.weight.device), grids)
    return features
