"""Whether the processes of a program are at work, as Linux tells of them; elsewhere nobody seems to be."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
IDLE = 500_000  # nanoseconds of work between two looks that a program at rest does as well, for its timers


@dataclass(frozen=True)
class Pulse:
    """What a program and all that it started had worked at one moment."""

    spent: int = 0
    """Nanoseconds on a processor."""
    running: bool = False
    """Whether one of its threads runs, or waits for a processor alone."""

    @classmethod
    def of(cls, process: int | None) -> Pulse:
        """The program that `process` is; of None, one at rest."""
        spent, running = 0, False
        for tree in _family(process) if process else ():
            for thread in tree.glob("task/*"):
                try:
                    running |= (thread / "stat").read_text(errors="replace").rpartition(")")[2].split()[0] == "R"
                    spent += int((thread / "schedstat").read_text().split()[0])
                except (OSError, IndexError):  # it ended meanwhile, or this system does not count
                    continue
        return cls(spent, running)

    def rested(self, before: Pulse) -> bool:
        """Whether it has done next to nothing since `before`."""
        return not self.running and self.spent - before.spent <= IDLE


def _family(process: int) -> Iterator[Path]:
    """A process and all that descends from it."""
    tree = PROC / str(process)
    yield tree
    for children in tree.glob("task/*/children"):
        try:
            ids = children.read_text().split()
        except OSError:
            continue
        for child in ids:
            yield from _family(int(child))
