"""A small process that outlives ours for a moment and leaves no browser behind.

Run as a script with the run's marker and folder. It waits until its standard input ends or its parent is
gone, which happens however the parent dies, then kills what still carries the marker and removes the folder.
"""

from __future__ import annotations

import os
import select
import shutil
import signal
import sys
from pathlib import Path

PROC = Path("/proc")


def marked(marker: str) -> set[int]:
    """Ids of the processes with `marker` among their arguments, and of all their descendants."""
    parents: dict[int, int] = {}
    found: set[int] = set()
    for entry in PROC.glob("[0-9]*"):
        try:
            arguments = (entry / "cmdline").read_bytes().split(b"\0")
            status = (entry / "stat").read_text(errors="replace")
        except OSError:  # it ended meanwhile
            continue
        state, parent = status.rpartition(")")[2].split()[:2]
        if state == "Z":
            continue
        parents[int(entry.name)] = int(parent)
        if marker.encode() in arguments and int(entry.name) != os.getpid():
            found.add(int(entry.name))
    size = -1
    while size != len(found):
        size = len(found)
        found |= {child for child, parent in parents.items() if parent in found}
    return found - {os.getpid()}


def kill(marker: str) -> None:
    """End every process that carries `marker`, with its descendants, at once."""
    for process in marked(marker):
        try:
            os.kill(process, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            continue


def main(marker: str, folder: str) -> None:
    """Wait for the end of the parent, then clean up."""
    parent = os.getppid()
    while os.getppid() == parent:
        ready, _, _ = select.select([sys.stdin], [], [], 1.0)
        if ready and not os.read(sys.stdin.fileno(), 1):
            break
    kill(marker)
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C ends the parent, and that ends us
    # The marker comes without its dashes, so that this process does not carry it itself.
    main("--" + sys.argv[1], sys.argv[2])
