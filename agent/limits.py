"""How long an episode may go on."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from agent.loops import Trail
from agent.step import Step, Stop


@dataclass(frozen=True)
class Limits:
    """Budgets of one episode; None is no limit."""

    steps: int | None = 30
    seconds: float | None = 600.0
    tokens: int | None = None
    """Prompt and completion tokens of all steps together."""
    repeats: int | None = 3
    """The same action this often on a screen that did not change is a loop, and so are two or three in turn."""
    recoveries: int | None = 2
    """How often the episode may go on with a fresh screen after one that broke."""
    clock: Callable[[], float] = time.monotonic

    def stop(self, history: Sequence[Step], began: float, trail: Trail) -> Stop | None:
        """Why no further step is allowed, or None; `began` is the clock at the start.

        `history` are the steps that count; where an episode goes on after others, it may take one before it is a loop.
        """
        if self.steps is not None and len(history) >= self.steps:
            return Stop("steps", f"all {self.steps} steps used")
        if self.seconds is not None and self.clock() - began >= self.seconds:
            return Stop("seconds", f"all {self.seconds:g} seconds used")
        spent = sum(step.reply.usage.total for step in history)
        if self.tokens is not None and spent >= self.tokens:
            return Stop("tokens", f"{spent} of {self.tokens} tokens used")
        cycle = trail.cycle() if history else None
        if self.repeats is not None and cycle is not None and cycle.times >= self.repeats:
            return Stop("loop", str(cycle))
        return None

    def warning(self, trail: Trail) -> str:
        """What to say of a loop that will be the end of the episode if it goes on once more; empty where none will."""
        cycle = trail.cycle()
        if self.repeats is None or cycle is None or cycle.times < self.repeats - 1:
            return ""
        return f"You did {cycle}. Do something else, or finish."

    def mend(self, history: Sequence[Step]) -> bool:
        """Whether the episode may go on with a fresh screen, where one breaks now."""
        return self.recoveries is None or sum(step.recovered for step in history) < self.recoveries
