"""How long an episode may go on."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from agent.step import Step, Stop
from env import Image


@dataclass(frozen=True)
class Limits:
    """Budgets of one episode; None is no limit."""

    steps: int | None = 30
    seconds: float | None = 600.0
    tokens: int | None = None
    """Prompt and completion tokens of all steps together."""
    repeats: int | None = 3
    """The same action this often on a screen that did not change is a loop."""
    recoveries: int | None = 2
    """How often the episode may go on with a fresh screen after one that broke."""
    clock: Callable[[], float] = time.monotonic

    def stop(self, history: Sequence[Step], began: float) -> Stop | None:
        """Why no further step is allowed, or None; `began` is the clock at the start."""
        if self.steps is not None and len(history) >= self.steps:
            return Stop("steps", f"all {self.steps} steps used")
        if self.seconds is not None and self.clock() - began >= self.seconds:
            return Stop("seconds", f"all {self.seconds:g} seconds used")
        spent = sum(step.reply.usage.total for step in history)
        if self.tokens is not None and spent >= self.tokens:
            return Stop("tokens", f"{spent} of {self.tokens} tokens used")
        if self.repeats is not None and stuck(history, self.repeats):
            return Stop("loop", f"the same action {self.repeats} times on a screen that does not change")
        return None

    def mend(self, history: Sequence[Step]) -> bool:
        """Whether the episode may go on with a fresh screen, where one breaks now."""
        return self.recoveries is None or sum(step.recovered for step in history) < self.recoveries


def stuck(history: Sequence[Step], repeats: int) -> bool:
    """Whether the last `repeats` steps did the same thing and the screen never changed."""
    last = history[-repeats:]
    if len(last) < repeats or len({_deed(step) for step in last}) != 1:
        return False
    first = last[0].before.screenshot
    screens = [look.screenshot for step in last for look in (step.before, step.after) if look]
    return all(_same(first, screen) for screen in screens)


def _deed(step: Step) -> str:
    return step.action.model_dump_json() if step.action else step.reply.text


def _same(one: Image, other: Image) -> bool:
    return one is other or (one.shape == other.shape and bool((one == other).all()))
