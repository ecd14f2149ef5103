"""An evaluation on disk: FOLDER/eval.json says what was asked for, FOLDER/episodes.jsonl how each episode went."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Literal, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from agent.evaluate.mark import Chance, Mark
from agent.evaluate.score import final
from agent.record import replace
from agent.schema import ModelEntry

PLAN, MARKS = "eval.json", "episodes.jsonl"


class EvaluationError(ValueError):
    """A folder that holds no evaluation, or one of something else."""


class Asked(BaseModel):
    """What an evaluation is of. Suite, tasks and numbers are those of the last call; who is evaluated never changes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Literal[1] = 1
    suite: str
    tasks: tuple[str, ...]
    episodes: int
    seed: int
    model: ModelEntry
    options: tuple[str, ...] = ()
    """What else was said of the model, as NAME=VALUE."""
    versions: dict[str, str]

    def holds(self, mark: Mark) -> bool:
        """Whether the seed of this episode is among those that it asks for."""
        return self.seed <= mark.seed < self.seed + self.episodes


class Kept:
    """The marks of one evaluation, appended as they come; what lies there already need not be played again.

    A last line that was cut off is taken away. Raises `EvaluationError` where the folder is another model's.
    """

    def __init__(self, folder: Path, asked: Asked) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        if (folder / PLAN).exists():
            _same(folder, asked)
        replace(folder / PLAN, asked.model_dump_json(indent=1).encode() + b"\n")
        path = folder / MARKS
        whole = _whole(path)
        self.marks: list[Mark] = _marks(path, whole)
        self._file: BinaryIO = path.open("ab")
        self._file.truncate(len(whole))

    def missing(self, chances: Sequence[Chance]) -> tuple[Chance, ...]:
        """Those of `chances` that were not played yet, or that broke."""
        done = {mark.key for mark in self.marks if not mark.broken}
        return tuple(chance for chance in chances if chance.key not in done)

    def add(self, mark: Mark) -> None:
        """Append a mark; it is on disk once this returns."""
        self._file.write(mark.model_dump_json().encode() + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())
        self.marks.append(mark)

    def close(self) -> None:
        """No more marks come."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def read_evaluation(folder: Path) -> tuple[Asked, tuple[Mark, ...]]:
    """What was asked for, and the final marks of that, tasks in their order. Raises `EvaluationError`."""
    asked = _asked(folder)
    path = folder / MARKS
    return asked, final([mark for mark in _marks(path, _whole(path)) if asked.holds(mark)], asked.tasks)


def _asked(folder: Path) -> Asked:
    try:
        return Asked.model_validate_json((folder / PLAN).read_bytes())
    except OSError as error:
        raise EvaluationError(f"{folder}: no evaluation: {error}") from error
    except ValidationError as error:
        raise EvaluationError(f"{folder / PLAN}: {error}") from error


def _same(folder: Path, asked: Asked) -> None:
    """Whether it is the same model that is asked; what nobody could tell of one that was not reached is let be."""
    kept = _asked(folder)
    said = (
        ("model", kept.model.name, asked.model.name),
        ("hash of weights", kept.model.hash, asked.model.hash),
        ("dialect", kept.model.dialect, asked.model.dialect),
    )
    for name, before, now in said:
        if before and now and before != now:
            raise EvaluationError(f"{folder} holds an evaluation with {name} {before!r}, not {now!r}: choose another")
    if kept.options != asked.options:
        raise EvaluationError(
            f"{folder} holds an evaluation with --with {', '.join(kept.options) or 'nothing'}, "
            f"not {', '.join(asked.options) or 'nothing'}: choose another"
        )


def _whole(path: Path) -> bytes:
    """All complete lines; none where there is no file yet."""
    data = path.read_bytes() if path.exists() else b""
    return data[: data.rfind(b"\n") + 1]


def _marks(path: Path, lines: bytes) -> list[Mark]:
    marks = []
    for number, line in enumerate(lines.splitlines(), 1):
        try:
            marks.append(Mark.model_validate_json(line))
        except ValidationError as error:
            raise EvaluationError(f"{path}, line {number}: {error}") from error
    return marks
