"""Whose a run is: the process that began it, so exactly that another one with its number is not taken for it."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Self

PROC = Path("/proc")
BOOT = PROC / "sys/kernel/random/boot_id"
FORM = re.compile(r"([0-9a-f]{8})-(\d+)-(\d+)-(\d+)")


@dataclass(frozen=True)
class Owner:
    """A process of one boot of one machine; written as 'boot-space-process-started'.

    Where there is no /proc, nobody is told from anybody, and everyone counts as alive.
    """

    boot: str
    """The first eight characters of the boot's id."""
    space: int
    """The namespace in which `process` is counted: containers that share a temporary folder do not share this."""
    process: int
    started: int
    """Ticks from the boot to the start of the process."""

    @classmethod
    def me(cls) -> Self:
        """This process."""
        boot, space = _here()
        return cls(boot, space, os.getpid(), _started(os.getpid()) or 0)

    @classmethod
    def read(cls, text: str) -> Self | None:
        """The owner that `text` begins with; None where it begins with none."""
        found = FORM.match(text)
        return cls(found[1], int(found[2]), int(found[3]), int(found[4])) if found else None

    def __str__(self) -> str:
        return f"{self.boot}-{self.space}-{self.process}-{self.started}"

    @property
    def dead(self) -> bool:
        """Whether it is known to have ended: not said of a process that cannot be seen from here."""
        boot, space = _here()
        if not self.started or not boot.strip("0"):
            return False
        if self.boot != boot:
            return True
        return self.space == space and _started(self.process) != self.started


def _here() -> tuple[str, int]:
    """The boot, and the namespace in which processes are counted."""
    try:
        boot = BOOT.read_text()[:8]
        space = re.sub(r"\D", "", os.readlink(PROC / "self/ns/pid"))
    except OSError:
        return "0" * 8, 0
    return boot, int(space)


def _started(process: int) -> int | None:
    """Ticks from the boot to the start of `process`; None where there is none, or only what its parent has to fetch."""
    try:
        fields = (PROC / str(process) / "stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else int(fields[19])
