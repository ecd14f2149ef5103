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

GRACE = 5.0  # seconds the watcher has to clean up


class Ownership:
    """The marker that everything a run starts carries, and a folder for its files.

    Both end with `close`, and also when this process is killed: a watcher process notices.
    """

    def __init__(self) -> None:
        name = f"handeye-run={uuid.uuid4().hex}"
        self.marker = f"--{name}"
        """An argument for what takes one that it does not know, such as a browser."""
        self.variables: Mapping[str, str] = MappingProxyType({"HANDEYE_RUN": name.partition("=")[2]})
        """Environment variables for every other program, such as an X server; its children inherit them."""
        self.folder = Path(tempfile.mkdtemp(prefix="handeye-"))
        self._watcher = subprocess.Popen(
            [sys.executable, "-I", "-S", watch.__file__, name, str(self.folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

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
