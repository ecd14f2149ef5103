"""A repaired step, kept beside the record for people to read: RUN/patches/<step>-<number>.json and its picture.

The record itself is never written to. Whoever does not agree with a repair deletes its file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError

from actions import Point
from agent.ladder.aim import Aim
from agent.picture import decode, digest, encode
from agent.reader import RecordError, Run
from agent.recall import evidence
from agent.record import discreet, now
from agent.record import replace as put
from agent.schema import Entry, EvidenceEntry
from env import Evidence
from env.secrets import NONE, Secrets

FOLDER = "patches"


class PatchError(RecordError):
    """A patch that cannot be read: which file, and what is wrong there."""


class PlaceEntry(Entry):
    """A place of a screen; the picture lies at `picture`, below the run's folder."""

    at: Point
    evidence: EvidenceEntry
    screen: str = Field(pattern=r"^[0-9a-f]{64}$")
    picture: str


class Patch(Entry):
    """Where the action of one recorded step belongs on another screen, and why."""

    version: Literal[1] = 1
    step: int = Field(ge=1)
    created: str = Field(description="ISO 8601, UTC")
    reason: str = Field(description="why the recorded target was not found")
    model: str = Field(description="who was asked")
    instruction: str = Field(description="what it was asked")
    said: str = Field(description="what it answered, untouched")
    before: PlaceEntry
    after: PlaceEntry


def entry(evidence: Evidence) -> EvidenceEntry:
    """Evidence as records keep it."""
    return EvidenceEntry.model_validate(vars(evidence))


def place(run: Run, aim: Aim, screen: str = "") -> PlaceEntry:
    """A place as patches keep it: on a recorded screen, or on one whose picture is put beside the record."""
    if screen:
        return PlaceEntry(at=aim.at, evidence=entry(aim.evidence), screen=screen, picture=f"blobs/{screen}.png")
    data = encode(aim.screen)
    name = digest(data)
    folder = run.folder / FOLDER
    folder.mkdir(exist_ok=True)
    put(folder / f"{name}.png", data)
    return PlaceEntry(at=aim.at, evidence=entry(aim.evidence), screen=name, picture=f"{FOLDER}/{name}.png")


def write(run: Run, patch: Patch, secrets: Secrets = NONE) -> Path:
    """Put a patch beside the record, under a name that is free."""
    number = 1
    while (path := run.folder / FOLDER / f"{patch.step:04}-{number}.json").exists():
        number += 1
    put(path, discreet(patch, secrets).model_dump_json(indent=1).encode() + b"\n")
    return path


def read_patches(run: Run) -> Mapping[int, tuple[Patch, ...]]:
    """The patches of each step, the newest first. `PatchError` for one that cannot be read."""
    found: dict[int, list[tuple[int, Patch]]] = {}
    for path in (run.folder / FOLDER).glob("*.json"):
        try:
            patch = Patch.model_validate_json(path.read_bytes())
        except (OSError, ValidationError) as error:
            raise PatchError(f"{path}: {error}") from error
        number = path.stem.partition("-")[2]
        found.setdefault(patch.step, []).append((int(number) if number.isdecimal() else 0, patch))
    return {
        step: tuple(patch for _, patch in sorted(known, key=lambda each: each[0], reverse=True))
        for step, known in found.items()
    }


def aim(run: Run, patch: Patch) -> Aim:
    """What a patch aims at. `PatchError` where its picture is gone or is another one."""
    path = run.folder / FOLDER / f"{patch.after.screen}.png"
    try:
        data = path.read_bytes()
        if digest(data) != patch.after.screen:
            raise PatchError(f"{path}: is another picture than the one that the patch of step {patch.step} was made on")
        return Aim(patch.after.at, evidence(patch.after.evidence), decode(data))
    except OSError as error:
        raise PatchError(f"{path}: {error}") from error


def stamp(clock: Callable[[], datetime] = now) -> str:
    """The time as records write it."""
    return clock().isoformat(timespec="seconds")
