"""Greedy decoding behind a session: the prompt's new part is read, and each token written stays read."""

from __future__ import annotations

from collections.abc import Callable, Sequence, Set

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
    looking, prefilled, row = session.looking, session.counts.prefilled_tokens, Row()
    times = [session.clock()]
    logits = session.read(prompt, shared=shared)
    row.write(*choose(logits), eos, halted, limit)
    times.append(session.clock())
    while row.stop is None:
        row.write(*choose(session.feed(row.tokens[-1:])), eos, halted, limit)
    times.append(session.clock())
    vision = session.looking - looking
    timings = {"vision": vision, "prefill": times[1] - times[0] - vision, "decode": times[2] - times[1]}
    new = session.counts.prefilled_tokens - prefilled
    return Output(tuple(row.tokens), tuple(row.logprobs), row.stop, timings, new)
