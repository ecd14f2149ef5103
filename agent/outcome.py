"""What a run came to: its outcome, and the exit code that says so."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar

from pydantic import BaseModel, JsonValue

from agent.expect import Verdict
from agent.step import Stop, Trajectory

M = TypeVar("M", bound=BaseModel)

BAD_USAGE = 2
"""Exit code of a bad command or script: nothing was started."""

SUCCESS = 0.99
"""A raw reward above this is success; MiniWoB++ gives exactly 1 for a task solved in time."""


class Outcome(StrEnum):
    """How a run or replay ended, from best to worst."""

    VERIFIED = "verified"
    """Every expectation holds, or the environment itself says success."""
    UNVERIFIED = "unverified"
    """Finished, and nothing was stated that could tell whether it is right."""
    STOPPED = "stopped"
    """By a budget, a loop or a person."""
    FAILED = "failed"
    """Finished, and an expectation does not hold, or the policy said failure."""
    BROKEN = "broken"
    """The environment or the model broke."""

    @property
    def code(self) -> int:
        """The exit code of the command line."""
        codes = {
            Outcome.VERIFIED: 0,
            Outcome.FAILED: 1,
            Outcome.UNVERIFIED: 3,
            Outcome.STOPPED: 4,
            Outcome.BROKEN: 5,
        }
        return codes[self]


def _nothing() -> Mapping[str, JsonValue]:
    return MappingProxyType({})


@dataclass(frozen=True)
class LegResult:
    """A step of a script and what came of it; one that was not begun has no outcome."""

    name: str
    outcome: Outcome | None = None
    stop: Stop | None = None
    verdicts: tuple[Verdict, ...] = ()
    seconds: float = 0.0


@dataclass(frozen=True)
class Result:
    """A run and what it came to; `folder` is its record, where one was kept."""

    trajectory: Trajectory
    outcome: Outcome
    verdicts: tuple[Verdict, ...] = ()
    folder: Path | None = None
    values: Mapping[str, JsonValue] = field(default_factory=_nothing)
    """What was extracted, by its names."""
    legs: tuple[LegResult, ...] = ()
    """The steps of the script, where it has several."""
    attempt: int = 1
    """How often it was begun until it came to this."""

    @property
    def flaky(self) -> bool:
        """Whether it was verified, but not at once."""
        return self.attempt > 1 and self.outcome is Outcome.VERIFIED

    @property
    def seconds(self) -> float:
        """What its steps took, of the policy and of the environment."""
        return sum(step.timings.get(part, 0.0) for step in self.trajectory.steps for part in ("policy", "env"))

    def read(self, model: type[M]) -> M:
        """What was extracted, as `model`. pydantic's ValidationError where it is of another form."""
        return model.model_validate_json(json.dumps(dict(self.values)))

    @property
    def stop(self) -> Stop:
        """Why it ended."""
        return self.trajectory.stop

    @property
    def answers(self) -> tuple[str, ...]:
        """What the policy told the user."""
        return self.trajectory.answers


def judge(trajectory: Trajectory, verdicts: Sequence[Verdict]) -> Outcome:
    """The outcome of an episode whose expectations came out as `verdicts`."""
    reason, finish, reward = trajectory.stop.reason, trajectory.finish, trajectory.reward
    if reason in ("environment", "model", "error"):
        return Outcome.BROKEN
    if reason in ("steps", "seconds", "tokens", "loop", "person"):
        return Outcome.STOPPED
    if finish is not None and not finish.success:
        return Outcome.FAILED
    return weigh(verdicts, reward)


def weigh(verdicts: Sequence[Verdict], reward: float | None) -> Outcome:
    """The outcome of what has finished: by its expectations, and by the environment's own reward."""
    signs = [verdict.held for verdict in verdicts]
    if reward is not None:
        signs.append(reward > SUCCESS)
    if not signs:
        return Outcome.UNVERIFIED
    return Outcome.VERIFIED if all(signs) else Outcome.FAILED


def worst(outcomes: Iterable[Outcome]) -> Outcome:
    """The one that a person has to know of first."""
    order = list(Outcome)
    return max(outcomes, key=order.index)
