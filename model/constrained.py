"""Greedy decoding under a grammar, with jump-forward: what has to come is read along with the next choice.

Between two choices the forced tokens are fed in one pass, those in front in the same pass as the prompt, and those at
the end are not fed at all. A choice computes the logits of the allowed tokens alone where they are few. The tokens
are those that decoding token by token under the same grammar would write.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass

import torch
from torch import Tensor

from model.ahead import FIRST, SPARE, Ahead, Copy, spare
from model.decoder import Cache
from model.fan import Line, spread
from model.generate import PARTS, Output, Prompt, Stop, check, choose, look
from model.grammar import GrammarError, Guide
from model.qwen import Qwen
from model.rope import position_ids


@dataclass(frozen=True)
class Answer:
    """What was written under a grammar; log-probabilities are those among the allowed tokens, 0 where forced."""

    tokens: tuple[int, ...]
    logprobs: tuple[float, ...]
    stop: Stop
    forwards: int


def follow(ahead: Ahead, guide: Guide, *, eos: Set[int], limit: int, halted: Callable[[Sequence[int]], bool]) -> Answer:
    """Write what `guide` allows, each choice the likeliest, until it is done, an end token comes, or `limit`.

    `halted` is asked behind each choice and each run of forced tokens. GrammarError where nothing may come.
    """
    tokens: list[int] = []
    logprobs: list[float] = []
    stop: Stop | None = "stop" if guide.done else None
    while stop is None:
        new, chance = guide.forced(), 0.0
        if not new:
            rows = guide.allowed()
            if not len(rows):
                raise GrammarError("the grammar allows no token and no end")
            index = 0
            if len(rows) > 1:
                index, chance = choose(ahead.logits(tokens, guide, rows))
            new = (int(rows[index]),)
        guide.take(new)
        tokens += new
        logprobs += [chance] * len(new)
        stop = _ended(tokens, guide, eos, limit)
        if halted(tokens[:limit]) and stop is None:
            stop = "stop"
    return Answer(tuple(tokens[:limit]), tuple(logprobs[:limit]), stop, ahead.forwards)


def _ended(tokens: Sequence[int], guide: Guide, eos: Set[int], limit: int) -> Stop | None:
    if len(tokens) > limit:
        return "length"
    if tokens[-1] in eos:
        return "eos"
    if guide.done:
        return "stop"
    return "length" if len(tokens) == limit else None


def generate_guided(
    network: Qwen,
    prompt: Prompt,
    guide: Guide,
    *,
    eos: Set[int],
    limit: int,
    halted: Callable[[Sequence[int]], bool] = lambda tokens: False,
    clock: Callable[[], float] = time.perf_counter,
) -> Output:
    """As `generate.generate`, under a grammar; the prompt is read along with what is forced in front."""
    check(network, [prompt], limit)
    with torch.inference_mode():
        times = [clock()]
        features = look(network, [prompt])
        times.append(clock())
        reader = Waiting(network, prompt, features, limit, clock)
        ahead = Ahead(reader, Copy(prompt), spare(network))
        said = follow(ahead, guide, eos=eos, limit=limit, halted=halted)
        times += [reader.read or times[-1], clock()]
    timings = {name: end - start for name, start, end in zip(PARTS, times, times[1:], strict=False)}
    return Output(said.tokens, said.logprobs, said.stop, timings, said.forwards, len(prompt.tokens))


class Waiting:
    """A prompt that waits to be read with the first tokens that are fed, and the cache behind it."""

    def __init__(
        self,
        network: Qwen,
        prompt: Prompt,
        features: Tensor | None,
        limit: int,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self.network, self.features, self.clock = network, features, clock
        self.prompt: tuple[int, ...] = prompt.tokens
        self.positions = position_ids(prompt.tokens, network.config, prompt.media)  # [3,T]
        self.next = int(self.positions.max()) + 1
        like = network.model.norm.weight
        self.cache = Cache(network.config.text, 1, len(prompt.tokens) + limit + FIRST + SPARE, like=like)
        self.read: float | None = None  # when the prompt had been

    def feed(self, tokens: Sequence[int], fan: Sequence[Line] = ()) -> Tensor:
        device = self.cache.device
        places, sees = spread(len(tokens), fan)
        new = [*tokens, *(token for line in fan for token in line)]
        x = self.network.model.embed_tokens(torch.tensor([new], dtype=torch.long, device=device))
        positions = (self.next + places).expand(3, -1)
        self.next += len(tokens)
        if self.read is None:
            before = self.network.embed(torch.tensor([self.prompt], device=device), self.features)
            x, positions = torch.cat((before, x), dim=1), torch.cat((self.positions, positions), dim=1)
        rotation = self.network.rotation(positions.unsqueeze(1).to(device))
        with self.cache.branching(sees):
            states: Tensor = self.network.model(x, rotation, None, self.cache)[0]
        self.cache.length -= len(new) - len(tokens)
        if self.read is None:
            self.read = self.clock()
        return states

    def forget(self, count: int) -> None:
        self.cache.length -= count
        self.next -= count

    def logits(self, states: Tensor, rows: Tensor | None = None) -> Tensor:
        return self.network.logits(states, rows)
