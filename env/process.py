"""Ownership of what a run starts: its marker, its folder, and the watcher that ends both."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import uuid
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from env import watch
from env.owner import Owner

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
        """Write down the temporary profiles of the browsers that run now; they end with the folder.

        Playwright's driver keeps them outside of it and removes them, unless it is killed.
        """
        profiles = set()
        for process in watch.marked(self.marker):
            try:
                words = (watch.PROC / str(process) / "cmdline").read_bytes().decode(errors="replace").split("\0")
            except OSError:  # it ended meanwhile
                continue
            profiles |= {Path(word).name for word in words if word.startswith("--user-data-dir=")}
        with (self.folder / watch.PROFILES).open("a") as file:
            file.writelines(f"{profile}\n" for profile in sorted(profiles))

    def kill(self) -> None:
        """End everything that this run started at once, without asking it."""
        watch.kill(self.marker)

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
