"""Read a run folder back, also one whose run was killed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from agent.picture import decode
from agent.schema import Line, RunFile
from env import Image


class RecordError(ValueError):
    """A run folder that cannot be read: which file and line, and what is wrong there."""


@dataclass(frozen=True)
class Run:
    """A run as it stands on disk."""

    folder: Path
    manifest: RunFile
    lines: tuple[Line, ...]
    pending: Line | None
    """The step that was decided and perhaps carried out when the run was killed."""

    def blob(self, screen: str) -> Path:
        """The PNG file of a screen."""
        return self.folder / "blobs" / f"{screen}.png"

    def picture(self, screen: str) -> bytes:
        """The PNG of a screen; `RecordError` where the file is gone."""
        try:
            return self.blob(screen).read_bytes()
        except OSError as error:
            raise RecordError(f"{self.blob(screen)}: {error}") from error

    def screen(self, screen: str) -> Image:
        """The pixels of a screen [height, width, 3]; `RecordError` where the file is gone or no picture."""
        try:
            return decode(self.picture(screen))
        except OSError as error:
            raise RecordError(f"{self.blob(screen)}: {error}") from error


def read_run(folder: Path) -> Run:
    """The run in `folder`, up to its last complete line. Raises `RecordError` where it is no run."""
    try:
        manifest = RunFile.model_validate_json((folder / "run.json").read_bytes())
    except (OSError, ValidationError) as error:
        raise RecordError(f"{folder / 'run.json'}: {error}") from error
    lines = _lines(folder / "steps.jsonl")
    return Run(folder, manifest, lines, _pending(folder / "pending.json", len(lines)))


def _lines(path: Path) -> tuple[Line, ...]:
    if not path.exists():
        return ()
    *whole, _torn = path.read_bytes().split(b"\n")  # what follows the last newline was never finished
    lines = []
    for number, text in enumerate(whole, start=1):
        try:
            line = Line.model_validate_json(text)
        except ValidationError as error:
            raise RecordError(f"{path}:{number}: {error}") from error
        if line.index != number:
            raise RecordError(f"{path}:{number}: holds step {line.index}")
        lines.append(line)
    return tuple(lines)


def _pending(path: Path, known: int) -> Line | None:
    if not path.exists():
        return None
    try:
        line = Line.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise RecordError(f"{path}: {error}") from error
    return line if line.index == known + 1 else None
