"""Reading ahead under a grammar: one forward reads what was written and, along with it, what may come next.

A chain of tokens copied from the prompt, or a fan of all that a narrow choice allows. States behind what did come
are used, the others are forgotten: nothing is ever written but the likeliest token behind exactly what was written.
Memory is what a forward of few tokens waits for, so that a dozen tokens take hardly longer than one (docs/log.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Protocol

import torch
from torch import Tensor

from model.constrained import Want
from model.fan import Line
from model.generate import Prompt
from model.grammar import GrammarError, Guide
from model.linear import Embedding8, Linear8
from model.qwen import Qwen

SPARE = 16
"""Tokens that may come, read along with those that did."""

SPARE8 = 3
"""The same where weights are int8, whose products with more tokens wait for the processor."""

FIRST = 40
"""The same along with a prompt, where a few tokens more cost nothing."""

MANY = 512
"""Where more tokens than these are allowed, the head is run once for all that is read."""

LONGEST = 8
"""Tokens of context by which the place to copy from is found."""

LATEST = 64
"""Places that are looked at for it."""

LARGE = 1024
"""Width of the first networks whose float32 weights take longer the more tokens are read, on a CPU."""


class Feeder(Protocol):
    """A network that stands behind what it has read so far."""

    def feed(self, tokens: Sequence[int], fan: Sequence[Line] = ()) -> Tensor:
        """Read `tokens` in one forward; states [T,hidden] behind each of them and of each token of the lines of `fan`.

        The lines stand behind `tokens`, one instead of the other, and are not kept. `tokens` may be empty where a
        prompt waits to be read; then the state behind the prompt comes first.
        """
        ...

    def forget(self, count: int) -> None:
        """Stand `count` tokens further back."""
        ...

    def logits(self, states: Tensor, rows: Tensor | None = None) -> Tensor:
        """Logits [...,V] of `states`, or [...,R] of the ids `rows` alone, in their order."""
        ...


def spare(network: Qwen) -> int:
    """Tokens that `network` reads along with one at hardly more cost."""
    if isinstance(network.head, Linear8 | Embedding8):
        return SPARE8
    weight = network.model.norm.weight
    slow = weight.device.type == "cpu" and weight.dtype == torch.float32 and len(weight) >= LARGE
    return 0 if slow else SPARE


class Copy:
    """What may come next, by what stands in the prompt or was written before."""

    def __init__(self, prompt: Prompt) -> None:
        self.draft, self.words = prompt.draft, list(prompt.tokens)
        self.told = len(self.words)
        self._places: dict[int, list[int]] = {}  # behind each token
        self._index(0)

    def write(self, tokens: Sequence[int]) -> None:
        """Let the answer so far be `tokens`: those that `write` was given before, and more."""
        known = len(self.words)
        self.words += tokens[known - self.told :]
        self._index(known)

    def next(self, chain: Sequence[int]) -> int | None:
        """The token that may follow `chain` behind the answer so far."""
        written = len(self.words) - self.told
        if written + len(chain) < len(self.draft):
            begun = (*self.words[self.told :], *chain)
            if self.draft[: len(begun)] == begun:
                return self.draft[len(begun)]
        end = (*self.words[-LONGEST:], *chain)[-LONGEST:]
        best, found = 0, None
        for place in self._places.get(end[-1], ())[-LATEST:]:
            same = self._same(end, place)
            if same >= best:
                best, found = same, self.words[place]
        return found

    def _same(self, end: Line, place: int) -> int:
        """How many tokens before `place` are those at the end of `end`."""
        before = reversed(self.words[max(0, place - len(end)) : place])
        return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(reversed(end), before, strict=False)))

    def _index(self, start: int) -> None:
        for place in range(max(start, 1), len(self.words)):
            self._places.setdefault(self.words[place - 1], []).append(place)


@dataclass
class Ahead:
    """Logits behind what was written so far, by as few forwards of `feeder` as there have to be."""

    feeder: Feeder
    copy: Copy
    spare: int = SPARE
    forwards: int = 0

    def __post_init__(self) -> None:
        self._read: list[int] = []  # tokens of the answer that the feeder holds
        self._base = 0  # tokens that were written when it was last fed
        self._known: dict[Line, int] = {}  # by what was written since then, a row of the states
        self._states = torch.empty(0)
        self._full: Tensor | None = None

    def logits(self, want: Want) -> Tensor:
        """What is wanted of an answer under a grammar."""
        tokens, guide, rows = want.tokens, want.guide, want.rows
        assert guide is not None and rows is not None  # noqa: PT018
        since = tuple(tokens[self._base :])
        if not self.forwards or since not in self._known:
            self._forward(tokens, guide)
            since = ()
        place = self._known[since]
        if len(rows) <= MANY:
            return self.feeder.logits(self._states[place], rows)
        if self._full is None:
            self._full = self.feeder.logits(self._states)
        return self._full[place, rows.to(self._full.device)]

    def _forward(self, tokens: Sequence[int], guide: Guide) -> None:
        same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(self._read, tokens, strict=False)))
        if behind := len(self._read) - same:
            self.feeder.forget(behind)
        self.copy.write(tokens)
        chain, fan = guess(guide, self.copy, self.spare if self.forwards else FIRST, fans=self.forwards > 0)
        states = self.feeder.feed((*tokens[same:], *chain), fan)
        self.forwards += 1
        self._read, self._base, self._full = [*tokens, *chain], len(tokens), None
        self._states = states[-(1 + len(chain) + sum(map(len, fan))) :].clone()  # and not those of a whole prompt
        self._known = {chain[:count]: count for count in range(len(chain) + 1)}
        for line in fan:
            for count in range(1, len(line) + 1):
                self._known[chain + line[:count]] = len(self._known)


def guess(guide: Guide, copy: Copy, room: int, *, fans: bool) -> tuple[Line, tuple[Line, ...]]:
    """A chain of what may come where `guide` stands, and what a narrow choice behind it allows; `room` tokens at most.

    Only where `fans` is a narrow choice not left to what was copied.
    """
    if not room:
        return (), ()
    chain: list[int] = []
    ahead, fan = guide.fork(), tuple[Line, ...]()
    while len(chain) < room and not ahead.done:
        new = ahead.forced()
        if not new:
            allowed = ahead.allowed()
            if fans and len(allowed) < room - len(chain):
                fan = _fan(ahead, allowed.tolist(), room - len(chain))
                break
            token = copy.next(chain)
            if token is None or not bool((allowed == token).any()):
                break
            new = (token,)
        try:
            ahead.take(new)
        except GrammarError:  # too much for the parser, which is a mistake only if the network wants it too
            break
        chain += new
    return tuple(chain[:room]), fan


def _fan(guide: Guide, allowed: Sequence[int], room: int) -> tuple[Line, ...]:
    """Each token that is allowed with what it forces, but for those behind which nothing is left to choose."""
    lines: list[Line] = []
    for token in allowed:
        branch = guide.fork()
        try:
            branch.take((token,))
            forced = branch.forced()
            branch.take(forced)
        except GrammarError:
            continue
        if not branch.done:
            lines.append((token, *forced))
    fan, taken = list[Line](), 0
    for line in sorted(lines, key=len):
        if (taken := taken + len(line)) > room:
            break
        fan.append(line)
    return tuple(fan)
