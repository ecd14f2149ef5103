"""What dead runs have left behind, and its end."""

from __future__ import annotations

import os
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

from env import watch
from env.owner import Owner

PREFIX = "handeye-"


@dataclass(frozen=True)
class Leftovers:
    """What was found of runs whose process has ended."""

    processes: tuple[int, ...] = ()
    folders: tuple[Path, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.processes or self.folders)


def leftovers(parent: Path | None = None) -> Leftovers:
    """The processes and temporary folders of dead runs; nothing of a run whose process is alive, or unseen from here.

    `parent` is where the folders are, by default the system's place for temporary ones.
    """
    processes = watch.carriers(lambda name: _dead(name.decode(errors="replace")))
    living = watch.carriers(lambda name: not _dead(name.decode(errors="replace")))
    place = parent or Path(tempfile.gettempdir())
    folders = (folder for folder in place.glob(f"{PREFIX}*") if _dead(folder.name.removeprefix(PREFIX)))
    return Leftovers(tuple(sorted(processes - living)), tuple(sorted(filter(_ours, folders))))


def reap(found: Leftovers) -> None:
    """End these processes and remove these folders."""
    watch.end(set(found.processes))
    for folder in found.folders:
        watch.remove(str(folder))


def _dead(name: str) -> bool:
    owner = Owner.read(name)
    return owner is not None and owner.dead


def _ours(folder: Path) -> bool:
    """Whether it is a folder of this user's, and no link to one: anybody may write where temporary files are."""
    try:
        status = folder.lstat()
    except FileNotFoundError:  # somebody else removed it
        return False
    return stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid()
