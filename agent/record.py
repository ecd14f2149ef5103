"""Write a run folder so that a kill at any moment costs nothing that was already known.

RUN/run.json            what was to be done, by whom, and what came of it; replaced in one go
RUN/pending.json        the step that is decided and perhaps being carried out; gone once its line stands
RUN/steps.jsonl         one line a step, on disk before the next action is carried out
RUN/blobs/<sha256>.png  screenshots by content
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar, overload

from pydantic import BaseModel, JsonValue
from pydantic.fields import FieldInfo

from agent.expect import Verdict
from agent.picture import digest, encode
from agent.schema import (
    ChanceEntry,
    Effect,
    Entry,
    EnvironmentEntry,
    FrameEntry,
    Line,
    Look,
    OutcomeName,
    RunFile,
    Said,
    StopEntry,
    Totals,
    UsageEntry,
)
from agent.step import Reply, Step, Stop, added
from env import Image, Observation
from env.secrets import NONE, Secrets


def now() -> datetime:
    """The time, in UTC."""
    return datetime.now(UTC)


def claim(parent: Path, slug: str, *, clock: Callable[[], datetime] = now) -> Path:
    """Make and return a new folder `parent/<time>-<slug>`, numbered where the name is taken."""
    short = re.sub(r"[^a-z0-9]+", "-", slug.lower()).strip("-")[:40].strip("-") or "run"
    stem = f"{clock():%Y%m%d-%H%M%S}-{short}"
    parent.mkdir(parents=True, exist_ok=True)
    number = 1
    while True:
        folder = parent / (stem if number == 1 else f"{stem}-{number}")
        try:
            folder.mkdir()
        except FileExistsError:
            number += 1
        else:
            return folder


class Recorder:
    """Keeps one run in `folder`. Raises `FileExistsError` where a run is already kept there.

    `manifest` is run.json as it stands while the run goes on. Leaving the with-block without `finish` writes
    the stop reason "error", or "person" after Ctrl-C. `past` are lines that stand in the folder already.
    """

    def __init__(self, folder: Path, manifest: RunFile, *, secrets: Secrets = NONE, past: Sequence[Line] = ()) -> None:
        if (folder / "run.json").exists():
            raise FileExistsError(f"{folder} already holds a run; choose another folder")
        self.folder = folder
        self.manifest = manifest
        self._secrets = secrets
        self._known: tuple[Image, str] | None = None
        self._lines: list[Line] = list(past)
        (folder / "blobs").mkdir(parents=True, exist_ok=True)
        self._write("run.json", manifest)
        self._steps = (folder / "steps.jsonl").open("ab")
        _sync(folder)

    def decided(self, step: Step) -> None:
        """Keep a step that is about to be carried out."""
        if not self.manifest.task.instruction and step.before.instruction:
            task = self.manifest.task.model_copy(update={"instruction": step.before.instruction})
            self.manifest = self.manifest.model_copy(update={"task": task})
            self._write("run.json", self.manifest)
        self._write("pending.json", self._line(step))

    def add(self, step: Step) -> None:
        """Put a whole step on disk; once this returns, no kill takes it away."""
        line = self._line(step)
        self._lines.append(line)
        self._steps.write(discreet(line, self._secrets).model_dump_json().encode() + b"\n")
        self._steps.flush()
        os.fsync(self._steps.fileno())
        (self.folder / "pending.json").unlink(missing_ok=True)

    def hide(self, secrets: Secrets, environment: EnvironmentEntry) -> None:
        """Keep `secrets` out of all that is written from now on; `environment` names them."""
        self._secrets = secrets
        self.manifest = self.manifest.model_copy(update={"environment": environment})
        self._write("run.json", self.manifest)

    def ended(self, number: int, stop: Stop, outcome: OutcomeName, seconds: float) -> None:
        """Write how a step of the script ended; `number` counts from 1."""
        legs, ended = list(self.manifest.legs), StopEntry(reason=stop.reason, detail=stop.detail)
        update = {"stop": ended, "outcome": outcome, "seconds": seconds}
        legs[number - 1] = legs[number - 1].model_copy(update=update)
        self.manifest = self.manifest.model_copy(update={"legs": tuple(legs)})
        self._write("run.json", self.manifest)

    def finish(
        self,
        stop: Stop,
        outcome: OutcomeName,
        verdicts: tuple[Verdict, ...] = (),
        values: Mapping[str, JsonValue] | None = None,
    ) -> None:
        """Write how it ended, and what it brings back."""
        ended = StopEntry(reason=stop.reason, detail=stop.detail)
        update = {
            "stop": ended,
            "outcome": outcome,
            "verdicts": verdicts,
            "values": dict(values or {}),
            "totals": total(self._lines),
        }
        self.manifest = self.manifest.model_copy(update=update)
        self._write("run.json", self.manifest)

    def close(self) -> None:
        """Let go of the files."""
        self._steps.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.manifest.stop is None:
            person = isinstance(error, KeyboardInterrupt)
            detail = f"{type(error).__name__}: {error}" if error else "the run was left before its end"
            self.finish(Stop("person" if person else "error", detail), "stopped" if person else "broken")
        self.close()

    def _line(self, step: Step) -> Line:
        after = step.after
        return Line(
            index=step.index,
            leg=step.leg,
            before=self._look(step.before),
            frame=FrameEntry.model_validate(asdict(step.frame)),
            reply=_said(step.reply),
            action=step.action,
            error=step.error,
            after=self._look(after) if after else None,
            receipt=Effect(**asdict(after.receipt)) if after and after.receipt else None,
            timings=dict(step.timings),
        )

    def _look(self, seen: Observation) -> Look:
        width, height = seen.size
        return Look(
            screen=self._keep(seen.screenshot),
            width=width,
            height=height,
            url=seen.url,
            title=seen.title,
            tabs=seen.tabs,
            dialog=seen.dialog,
            focus=seen.focus,
            value=seen.value,
            downloads=seen.downloads,
            refused=seen.refused,
            notes=seen.notes,
            time=seen.time,
            done=seen.done,
            reward=seen.reward,
        )

    def _keep(self, screen: Image) -> str:
        if self._known and self._known[0] is screen:
            return self._known[1]
        data = encode(screen)
        name = digest(data)
        if not (self.folder / "blobs" / f"{name}.png").exists():
            replace(self.folder / "blobs" / f"{name}.png", data)
        self._known = (screen, name)
        return name

    def _write(self, name: str, entry: Entry) -> None:
        replace(self.folder / name, discreet(entry, self._secrets).model_dump_json(indent=1).encode() + b"\n")


def _said(reply: Reply) -> Said:
    usage = UsageEntry(**asdict(reply.usage))
    sure = ChanceEntry(**asdict(reply.chance)) if reply.chance else None
    return Said(text=reply.text, usage=usage, timings=dict(reply.timings), warnings=reply.warnings, chance=sure)


def total(lines: list[Line]) -> Totals:
    """Sums over all steps; seconds are those of policy and environment together."""
    return Totals(
        steps=len(lines),
        errors=sum(bool(line.error) for line in lines),
        seconds=sum(line.timings.get(part, 0.0) for line in lines for part in ("policy", "env")),
        prompt_tokens=sum(line.reply.usage.prompt_tokens for line in lines),
        image_tokens=sum(line.reply.usage.image_tokens for line in lines),
        completion_tokens=sum(line.reply.usage.completion_tokens for line in lines),
        prefilled_tokens=added(*(line.reply.usage.prefilled_tokens for line in lines)),
    )


E = TypeVar("E", bound=Entry)
M = TypeVar("M", bound=BaseModel)

OURS = frozenset({"created", "hash", "screen", "sha256"})
"""Fields of records that we alone write, whose form matters to those that read them."""


def discreet(entry: E, secrets: Secrets) -> E:
    """`entry` with every text in it scrubbed, whoever wrote it; what we alone write, such as a hash, stays as it is."""
    return _scrubbed(entry, secrets) if secrets else entry


@overload
def _scrubbed(value: M, secrets: Secrets) -> M: ...
@overload
def _scrubbed(value: object, secrets: Secrets) -> object: ...
def _scrubbed(value: object, secrets: Secrets) -> object:
    if isinstance(value, BaseModel):
        fields = [name for name, field in type(value).model_fields.items() if not _ours(name, field)]
        return value.model_copy(update={name: _scrubbed(value.__dict__[name], secrets) for name in fields})
    if isinstance(value, str):
        return secrets.scrub(value)
    if isinstance(value, list | tuple):
        return type(value)(_scrubbed(part, secrets) for part in value)
    if isinstance(value, dict):
        return {key: _scrubbed(part, secrets) for key, part in value.items()}
    return value


def _ours(name: str, field: FieldInfo) -> bool:
    """Whether a field holds nothing that anybody else wrote: a secret as short as `click` may stand in it by chance."""
    return name in OURS or "Literal[" in repr(field.annotation)


def replace(path: Path, data: bytes) -> None:
    """Put `data` at `path` in one go: a reader sees the old file or the new one, never a part."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    with beside.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
    _sync(path.parent)


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
