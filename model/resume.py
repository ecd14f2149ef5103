"""Decoding behind sessions: a prompt's new part is read, and each token written stays read."""

from __future__ import annotations

from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from model import together
from model.ahead import Ahead, Copy, spare
from model.constrained import Answer, Want, Writing, free, guided, write
from model.fan import Line
from model.generate import Output, Prompt
from model.grammar import Guide
from model.session import Reading, Session

Halted = Callable[[Sequence[int]], bool]


def never(tokens: Sequence[int]) -> bool:
    """Halts nothing."""
    return False


@dataclass(frozen=True)
class Asked:
    """One of several prompts that are answered side by side, each behind a session of its own."""

    session: Session
    prompt: Prompt
    limit: int
    guide: Guide | None = None
    halted: Halted = never
    shared: int = 0

    def writing(self, eos: Set[int]) -> Writing:
        """The answer to be; ValueError for a limit that allows none."""
        if self.limit < 1:
            raise ValueError(f"limit {self.limit}; expected a limit above 0")
        if self.guide is None:
            return free(eos=eos, limit=self.limit, halted=self.halted)
        return guided(self.guide, eos=eos, limit=self.limit, halted=self.halted)


def resume(
    session: Session, prompt: Prompt, *, eos: Set[int], limit: int, halted: Halted = never, shared: int = 0
) -> Output:
    """What `generate` writes, of which `session` reads what it has not read; `shared` as `Session.read` takes it.

    Raises what `generate` raises. Where `halted` raises, the session stands behind what was written until then.
    """
    return resume_one(Asked(session, prompt, limit, None, halted, shared), eos=eos)


def resume_guided(
    session: Session,
    prompt: Prompt,
    guide: Guide,
    *,
    eos: Set[int],
    limit: int,
    halted: Halted = never,
    shared: int = 0,
) -> Output:
    """As `resume`, under a grammar; the prompt is read along with what is forced in front."""
    return resume_one(Asked(session, prompt, limit, guide, halted, shared), eos=eos)


def resume_one(asked: Asked, *, eos: Set[int]) -> Output:
    """The same for one, of whatever kind."""
    writing, begun = asked.writing(eos), Begun.at(asked.session)
    waiting = Waiting(asked.session, asked.prompt, shared=asked.shared)
    give = waiting.give
    if asked.guide is not None:
        give = Ahead(waiting, Copy(asked.prompt), spare(asked.session.network)).logits
    said = write(give, writing)
    vision = asked.session.looking - begun.looking
    return begun.output(asked.session, said, waiting, ended=asked.session.clock(), vision=vision)


def resume_batch(asked: Sequence[Asked], *, eos: Set[int]) -> list[Output]:
    """The same for several sessions of one network, all that have not ended in one forward.

    Each writes what it would write alone; nothing is read ahead. A beginning that several share and none has read is
    read once, in a forward of its own. All share the times of what is done for all.
    """
    writings = [one.writing(eos) for one in asked]
    begun = [Begun.at(one.session) for one in asked]
    together.begin([one.session for one in asked], [one.prompt.tokens[: one.shared] for one in asked])
    waiting = [Waiting(one.session, one.prompt, shared=one.shared) for one in asked]
    said: dict[int, tuple[Answer, float]] = {}
    sent: dict[int, Tensor | None] = dict.fromkeys(range(len(asked)))
    while sent:
        wants: dict[int, Want] = {}
        for number, logits in sent.items():
            try:
                wants[number] = next(writings[number]) if logits is None else writings[number].send(logits)
            except StopIteration as end:
                said[number] = end.value, asked[number].session.clock()
        readings = [waiting[number].prepare(want.tokens) for number, want in wants.items()]
        rows = [want.rows for want in wants.values()]
        sent = dict(zip(wants, together.read(readings, rows), strict=True)) if readings else {}
        for number in wants:
            waiting[number].was_read()
    looking = sum(one.session.looking - start.looking for one, start in zip(asked, begun, strict=True))
    return [
        start.output(one.session, said[number][0], wait, ended=said[number][1], vision=looking)
        for number, (one, start, wait) in enumerate(zip(asked, begun, waiting, strict=True))
    ]


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

    def output(self, session: Session, said: Answer, waiting: Waiting, *, ended: float, vision: float) -> Output:
        """The answer that has ended, with `vision` seconds spent on pictures."""
        counts, read = session.counts, ended if waiting.read is None else waiting.read
        timings = {"vision": vision, "prefill": read - self.started - vision, "decode": ended - read}
        new, passes = counts.prefilled_tokens - self.prefilled - waiting.ahead, counts.forwards - self.forwards
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
        self._given = 0

    def feed(self, tokens: Sequence[int], fan: Sequence[Line] = ()) -> Tensor:
        """States behind `tokens`, of which the first may be none at all; no fan with those."""
        if self.prompt is None:
            return self.session.run(self.session.prepare_feed(tokens, fan))
        assert not fan
        config = self.session.config
        words = () if {config.image_token_id, config.video_token_id} & set(tokens) else tuple(tokens)
        states = self.session.run(self._whole(self.prompt, words))[-len(words) - 1 :]
        self.was_read()
        if len(words) < len(tokens):  # one that would stand for a picture is a word here, and read by itself
            return torch.cat((states, self.session.run(self.session.prepare_feed(tokens))))
        return states

    def forget(self, count: int) -> None:
        """Stand `count` tokens further back."""
        self.session.rewind(self.session.length - count)

    def logits(self, states: Tensor, rows: Tensor | None = None) -> Tensor:
        """Logits of `states`, of all tokens or of `rows` alone."""
        return self.session.logits(states, rows)

    def give(self, want: Want) -> Tensor:
        """What is wanted, with nothing read ahead."""
        new, self._given = want.tokens[self._given :], len(want.tokens)
        return self.logits(self.feed(new)[-1], want.rows)

    def prepare(self, tokens: Sequence[int]) -> Reading:
        """What has to be read to stand behind `tokens`, for `together.read`; `was_read` is to be told after it."""
        new, self._given = tokens[self._given :], len(tokens)
        if self.prompt is None:
            return self.session.prepare_feed(new)
        return self._whole(self.prompt, new)

    def was_read(self) -> None:
        """Wait no longer."""
        if self.prompt is not None:
            self.prompt, self.read = None, self.session.clock()

    def _whole(self, prompt: Prompt, tokens: Sequence[int]) -> Reading:
        self.ahead = len(tokens)
        whole = replace(prompt, tokens=(*prompt.tokens, *tokens))
        return self.session.prepare(whole, shared=self.shared, last=len(tokens) + 1)
