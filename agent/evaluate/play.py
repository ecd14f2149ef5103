"""MiniWoB++ episodes by real clicks and keys, one after the other."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from agent.data.episodes import Solving
from agent.evaluate.judged import Judged
from agent.evaluate.mark import Chance, Mark
from agent.limits import Limits
from agent.outcome import SUCCESS
from agent.perform import Job, perform
from agent.policy import Policy
from agent.step import Step, Trajectory
from env import MiniWoB, Task
from env.miniwob import TASKS

C = TypeVar("C")
J = TypeVar("J", bound=Judged)

ATTEMPTS = 3
"""How often an episode is begun, as long as it fails for reasons of ours."""


@dataclass
class Judge:
    """Looks over the agent's shoulder: was its first action one that the oracle would take?"""

    env: Solving
    first: bool | None
    """None where the oracle cannot say."""

    def __call__(self, step: Step) -> None:
        """Called with each step before its action is carried out."""
        if step.index == 1 and self.first is not None:
            expected = self.env.solve()
            self.first = expected is not None and step.action is not None and expected.accepts(step.action)


@dataclass(frozen=True)
class Table:
    """Where episodes are played: a screen and a policy. Ctrl-C travels up, as no episode is to blame for it."""

    env: MiniWoB
    policy: Policy
    clock: Callable[[], float] = time.perf_counter

    def __call__(self, chance: Chance) -> Mark:
        """How the episode of `chance` goes."""
        judge = Judge(self.env, False if chance.task in TASKS else None)
        job = Job(Task(start=chance.task, seed=chance.seed), Limits(steps=chance.steps, repeats=None))
        began = self.clock()
        trajectory = perform(self.env, self.policy, job, decided=judge).trajectory
        if trajectory.stop.reason == "person":
            raise KeyboardInterrupt
        success = (trajectory.reward or 0.0) > SUCCESS
        return marked(chance, trajectory, success, judge.first, self.clock() - began)


def marked(chance: Chance, trajectory: Trajectory, success: bool, first: bool | None, seconds: float) -> Mark:
    """The mark of an episode that went as `trajectory`."""
    used = trajectory.usage
    return Mark(
        task=chance.task,
        seed=chance.seed,
        success=success,
        first=first,
        steps=len(trajectory.steps),
        seconds=round(seconds, 4),
        prompt_tokens=used.prompt_tokens,
        image_tokens=used.image_tokens,
        completion_tokens=used.completion_tokens,
        stop=trajectory.stop.reason,
        detail=trajectory.stop.detail,
    )


def evaluate(play: Callable[[C], J], chances: Sequence[C]) -> Iterator[J]:
    """Play `chances` in turn and yield a mark as each one ends, also of those that broke and are begun anew."""
    for chance in chances:
        for attempt in range(1, ATTEMPTS + 1):
            mark = play(chance).model_copy(update={"attempt": attempt})
            yield mark
            if not mark.broken:
                break
