"""How one episode went, as it is kept: one JSON object a line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field

from agent.step import StopReason
from env.miniwob.suites import budget

BROKEN: frozenset[StopReason] = frozenset({"environment", "model", "error"})
"""Ends that are no fault of the agent: its screen, its model or its worker broke."""


@dataclass(frozen=True)
class Chance:
    """An episode that is to be played: its seed makes it up, and after `steps` actions it is given up."""

    task: str
    seed: int
    steps: int

    @property
    def key(self) -> tuple[str, int]:
        """What tells it from the others of an evaluation."""
        return self.task, self.seed


class Mark(BaseModel):
    """How one episode went. `first` tells whether its first action was right, and so reading from guessing."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    task: str
    seed: int = Field(ge=0)
    success: bool
    first: bool | None = None
    """None where nobody knows the answers of the task."""
    steps: int = Field(ge=0)
    seconds: float = Field(ge=0)
    prompt_tokens: int = Field(default=0, ge=0)
    image_tokens: int = Field(default=0, ge=0)
    completion_tokens: int = Field(default=0, ge=0)
    stop: StopReason
    detail: str = ""
    attempt: int = Field(default=1, ge=1)
    """2 and more for what was begun anew, as it had broken before."""

    @property
    def key(self) -> tuple[str, int]:
        """What tells its episode from the others of an evaluation."""
        return self.task, self.seed

    @property
    def broken(self) -> bool:
        """Whether it failed for reasons of ours."""
        return self.stop in BROKEN


def plan(tasks: Sequence[str], episodes: int, seed: int) -> tuple[Chance, ...]:
    """`episodes` of each task, seeds `seed`, `seed` + 1, ..., with as many steps as the task is given."""
    return tuple(Chance(task, seed + number, budget(task)) for task in tasks for number in range(episodes))
