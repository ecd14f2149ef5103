"""What an evaluation is of: FOLDER/eval.json."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict

from agent.evaluate.judged import Judged
from agent.evaluate.mark import Mark
from agent.evaluate.score import final, sheet, summary
from agent.evaluate.sheet import Sheet
from agent.schema import ModelEntry

M = TypeVar("M", bound=Judged)


class Order(BaseModel, ABC, Generic[M]):
    """What was asked for, and of whom; how its marks are read, and what they come to."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Literal[1] = 1
    suite: str
    model: ModelEntry
    options: tuple[str, ...] = ()
    """What else was said of the model, as NAME=VALUE."""
    versions: dict[str, str]

    @property
    def file(self) -> str:
        """Where its marks are kept."""
        return "marks.jsonl"

    @property
    def subject(self) -> Mapping[str, str]:
        """What marks are of, by its names: those of what has another value are never mixed in, nor compared."""
        return {}

    @property
    def facts(self) -> tuple[str, ...]:
        """What else is known of who was evaluated, for people."""
        weights = f"Weights: {self.model.hash}. " if self.model.hash else ""
        said = f"With {', '.join(self.options)}. " if self.options else ""
        known = ", ".join(f"{name} {version}" for name, version in self.versions.items())
        return (f"{said}{weights}Versions: {known}.",)

    @abstractmethod
    def read(self, line: bytes) -> M:
        """The mark of a line. Raises `ValidationError`."""

    @abstractmethod
    def final(self, marks: Iterable[M]) -> tuple[M, ...]:
        """The last mark of each thing that is asked for, in order."""

    @abstractmethod
    def summary(self, marks: Sequence[M]) -> Mapping[str, object]:
        """The scores as `--json` prints them."""

    @abstractmethod
    def sheet(self, marks: Sequence[M]) -> Sheet:
        """The same for people."""


class LeftOut(BaseModel):
    """What could not be used, and why."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    place: str
    why: str

    def __str__(self) -> str:
        return f"{self.place}: {self.why}"


class Asked(Order[Mark]):
    """Episodes. Suite, tasks and numbers are those of the last call; who is evaluated never changes."""

    kind: Literal["episodes"] = "episodes"
    tasks: tuple[str, ...]
    episodes: int
    seed: int

    @property
    def file(self) -> str:
        """Where its marks are kept."""
        return "episodes.jsonl"

    def holds(self, mark: Mark) -> bool:
        """Whether the seed of this episode is among those that it asks for."""
        return self.seed <= mark.seed < self.seed + self.episodes

    def read(self, line: bytes) -> Mark:
        """The mark of a line."""
        return Mark.model_validate_json(line)

    def final(self, marks: Iterable[Mark]) -> tuple[Mark, ...]:
        """The last mark of each episode that is asked for, tasks in their order."""
        return final([mark for mark in marks if self.holds(mark)], self.tasks)

    def summary(self, marks: Sequence[Mark]) -> Mapping[str, object]:
        """The scores as `handeye eval miniwob --json` prints them."""
        return summary(marks, self.model.name, self.suite)

    def sheet(self, marks: Sequence[Mark]) -> Sheet:
        """The same for people."""
        asked = f"Asked: seeds from {self.seed}, {self.episodes} of each task."
        return sheet(marks, self.model.name, self.suite, (asked, *self.facts))
