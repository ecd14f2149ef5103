"""Whether the processes of a program are at work, as Linux tells of them; elsewhere nobody seems to be."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
AT_WORK = ("R", "D")
IDLE = 500_000  # nanoseconds of work between two looks that a program at rest does as well, for its timers


@dataclass(frozen=True)
class Pulse:
    """What a program and all that it started had worked at one moment."""

    spent: int = 0
    """Nanoseconds on a processor."""
    running: bool = False
    """Whether one of its threads runs, or waits for a processor or a disk alone."""

    @classmethod
    def of(cls, processes: Iterable[int]) -> Pulse:
        """The programs that `processes` are, with all that they have started; of none, one at rest."""
        spent, running = 0, False
        for thread in itertools.chain.from_iterable(map(_threads, processes)):
            try:
                running |= (thread / "stat").read_text(errors="replace").rpartition(")")[2].split()[0] in AT_WORK
                spent += int((thread / "schedstat").read_text().split()[0])
            except (OSError, IndexError):  # it ended meanwhile, or this system does not count
                continue
        return cls(spent, running)

    def rested(self, before: Pulse) -> bool:
        """Whether it has done next to nothing since `before`."""
        return not self.running and self.spent - before.spent <= IDLE


def _threads(process: int) -> Iterator[Path]:
    """The threads of a process and of all that descends from it."""
    tasks = PROC / str(process) / "task"
    try:
        threads = [tasks / name for name in os.listdir(tasks)]
    except OSError:  # it ended meanwhile
        return
    for thread in threads:
        yield thread
        try:
            children = (thread / "children").read_text().split()
        except OSError:
            continue
        for child in children:
            yield from _threads(int(child))
