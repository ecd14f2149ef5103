"""Which runs go out, under which names, and to which side of the split."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from agent.exchange.sample import Left
from agent.reader import RecordError, Run, read_run

Split = Literal["train", "val"]


@dataclass(frozen=True)
class Named:
    """A run and its name in the data."""

    name: str
    run: Run


def gather(folders: Sequence[Path]) -> Iterator[Named | Left]:
    """The runs in `folders`, and in the folders in those, in the order given, and a word on what cannot be read.

    Raises `RecordError` for a folder without any run.
    """
    taken: dict[str, int] = {}
    for folder in (found for given in folders for found in _runs(given)):
        short = folder.resolve().name
        taken[short] = taken.get(short, 0) + 1
        name = short if taken[short] == 1 else f"{short}-{taken[short]}"
        try:
            yield Named(name, read_run(folder))
        except RecordError as error:
            yield Left(name, 0, f"its record cannot be read: {error}")


def _runs(folder: Path) -> list[Path]:
    if (folder / "run.json").exists():
        return [folder]
    found = sorted(path.parent for path in folder.glob("*/run.json"))
    if not found:
        raise RecordError(f"{folder}: holds no run, and no folder in it does; expected a folder with a run.json")
    return found


def worth(named: Named, *, verified: bool) -> Left | None:
    """Why a run is left out as a whole; None where it is not."""
    manifest = named.run.manifest
    if verified and manifest.outcome != "verified":
        return Left(named.name, 0, f"its outcome is {manifest.outcome or 'not known'}, not verified")
    return None if named.run.lines else Left(named.name, 0, "it holds no step")


def split(name: str, share: float) -> Split:
    """The side of a run: by a hash of its name, so that no step of it is on both and others do not move it."""
    first = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big")
    return "val" if first < share * 2**64 else "train"
