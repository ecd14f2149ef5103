"""A private X server: Xvfb, or Xephyr in a window, on a free display, open to nobody but the user who runs this."""

from __future__ import annotations

import os
import select
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from env.desktop.cookie import Cookie
from env.desktop.find import INSTALL, NESTED, find
from env.environment import EnvironmentBroken
from env.process import Ownership

START = 20.0  # seconds in which the server has to say which display it is
ENDING = 2.0  # seconds for a polite end, in which it removes its lock; then it is killed

SEPARATE: Mapping[str, str] = MappingProxyType(
    {
        "DBUS_SESSION_BUS_ADDRESS": "disabled:",
        "GDK_BACKEND": "x11",
        "NO_AT_BRIDGE": "1",
        "QT_QPA_PLATFORM": "xcb",
        "SDL_VIDEODRIVER": "x11",
        "XDG_SESSION_TYPE": "x11",
        "XMODIFIERS": "@im=none",
    }
)
"""What keeps a program here: no Wayland, no instance of it that runs elsewhere, no input method in between."""

ELSEWHERE = frozenset({"GTK_IM_MODULE", "QT_IM_MODULE", "SESSION_MANAGER", "WAYLAND_DISPLAY"})
"""Variables that would lead a program away from this display."""


class Server:
    """A running server with one screen of `size`. It ends with `close`, and with everything else of its owner."""

    def __init__(self, size: tuple[int, int], ownership: Ownership, *, nested: bool = False) -> None:
        name = "Xephyr" if nested else "Xvfb"
        path = find(name)
        if path is None:
            raise EnvironmentBroken("missing", f"a private screen needs {name}: {NESTED if nested else INSTALL}")
        cookie = Cookie.fresh()
        self.authority = cookie.write(ownership.folder)
        self._ownership = ownership
        self.display, self._process = _start(path, size, self.authority, ownership)
        try:
            cookie.admit(self.display)
        except BaseException:
            self.close()
            raise

    @property
    def variables(self) -> dict[str, str]:
        """The environment of a program that runs on this display."""
        kept = {name: value for name, value in os.environ.items() if name not in ELSEWHERE}
        if not {"LC_ALL", "LC_CTYPE", "LANG"} & kept.keys():
            kept["LANG"] = "C.UTF-8"  # in the C locale many a program takes nothing but ASCII from its keyboard
        ours = {"DISPLAY": self.display, "XAUTHORITY": str(self.authority)}
        return {**kept, **SEPARATE, **ours, **self._ownership.variables}

    @property
    def process(self) -> int:
        """Its number."""
        return self._process.pid

    def close(self) -> None:
        """End the server; a second call does nothing."""
        self._process.terminate()
        try:
            self._process.wait(ENDING)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self.authority.unlink(missing_ok=True)


def _start(
    path: Path, size: tuple[int, int], authority: Path, ownership: Ownership
) -> tuple[str, subprocess.Popen[bytes]]:
    """A server, and the display that it found free."""
    ours, theirs = os.pipe()
    sides = f"{size[0]}x{size[1]}"
    screen = ["-screen", sides] if path.name == "Xephyr" else ["-screen", "0", f"{sides}x24"]
    words = ["-displayfd", str(theirs), *screen, "-auth", str(authority)]
    try:
        process = subprocess.Popen(
            [str(path), *words, "-nolisten", "tcp", "-noreset", "-s", "0"],
            pass_fds=(theirs,),
            env=os.environ | ownership.variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError as error:
        os.close(ours)
        raise EnvironmentBroken("missing", f"{path} cannot be started: {error.strerror}") from error
    finally:
        os.close(theirs)
    try:
        number = _number(ours)
    except BaseException:
        process.kill()
        process.wait()
        raise
    finally:
        os.close(ours)
    return f":{number}", process


def _number(pipe: int) -> int:
    """The number that the server writes to `pipe` once it can be spoken to."""
    said, end = b"", time.monotonic() + START
    while not said.endswith(b"\n"):
        ready, _, _ = select.select([pipe], [], [], max(end - time.monotonic(), 0))
        piece = os.read(pipe, 16) if ready else b""
        if not piece:
            raise EnvironmentBroken("crash", "the X server ended before its display was open")
        said += piece
    return int(said)
