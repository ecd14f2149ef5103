"""How one episode went, as it is kept: one JSON object a line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import Field

from agent.evaluate.judged import Judged, Key
from env.miniwob.suites import budget


@dataclass(frozen=True)
class Chance:
    """An episode that is to be played: its seed makes it up, and after `steps` actions it is given up."""

    task: str
    seed: int
    steps: int

    @property
    def key(self) -> Key:
        """What tells it from the others of an evaluation."""
        return self.task, self.seed


class Mark(Judged):
    """How one episode went. `first` tells whether its first action was right, and so reading from guessing."""

    task: str
    seed: int = Field(ge=0)
    first: bool | None = None
    """None where nobody knows the answers of the task."""
    steps: int = Field(ge=0)

    @property
    def key(self) -> Key:
        """What tells its episode from the others of an evaluation."""
        return self.task, self.seed

    @property
    def label(self) -> dict[str, str | int]:
        """Its task and its seed."""
        return {"task": self.task, "seed": self.seed}

    @property
    def groups(self) -> tuple[str, ...]:
        """Its task."""
        return (self.task,)

    @property
    def stratum(self) -> str:
        """Its task: tasks weigh the same, however many episodes of them there are."""
        return self.task

    @property
    def unit(self) -> Key:
        """The episode alone: seeds know nothing of each other."""
        return self.key

    @property
    def ended(self) -> str:
        """Why it ended."""
        return self.stop


def plan(tasks: Sequence[str], episodes: int, seed: int) -> tuple[Chance, ...]:
    """`episodes` of each task, seeds `seed`, `seed` + 1, ..., with as many steps as the task is given."""
    return tuple(Chance(task, seed + number, budget(task)) for task in tasks for number in range(episodes))
