"""Ownership of what a run starts: its marker, its folder, and the watcher that ends both."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from env import watch
from env.owner import Owner

DATA = "--user-data-dir="
GRACE = 5.0  # seconds the watcher has to clean up


class Ownership:
    """The marker that everything a run starts carries, and a folder for its files.

    Both end with `close`, and also when this process is killed: a watcher process notices. Both name this process
    and its start, so that what is left of a run whose watcher was killed too can be told from a run that goes on:
    see `env.reap`.
    """

    def __init__(self) -> None:
        owner = Owner.me()
        name = f"handeye-run={owner}-{uuid.uuid4().hex[:8]}"
        self.marker = f"--{name}"
        """An argument for what takes one that it does not know, such as a browser."""
        self.variables: Mapping[str, str] = MappingProxyType({"HANDEYE_RUN": name.partition("=")[2]})
        """Environment variables for every other program, such as an X server; its children inherit them."""
        self.folder = Path(tempfile.mkdtemp(prefix=f"handeye-{owner}-"))
        self._watcher = subprocess.Popen(
            [sys.executable, "-I", "-S", watch.__file__, name, str(self.folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def note(self) -> None:
        """Write down what the browsers that run now have and cannot be marked; it ends with the run.

        That is Playwright's driver, which started them, and the temporary folders that it and they remove unless they
        are killed: the profile, and where its lock lies.
        """
        beside, drivers = set(), set()
        for process in watch.marked(self.marker):
            for profile in (Path(word[len(DATA) :]) for word in words(process) if word.startswith(DATA)):
                beside |= {profile.name, (profile / "SingletonSocket").resolve().parent.name}
            parent = watch.parent(process)
            if parent is not None and watch.parent(parent) == os.getpid():
                drivers.add(f"{parent} {watch.started(parent) or 0}")
        for name, lines in ((watch.BESIDE, beside), (watch.DRIVERS, drivers)):
            with (self.folder / name).open("a") as file:
                file.writelines(f"{line}\n" for line in sorted(lines))

    def kill(self, *, drivers: bool = False) -> None:
        """End everything that this run started at once, without asking it; and its `drivers`, as they may hang."""
        watch.kill(self.marker)
        if drivers:
            watch.end(watch.drivers(str(self.folder)))

    def close(self) -> None:
        """End everything that this run started and remove the folder; a second call does nothing."""
        assert self._watcher.stdin is not None
        self._watcher.stdin.close()
        try:
            self._watcher.wait(GRACE)
        except subprocess.TimeoutExpired:
            self._watcher.kill()
            self._watcher.wait()
        if self._watcher.returncode:  # it was killed, and did nothing
            watch.kill(self.marker)
            watch.remove(str(self.folder))


def words(process: int) -> list[str]:
    """The arguments of a process; none of one that has ended."""
    try:
        return (watch.PROC / str(process) / "cmdline").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return []
