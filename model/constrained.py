"""Greedy decoding, free or under a grammar with jump-forward: what has to come is read along with the next choice.

Between two choices the forced tokens are fed in one pass, those in front in the same pass as the prompt, and those at
the end are not fed at all. A choice computes the logits of the allowed tokens alone where they are few. The tokens
are those that decoding token by token under the same grammar would write.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence, Set
from dataclasses import dataclass
from typing import TypeAlias

from torch import Tensor

from model.generate import Row, Stop, choose
from model.grammar import GrammarError, Guide


@dataclass(frozen=True)
class Answer:
    """What was written; log-probabilities under a grammar are those among the allowed tokens, 0 where forced."""

    tokens: tuple[int, ...]
    logprobs: tuple[float, ...]
    stop: Stop


@dataclass(frozen=True)
class Want:
    """Logits that are wanted: behind all of `tokens`, of the ids `rows` [R], or of all; `guide` stands there too."""

    tokens: Sequence[int]
    guide: Guide | None = None
    rows: Tensor | None = None


Writing: TypeAlias = Generator[Want, Tensor, Answer]
"""An answer that is being written: it says what it wants, is sent the logits, and returns when it is whole."""


def write(give: Callable[[Want], Tensor], writing: Writing) -> Answer:
    """The whole answer, by the logits that `give` gives."""
    try:
        want = next(writing)
        while True:
            want = writing.send(give(want))
    except StopIteration as end:
        said: Answer = end.value
        return said


def guided(guide: Guide, *, eos: Set[int], limit: int, halted: Callable[[Sequence[int]], bool]) -> Writing:
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
                index, chance = choose((yield Want(tokens, guide, rows)))
            new = (int(rows[index]),)
        guide.take(new)
        tokens += new
        logprobs += [chance] * len(new)
        stop = _ended(tokens, guide, eos, limit)
        if halted(tokens[:limit]) and stop is None:
            stop = "stop"
    return Answer(tuple(tokens[:limit]), tuple(logprobs[:limit]), stop)


def free(*, eos: Set[int], limit: int, halted: Callable[[Sequence[int]], bool]) -> Writing:
    """Write the likeliest tokens of all; the first comes right behind what was read."""
    row = Row()
    while row.stop is None:
        row.write(*choose((yield Want(row.tokens))), eos, halted, limit)
    return Answer(tuple(row.tokens), tuple(row.logprobs), row.stop)


def _ended(tokens: Sequence[int], guide: Guide, eos: Set[int], limit: int) -> Stop | None:
    if len(tokens) > limit:
        return "length"
    if tokens[-1] in eos:
        return "eos"
    if guide.done:
        return "stop"
    return "length" if len(tokens) == limit else None
