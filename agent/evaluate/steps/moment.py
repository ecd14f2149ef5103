"""Recorded steps as a model is shown them: the true past, the screen, and what was done on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from actions import Action, ActionError, ActionSpace, Dialect, Frame
from agent.evaluate.judged import Key
from agent.evaluate.order import LeftOut
from agent.evaluate.steps.match import Truth
from agent.policy import Policy
from agent.step import Reply, Step
from env import Observation


@dataclass(frozen=True)
class Ask:
    """A step that is to be judged."""

    run: str
    step: int
    instruction: str
    recorded: Action
    first: bool

    @property
    def key(self) -> Key:
        """What tells it from the others."""
        return self.run, self.step


@dataclass(frozen=True)
class Moment:
    """All that belongs to such a step, pictures too."""

    past: tuple[Step, ...]
    seen: Observation
    truth: Truth
    space: ActionSpace


class Source(Protocol):
    """A recorded run."""

    @property
    def name(self) -> str:
        """What it is called among the others."""
        ...

    @property
    def digest(self) -> str:
        """SHA-256 of what is recorded, pictures by their names."""
        ...

    @property
    def asks(self) -> Sequence[Ask]:
        """The steps of it that can be judged."""
        ...

    @property
    def left(self) -> Sequence[LeftOut]:
        """The others, and why not."""
        ...

    def moments(self) -> Mapping[int, Moment]:
        """What belongs to each of `asks`, by its number. Raises `RecordError` or `Wrong`."""
        ...


def own(past: Sequence[Step], policy: Policy) -> tuple[Step, ...]:
    """The past as if the model itself had written it: in its own words, in the frames in which it sees the screens."""
    return tuple(_own(step, policy.dialect, policy.frame(step.before)) for step in past)


def _own(step: Step, dialect: Dialect, frame: Frame) -> Step:
    if step.action is None or step.error or not dialect.writes(step.action):
        return step
    try:
        return replace(step, reply=Reply(dialect.print(step.action, frame)), frame=frame)
    except (ActionError, ValueError):
        return step
