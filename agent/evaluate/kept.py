"""An evaluation on disk: FOLDER/eval.json says what was asked for, a line of a second file how each thing went."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Generic, NamedTuple, Self, TypeAlias, TypeVar

from pydantic import ValidationError

from agent.evaluate.ground.mark import Pointed
from agent.evaluate.ground.order import Pointing
from agent.evaluate.judged import Judged, Keyed
from agent.evaluate.mark import Mark
from agent.evaluate.order import Asked, Order
from agent.evaluate.sheet import Sheet
from agent.evaluate.steps.mark import Matched
from agent.evaluate.steps.order import Matching
from agent.record import replace

PLAN = "eval.json"

M = TypeVar("M", bound=Judged)
K = TypeVar("K", bound=Keyed)


class EvaluationError(ValueError):
    """A folder that holds no evaluation, or one of something else."""


class Evaluation(NamedTuple, Generic[M]):
    """What was asked for, and the final marks of that."""

    asked: Order[M]
    marks: tuple[M, ...]

    @property
    def sheet(self) -> Sheet:
        """It as people are shown it; there has to be a mark."""
        return self.asked.sheet(self.marks)


AnyEvaluation: TypeAlias = Evaluation[Mark] | Evaluation[Pointed] | Evaluation[Matched]


class Kept(Generic[M]):
    """The marks of one evaluation, appended as they come; what lies there already need not be played again.

    A last line that was cut off is taken away. Raises `EvaluationError` where the folder is another model's.
    """

    def __init__(self, folder: Path, asked: Order[M]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        if (folder / PLAN).exists():
            _same(folder, asked)
        replace(folder / PLAN, asked.model_dump_json(indent=1).encode() + b"\n")
        path = folder / asked.file
        whole = _whole(path)
        self.asked = asked
        self.marks: list[M] = _marks(path, whole, asked)
        self._file: BinaryIO = path.open("ab")
        self._file.truncate(len(whole))

    def missing(self, chances: Sequence[K]) -> tuple[K, ...]:
        """Those of `chances` that were not played yet, or that broke."""
        done = {mark.key for mark in self.marks if not mark.broken}
        return tuple(chance for chance in chances if chance.key not in done)

    @property
    def final(self) -> tuple[M, ...]:
        """The last mark of each thing that is asked for."""
        return self.asked.final(self.marks)

    def add(self, mark: M) -> None:
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


def read_evaluation(folder: Path) -> AnyEvaluation:
    """What was asked for, and the final marks of that, in order. Raises `EvaluationError`."""
    match _asked(folder):
        case Pointing() as asked:
            return _evaluation(folder, asked)
        case Matching() as asked:
            return _evaluation(folder, asked)
        case asked:
            return _evaluation(folder, asked)


def _evaluation(folder: Path, asked: Order[M]) -> Evaluation[M]:
    path = folder / asked.file
    return Evaluation(asked, asked.final(_marks(path, _whole(path), asked)))


def _asked(folder: Path) -> Asked | Pointing | Matching:
    try:
        data = (folder / PLAN).read_bytes()
        found = json.loads(data)
        match found.get("kind") if isinstance(found, dict) else None:
            case "ground":
                return Pointing.model_validate_json(data)
            case "steps":
                return Matching.model_validate_json(data)
        return Asked.model_validate_json(data)
    except OSError as error:
        raise EvaluationError(f"{folder}: no evaluation: {error}") from error
    except ValueError as error:
        raise EvaluationError(f"{folder / PLAN}: {error}") from error


def _same(folder: Path, asked: Order[M]) -> None:
    """Whether the same is asked of the same model; what nobody could tell of one that was not reached is let be."""
    kept = _asked(folder)
    if type(kept) is not type(asked):
        raise EvaluationError(f"{folder} holds an evaluation of {kept.kind}: choose another")
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
            f"{folder} holds an evaluation with the options {', '.join(kept.options) or 'none'}, "
            f"not {', '.join(asked.options) or 'none'}: choose another"
        )
    if clash := _clash(kept.subject, asked.subject):
        raise EvaluationError(f"{folder} holds an evaluation with {clash}: choose another")


def different(one: AnyEvaluation, other: AnyEvaluation) -> str:
    """Why two evaluations cannot be compared; empty where they can."""
    if type(one.asked) is not type(other.asked):
        return "they are evaluations of different kinds"
    clash = _clash(one.asked.subject, other.asked.subject)
    return f"they are not of the same: {clash}" if clash else ""


def _clash(one: Mapping[str, str], other: Mapping[str, str]) -> str:
    """The first name that both have and do not agree on; empty where they do."""
    for name in one:
        if name in other and one[name] != other[name]:
            return f"{name} {one[name]!r}, not {other[name]!r}"
    return ""


def _whole(path: Path) -> bytes:
    """All complete lines; none where there is no file yet."""
    data = path.read_bytes() if path.exists() else b""
    return data[: data.rfind(b"\n") + 1]


def _marks(path: Path, lines: bytes, asked: Order[M]) -> list[M]:
    marks = []
    for number, line in enumerate(lines.splitlines(), 1):
        try:
            marks.append(asked.read(line))
        except ValidationError as error:
            raise EvaluationError(f"{path}, line {number}: {error}") from error
    return marks
