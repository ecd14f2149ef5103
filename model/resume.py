"""Decoding behind a session: the prompt's new part is read, and each token written stays read."""

from __future__ import annotations

from collections.abc import Callable, Sequence, Set
from dataclasses import replace

from torch import Tensor

from model.generate import Output, Prompt, Row, choose
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
    looking, row = session.looking, Row()
    prefilled, forwards = session.counts.prefilled_tokens, session.counts.forwards
    times = [session.clock()]
    logits = session.read(prompt, shared=shared)
    row.write(*choose(logits), eos, halted, limit)
    times.append(session.clock())
    while row.stop is None:
        row.write(*choose(session.feed(row.tokens[-1:])), eos, halted, limit)
    times.append(session.clock())
    vision = session.looking - looking
    timings = {"vision": vision, "prefill": times[1] - times[0] - vision, "decode": times[2] - times[1]}
    new, passes = session.counts.prefilled_tokens - prefilled, session.counts.forwards - forwards
    return Output(tuple(row.tokens), tuple(row.logprobs), row.stop, timings, passes, new)


class Waiting:
    """A prompt that a session will read together with the first tokens that are fed: in one forward.

    `read` is the time at which that was done.
    """

    def __init__(self, session: Session, prompt: Prompt, *, shared: int = 0) -> None:
        self.session, self.shared = session, shared
        self.prompt: Prompt | None = prompt
        self.read: float | None = None

    def feed(self, tokens: Sequence[int], rows: Tensor | None = None) -> Tensor:
        """Logits [V], or [R] of the tokens `rows` alone, behind `tokens`, of which the first may be none at all."""
        if self.prompt is None:
            return self.session.feed(tokens, rows)
        whole = replace(self.prompt, tokens=(*self.prompt.tokens, *tokens))
        logits = self.session.read(whole, shared=self.shared, rows=rows)
        self.prompt, self.read = None, self.session.clock()
        return logits
