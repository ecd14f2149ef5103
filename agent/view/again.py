"""The replays of a run as their reports tell of them, and the screen on which each parted from the record."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from agent.reader import Run
from agent.schema import Look
from agent.view.album import Album, Shot, shoot
from agent.view.card import look_at
from env.observation import Box


class Parted(BaseModel):
    """Where a replay met another screen than the recorded one; what else a report says of it is left out."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    step: int
    when: str
    pixels: int
    box: Box
    actual: str = Field(pattern=r"^[A-Za-z0-9_-]+\.png$")


class Told(BaseModel):
    """What every kind of replay tells."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    outcome: str
    detail: str
    steps: int
    actions: int
    difference: Parted | None = None


@dataclass(frozen=True)
class Again:
    """One replay as it is shown; `recorded` and `actual` are the screens that differ, where any do."""

    name: str
    outcome: str
    detail: str
    step: int | None = None
    box: Box | None = None
    recorded: Shot | None = None
    actual: Shot | None = None


def agains(album: Album, run: Run) -> tuple[Again, ...]:
    """The replays of `run`, oldest first; one whose report is unfinished or of another kind is named and no more."""
    reports = sorted((run.folder / "replays").glob("*/report.json"))
    return tuple(_again(album, run, report) for report in reports)


def _again(album: Album, run: Run, report: Path) -> Again:
    name = report.parent.name
    try:
        told = Told.model_validate_json(report.read_bytes())
    except (OSError, ValidationError) as error:
        return Again(name, "unknown", f"its report cannot be read: {str(error).splitlines()[0]}")
    parted = told.difference
    look = _look(run, parted) if parted else None
    if parted is None or look is None:
        return Again(name, told.outcome, told.detail)
    recorded = look_at(album, run, look)
    actual = shoot(album, report.parent / parted.actual, (recorded.width, recorded.height))
    return Again(name, told.outcome, told.detail, parted.step, parted.box, recorded, actual)


def _look(run: Run, parted: Parted) -> Look | None:
    """The recorded look that a replay did not find again."""
    if not 1 <= parted.step <= len(run.lines):
        return None
    line = run.lines[parted.step - 1]
    return line.after if parted.when == "after" else line.before
