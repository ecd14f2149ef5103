"""Runs `handeye` commands in processes of their own that need not import everything first.

`python command_server.py` loads what commands use, once. Each line on its standard input is then one command, as JSON:
its arguments, folder, environment and two files for what it prints. It forks; the child is the command, as it would be
by `python -m agent.cli`, and its exit code is the answer on standard output.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TypedDict

LOADED = ("torch", "numpy", "PIL.Image", "playwright.async_api", "playwright.sync_api", "agent.cli", "model")


class Order(TypedDict):
    arguments: list[str]
    folder: str
    environment: dict[str, str]
    out: str
    err: str


class CommandServer:
    """The warm process, begun at the first command; it ends with this one, as its input does."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None

    def run(self, arguments: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
        """The command's exit code and what it printed."""
        with tempfile.TemporaryDirectory() as place:
            out, err = Path(place, "out"), Path(place, "err")
            order = Order(
                arguments=arguments, folder=str(folder), environment=dict(os.environ), out=str(out), err=str(err)
            )
            code = int(self._ask(json.dumps(order)))
            return subprocess.CompletedProcess(arguments, code, out.read_text(), err.read_text())

    def close(self) -> None:
        """End the warm process."""
        if self._process is not None:
            self._process.communicate()

    def _ask(self, line: str) -> str:
        if self._process is None or self._process.poll() is not None:
            self._process = subprocess.Popen(
                [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(line + "\n")
        stdin.flush()
        return stdout.readline()


def become(order: Order) -> None:
    """Turn this process into the command."""
    for path, number in ((order["out"], 1), (order["err"], 2)):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND), number)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    sys.stdin = open(0, closefd=False)  # noqa: SIM115
    os.chdir(order["folder"])
    os.environ.clear()
    os.environ.update(order["environment"])
    sys.argv = ["handeye", *order["arguments"]]
    from agent.cli import main

    main()


def serve() -> None:
    """Take orders until there is no more input."""
    for name in LOADED:
        __import__(name)
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            become(json.loads(line))
            sys.exit(0)
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    serve()
