"""A small process that outlives ours for a moment and leaves nothing behind.

Run as a script with the run's name and folder. It waits until its standard input ends or its parent is gone, which
happens however the parent dies, then kills what still carries the name and removes the folder.
"""

from __future__ import annotations

import os
import select
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

PROC = Path("/proc")
ARGUMENT = b"--handeye-run="
VARIABLE = b"HANDEYE_RUN="
PROFILES = ".profiles"
"""The file in a run's folder that names the temporary profiles of its browsers, one a line."""
PROFILE = "playwright_chromiumdev_profile-"
ROUNDS = 5  # looks for what was started while the others were ended


def marked(marker: str) -> set[int]:
    """Ids of the processes with `marker` among their arguments or their variables, and of all their descendants."""
    name = marker.removeprefix("--").partition("=")[2].encode()
    return carriers(lambda carried: carried == name)


def carriers(wanted: Callable[[bytes], bool]) -> set[int]:
    """Ids of the processes that carry the name of a wanted run, and of all their descendants."""
    parents: dict[int, int] = {}
    found: set[int] = set()
    for entry in PROC.glob("[0-9]*"):
        try:
            status = (entry / "stat").read_text(errors="replace")
        except OSError:  # it ended meanwhile
            continue
        state, parent = status.rpartition(")")[2].split()[:2]
        if state == "Z":
            continue
        parents[int(entry.name)] = int(parent)
        if any(wanted(name) for name in names(entry)):
            found.add(int(entry.name))
    size = -1
    while size != len(found):
        size = len(found)
        found |= {child for child, parent in parents.items() if parent in found}
    return found - {os.getpid()}


def names(entry: Path) -> list[bytes]:
    """The runs whose names a process carries, as an argument or as a variable."""
    said = []
    for file, prefix in (("cmdline", ARGUMENT), ("environ", VARIABLE)):
        try:
            words = (entry / file).read_bytes().split(b"\0")
        except OSError:  # it ended meanwhile, or is somebody else's
            continue
        said += [word.removeprefix(prefix) for word in words if word.startswith(prefix)]
    return said


def kill(marker: str) -> None:
    """End every process that carries `marker`, with its descendants, at once."""
    for _ in range(ROUNDS):
        left = marked(marker)
        if not left:
            return
        end(left)


def end(processes: set[int]) -> None:
    """Kill these processes, those of them that are there and ours to kill."""
    for process in processes:
        try:
            os.kill(process, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            continue


def remove(folder: str) -> None:
    """Remove a run's folder, and the profiles that its browsers had elsewhere."""
    try:
        profiles = (Path(folder) / PROFILES).read_text().split("\n")
    except OSError:
        profiles = []
    for name in profiles:
        if name.startswith(PROFILE) and "/" not in name:
            shutil.rmtree(Path(tempfile.gettempdir()) / name, ignore_errors=True)
    shutil.rmtree(folder, ignore_errors=True)


def main(name: str, folder: str) -> None:
    """Wait for the end of the parent, then clean up."""
    parent = os.getppid()
    while os.getppid() == parent:
        ready, _, _ = select.select([sys.stdin], [], [], 1.0)
        if ready and not os.read(sys.stdin.fileno(), 1):
            break
    kill(f"--{name}")
    remove(folder)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C ends the parent, and that ends us
    # The name comes without its dashes, so that this process does not carry it itself.
    main(sys.argv[1], sys.argv[2])
