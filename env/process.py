"""Ownership of what a run starts: its marker, its folder, and the watcher that ends both."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import uuid
from pathlib import Path

from env import watch

GRACE = 5.0  # seconds the watcher has to clean up


class Ownership:
    """The marker that every browser of one run carries as an argument, and a folder for its files.

    Both end with `close`, and also when this process is killed: a watcher process notices.
    """

    def __init__(self) -> None:
        name = f"handeye-run={uuid.uuid4().hex}"
        self.marker = f"--{name}"
        self.folder = Path(tempfile.mkdtemp(prefix="handeye-"))
        self._watcher = subprocess.Popen(
            [sys.executable, "-I", "-S", watch.__file__, name, str(self.folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def kill(self) -> None:
        """End every browser of this run at once, without asking it."""
        watch.kill(self.marker)

    def close(self) -> None:
        """End every browser of this run and remove the folder; a second call does nothing."""
        assert self._watcher.stdin is not None
        self._watcher.stdin.close()
        try:
            self._watcher.wait(GRACE)
        except subprocess.TimeoutExpired:
            self._watcher.kill()
            self._watcher.wait()
