"""What a run takes from the one that it goes on from: its name, its steps and its pictures."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from agent.reader import Run
from agent.record import discreet
from agent.record import replace as put
from agent.schema import Entry, Line, ParentEntry
from env.secrets import Secrets

E = TypeVar("E", bound=Entry)


def lineage(run: Run) -> ParentEntry:
    """How a run that goes on from `run` names it."""
    path, steps = run.folder / "steps.jsonl", len(run.lines)
    whole = path.read_bytes().split(b"\n")[:steps] if steps else []
    return ParentEntry(
        name=run.folder.resolve().name,
        created=run.manifest.created,
        sha256=hashlib.sha256(b"".join(line + b"\n" for line in whole)).hexdigest(),
        step=steps,
        model=run.manifest.model,
        parent=run.manifest.parent,
    )


def moved(run: Run, origin: str) -> Run:
    """`run` as it would read if its pages had been served at `origin`, where they are served now."""
    old = run.manifest.environment.origin
    if not old or not origin or old == origin:
        return run
    served = re.compile(re.escape(old) + r"(?!\d)")

    def move(entry: E) -> E:
        return type(entry).model_validate_json(served.sub(lambda _: origin, entry.model_dump_json()))

    pending = move(run.pending) if run.pending else None
    return replace(run, manifest=move(run.manifest), lines=tuple(map(move, run.lines)), pending=pending)


def inherit(run: Run, folder: Path, secrets: Secrets) -> None:
    """Put the steps of `run` into `folder`, which is no run until its run.json is written.

    What was pending stays so until the next step is decided. Pictures are shared where the disk can.
    """
    (folder / "blobs").mkdir(parents=True, exist_ok=True)
    for name in dict.fromkeys(_screens(run)):
        _share(run.blob(name), folder / "blobs" / f"{name}.png")
    lines = [discreet(line, secrets).model_dump_json().encode() for line in run.lines]
    put(folder / "steps.jsonl", b"".join(line + b"\n" for line in lines))
    (folder / "pending.json").unlink(missing_ok=True)  # of one that was killed here
    if run.pending:
        put(folder / "pending.json", discreet(run.pending, secrets).model_dump_json(indent=1).encode() + b"\n")


def _screens(run: Run) -> Iterator[str]:
    lines: tuple[Line, ...] = (*run.lines, *([run.pending] if run.pending else []))
    for line in lines:
        yield line.before.screen
        if line.after:
            yield line.after.screen
    for check in run.manifest.expect:
        if check.screenshot:
            yield Path(check.screenshot).stem


def _share(picture: Path, there: Path) -> None:
    if there.exists():
        return
    try:
        os.link(picture, there)
    except OSError:  # another disk, or one without links
        put(there, picture.read_bytes())
