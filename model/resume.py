"""Decoding behind a session: the prompt's new part is read, and each token written stays read."""

from __future__ import annotations

from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from model.ahead import Ahead, Copy, spare
from model.constrained import Answer, follow
from model.fan import Line
from model.generate import Output, Prompt, Row, choose
from model.grammar import Guide
from model.session import Session


def resume(
    session: Session,
    prompt: Prompt,
    *,
    eos: Set[int],
    limit: int,
    halted: Callable[[Sequence[int]], bool] = lambda tokens: False,
    shared: int = 0,
) -> Output:
    """What `generate` writes, of which `session` reads what it has not read; `shared` as `Session.read` takes it.

    Raises what `generate` raises. Where `halted` raises, the session stands behind what was written until then.
    """
    if limit < 1:
        raise ValueError(f"limit {limit}; expected a limit above 0")
    begun, row = Begun.at(session), Row()
    row.write(*choose(session.read(prompt, shared=shared)), eos, halted, limit)
    read = session.clock()
    while row.stop is None:
        row.write(*choose(session.feed(row.tokens[-1:])), eos, halted, limit)
    return begun.output(session, Answer(tuple(row.tokens), tuple(row.logprobs), row.stop, 0), read)


def resume_guided(
    session: Session,
    prompt: Prompt,
    guide: Guide,
    *,
    eos: Set[int],
    limit: int,
    halted: Callable[[Sequence[int]], bool] = lambda tokens: False,
    shared: int = 0,
) -> Output:
    """As `resume`, under a grammar; the prompt is read along with what is forced in front."""
    if limit < 1:
        raise ValueError(f"limit {limit}; expected a limit above 0")
    begun, reader = Begun.at(session), Waiting(session, prompt, shared=shared)
    said = follow(Ahead(reader, Copy(prompt), spare(session.network)), guide, eos=eos, limit=limit, halted=halted)
    return begun.output(session, said, reader.read, reader.ahead)


@dataclass(frozen=True)
class Begun:
    """What a session had counted when an answer began, and when that was."""

    started: float
    looking: float
    forwards: int
    prefilled: int

    @classmethod
    def at(cls, session: Session) -> Begun:
        """Now."""
        counts = session.counts
        return cls(session.clock(), session.looking, counts.forwards, counts.prefilled_tokens)

    def output(self, session: Session, said: Answer, read: float | None, ahead: int = 0) -> Output:
        """The answer that ends now, whose prompt had been read at `read` along with `ahead` tokens of the answer."""
        ended, vision, counts = session.clock(), session.looking - self.looking, session.counts
        read = ended if read is None else read
        timings = {"vision": vision, "prefill": read - self.started - vision, "decode": ended - read}
        new, passes = counts.prefilled_tokens - self.prefilled - ahead, counts.forwards - self.forwards
        return Output(said.tokens, said.logprobs, said.stop, timings, passes, new)


class Waiting:
    """A prompt that a session will read together with the first tokens that are fed: in one forward.

    `read` is the time at which that was done, `ahead` the number of those tokens.
    """

    def __init__(self, session: Session, prompt: Prompt, *, shared: int = 0) -> None:
        self.session, self.shared = session, shared
        self.prompt: Prompt | None = prompt
        self.read: float | None = None
        self.ahead = 0

    def feed(self, tokens: Sequence[int], fan: Sequence[Line] = ()) -> Tensor:
        """States behind `tokens`, of which the first may be none at all; no fan with those."""
        if self.prompt is None:
            return self.session.advance(tokens, fan)
        assert not fan
        config = self.session.config
        words = () if {config.image_token_id, config.video_token_id} & set(tokens) else tuple(tokens)
        whole = replace(self.prompt, tokens=(*self.prompt.tokens, *words))
        states = self.session.take(whole, shared=self.shared, last=len(words) + 1)[-len(words) - 1 :]
        self.prompt, self.read, self.ahead = None, self.session.clock(), len(words)
        if len(words) < len(tokens):  # one that would stand for a picture is a word here, and read by itself
            return torch.cat((states, self.session.advance(tokens)))
        return states

    def forget(self, count: int) -> None:
        """Stand `count` tokens further back."""
        self.session.rewind(self.session.length - count)

    def logits(self, states: Tensor, rows: Tensor | None = None) -> Tensor:
        """Logits of `states`, of all tokens or of `rows` alone."""
        return self.session.logits(states, rows)
