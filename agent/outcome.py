"""What a run came to: its outcome, and the exit code that says so."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from agent.expect import Verdict
from agent.step import Stop, Trajectory

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


@dataclass(frozen=True)
class Result:
    """A run and what it came to; `folder` is its record, where one was kept."""

    trajectory: Trajectory
    outcome: Outcome
    verdicts: tuple[Verdict, ...] = ()
    folder: Path | None = None

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
