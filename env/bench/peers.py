"""Other frameworks as contenders: each installed in an environment of its own, and run by its own interpreter."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from env.bench.contest import SIZE
from env.bench.pages import PLACE
from env.browser.find import find
from env.process import Ownership

HERE = Path(__file__).parent
QUIET = {"ANONYMIZED_TELEMETRY": "false", "BROWSER_USE_CLOUD_SYNC": "false", "BROWSER_USE_LOGGING_LEVEL": "result"}


@dataclass(frozen=True)
class Package:
    """What is installed, and the script that does its steps."""

    pin: str
    script: str

    def interpreter(self, cache: Path) -> Path:
        """The interpreter of its environment below `cache`, which is made the first time."""
        place = cache / self.pin.replace("==", "-")
        python, ready = place / "bin" / "python", place / "ready"
        if not ready.exists():
            sys.stderr.write(f"installing {self.pin} into {place}\n")
            subprocess.run([sys.executable, "-m", "venv", "--clear", place], check=True)
            pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", self.pin]
            subprocess.run(pip, check=True, stdout=sys.stderr)
            ready.touch()
        return python


GYM = Package("browsergym-core==0.14.3", "peer_browsergym.py")
USE = Package("browser-use==0.13.14", "peer_browser_use.py")
PEERS: Mapping[str, tuple[Package, str, str]] = {
    "BrowserGym": (GYM, "100", "0.5"),
    "BrowserGym, no delays": (GYM, "0", "0"),
    "browser-use": (USE, "", ""),
}
"""BrowserGym slows its calls by 100 ms for MiniWoB tasks and by a second for others: the first is taken."""


class PeerError(RuntimeError):
    """A framework that could not do its step."""


@dataclass(frozen=True)
class Peer:
    """A framework in a process of its own."""

    name: str
    orders: IO[str]
    answers: IO[str]

    def open(self, url: str) -> None:
        """Begin on this page."""
        self._ask(url)

    def step(self) -> float:
        """Let it do a step."""
        return self._ask("step")

    def _ask(self, order: str) -> float:
        self.orders.write(f"{order}\n")
        self.orders.flush()
        line = self.answers.readline()
        answer = json.loads(line) if line else "it ended"
        if not isinstance(answer, float):
            raise PeerError(f"{self.name}: {answer}")
        return answer


@contextmanager
def peer(name: str, cache: Path) -> Iterator[Peer]:
    """The framework of this name; its browsers end with it."""
    package, slow, delay = PEERS[name]
    command = [package.interpreter(cache), HERE / package.script, find() or "chromium", slow or "0", delay or "0"]
    numbers = [str(number) for number in (*SIZE, *PLACE)]
    ownership = Ownership()
    try:
        with subprocess.Popen(
            [*command, *numbers],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, **QUIET, **ownership.variables, "TMPDIR": str(ownership.folder)},
        ) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            try:
                yield Peer(name, process.stdin, process.stdout)
            finally:
                process.kill()
    finally:
        ownership.close()
