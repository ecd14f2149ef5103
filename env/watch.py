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
BESIDE = ".beside"
"""The file in a run's folder that names the temporary folders of its browsers that lie elsewhere, one a line."""
DRIVERS = ".drivers"
"""The file with the processes that drive its browsers and carry no name, one a line: its id and when it started."""
KNOWN = ("playwright_chromiumdev_profile-", "org.chromium.Chromium.", "com.google.Chrome.")
"""What their names begin with: no other folder is removed."""
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
        above = parent(int(entry.name))
        if above is None:
            continue
        parents[int(entry.name)] = above
        if any(wanted(name) for name in names(entry)):
            found.add(int(entry.name))
    size = -1
    while size != len(found):
        size = len(found)
        found |= {child for child, above in parents.items() if above in found}
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


def status(process: int) -> list[str]:
    """What /proc says of a process, from its state on; nothing of one that has ended and only waits to be fetched."""
    try:
        fields = (PROC / str(process) / "stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return []
    return [] if fields[0] in "ZX" else fields


def parent(process: int) -> int | None:
    """The process that started this one; None where it has ended."""
    fields = status(process)
    return int(fields[1]) if fields else None


def started(process: int) -> int | None:
    """Ticks from the boot to the start of `process`; None where it has ended."""
    fields = status(process)
    return int(fields[19]) if fields else None


def noted(folder: str, name: str) -> list[str]:
    """The lines of a file in a run's folder."""
    try:
        return (Path(folder) / name).read_text().splitlines()
    except OSError:
        return []


def drivers(folder: str) -> set[int]:
    """The processes that drive the browsers of a run, those of them that are there."""
    pairs = (line.split() for line in noted(folder, DRIVERS))
    return {int(process) for process, start in pairs if started(int(process)) == int(start)}


def remove(folder: str) -> None:
    """Remove a run's folder, and what it names: its drivers, and the folders that its browsers had elsewhere."""
    end(drivers(folder))
    for name in noted(folder, BESIDE):
        if name.startswith(KNOWN) and "/" not in name:
            shutil.rmtree(Path(tempfile.gettempdir()) / name, ignore_errors=True)
    shutil.rmtree(folder, ignore_errors=True)


def main(name: str, folder: str) -> None:
    """Wait for the end of the parent, then clean up."""
    above = os.getppid()
    while os.getppid() == above:
        ready, _, _ = select.select([sys.stdin], [], [], 1.0)
        if ready and not os.read(sys.stdin.fileno(), 1):
            break
    kill(f"--{name}")
    remove(folder)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C ends the parent, and that ends us
    # The name comes without its dashes, so that this process does not carry it itself.
    main(sys.argv[1], sys.argv[2])
