"""How well a policy does: seeded MiniWoB++ episodes by real clicks and keys, with an interval around the score."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from agent.limits import Limits
from agent.outcome import SUCCESS
from agent.perform import Job, perform
from agent.policy import Policy
from agent.step import Step
from env import MiniWoB, Task

STEPS = 10
"""Actions after which an episode is given up."""


@dataclass(frozen=True)
class Mark:
    """How one episode went. `first` tells whether its first action was right, and so reading from guessing."""

    task: str
    seed: int
    success: bool
    first: bool
    steps: int
    seconds: float
    stop: str


@dataclass
class Judge:
    """Looks over the agent's shoulder: was its first action one that the oracle would take?"""

    env: MiniWoB
    first: bool = False

    def __call__(self, step: Step) -> None:
        """Called with each step before its action is carried out."""
        if step.index == 1:
            expected = self.env.solve()
            self.first = expected is not None and step.action is not None and expected.accepts(step.action)


def evaluate(
    env: MiniWoB,
    policy: Policy,
    tasks: Sequence[str],
    episodes: int,
    seed: int,
    *,
    clock: Callable[[], float] = time.perf_counter,
) -> Iterator[Mark]:
    """Play `episodes` of each task, seeds `seed`, `seed` + 1, ..., and yield a mark for each."""
    for task in tasks:
        for number in range(episodes):
            judge = Judge(env)
            job = Job(Task(start=task, seed=seed + number), Limits(steps=STEPS, repeats=None))
            began = clock()
            result = perform(env, policy, job, decided=judge)
            trajectory = result.trajectory
            yield Mark(
                task,
                seed + number,
                success=(trajectory.reward or 0.0) > SUCCESS,
                first=judge.first,
                steps=len(trajectory.steps),
                seconds=clock() - began,
                stop=trajectory.stop.reason,
            )


def summary(marks: Sequence[Mark], model: str) -> dict[str, object]:
    """The scores as `handeye eval miniwob --json` prints them; success is the mean over tasks."""
    by_task: dict[str, list[Mark]] = {}
    for mark in marks:
        by_task.setdefault(mark.task, []).append(mark)
    low, high = interval([[mark.success for mark in group] for group in by_task.values()])
    return {
        "suite": "miniwob",
        "episodes": len(marks),
        "success": round(_mean([_mean([m.success for m in group]) for group in by_task.values()]), 4),
        "first_action_correct": round(_mean([_mean([m.first for m in group]) for group in by_task.values()]), 4),
        "tasks": {task: _scores(group) for task, group in by_task.items()},
        "model": model,
        "confidence": [round(low, 4), round(high, 4)],
        "broken": sum(mark.stop in ("environment", "model", "error") for mark in marks),
    }


def _scores(group: Sequence[Mark]) -> Mapping[str, float]:
    steps = sum(mark.steps for mark in group)
    return {
        "success": round(_mean([mark.success for mark in group]), 4),
        "first_action_correct": round(_mean([mark.first for mark in group]), 4),
        "steps": round(steps / len(group), 2),
        "seconds_per_step": round(sum(mark.seconds for mark in group) / max(steps, 1), 3),
    }


def interval(groups: Sequence[Sequence[bool]], draws: int = 2000) -> tuple[float, float]:
    """95 % bootstrap interval of the mean of group means; episodes are redrawn within each group."""
    random = np.random.default_rng(0)
    means = [np.asarray(g, dtype=float)[random.integers(len(g), size=(draws, len(g)))].mean(1) for g in groups]
    low, high = np.percentile(np.mean(means, axis=0), [2.5, 97.5])
    return float(low), float(high)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
