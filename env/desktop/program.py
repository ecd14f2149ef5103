"""A program of ours on a display: started without a shell, ended with all that it started."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from env.environment import EnvironmentBroken

LONGEST = 200  # characters of what a program said last


class Program:
    """A running program; what it writes goes to a file in `log`, from which its last words are told."""

    def __init__(self, words: Sequence[str], folder: Path | None, variables: Mapping[str, str], log: Path) -> None:
        self.name = Path(words[0]).name
        self._log = log / f"{self.name}.log"
        try:
            with self._log.open("wb") as said:
                self._process = subprocess.Popen(
                    words,
                    cwd=folder,
                    env=variables,
                    stdin=subprocess.DEVNULL,
                    stdout=said,
                    stderr=said,
                    start_new_session=True,
                )
        except (OSError, ValueError) as error:
            raise EnvironmentBroken("missing", f"program {words[0]!r} cannot be started: {error}") from error

    @property
    def process(self) -> int | None:
        """Its number; None once it has ended."""
        return self._process.pid if self._process.poll() is None else None

    def check(self) -> None:
        """EnvironmentBroken where it has failed; a program that ended well, because it was closed, has not."""
        code = self._process.poll()
        if code:
            how = f"was killed by signal {-code}" if code < 0 else f"ended with code {code}"
            last = self._said()
            raise EnvironmentBroken("crash", f"the program {self.name} {how}{f': {last}' if last else ''}")

    def end(self) -> None:
        """End the program with all of its group at once; a second call does nothing."""
        if self._process.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def _said(self) -> str:
        """The last line that it wrote."""
        try:
            lines = self._log.read_bytes()[-4096:].decode(errors="replace").split("\n")
        except OSError:
            return ""
        return next((line.strip()[-LONGEST:] for line in reversed(lines) if line.strip()), "")
