"""Who may use a private X display: holders of its cookie, and then every program of the user who runs this."""

from __future__ import annotations

import os
import secrets
import socket
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from env.environment import EnvironmentBroken

NAME = b"MIT-MAGIC-COOKIE-1"
ANYWHERE = 0xFFFF  # the address family in a cookie file that fits every display
SERVER_INTERPRETED = 5  # the address family of a user, X11 protocol, ChangeHosts
CHANGE_HOSTS, GET_INPUT_FOCUS = 109, 43  # request codes
PATIENCE = 10.0  # seconds


@dataclass(frozen=True)
class Cookie:
    """What a program has to know to use a display."""

    secret: bytes

    @classmethod
    def fresh(cls) -> Self:
        """One that nobody knows yet."""
        return cls(secrets.token_bytes(16))

    def write(self, folder: Path) -> Path:
        """A new file in `folder` as xauth writes them, readable by this user alone."""
        fields = (b"", b"", NAME, self.secret)
        entry = struct.pack(">H", ANYWHERE) + b"".join(struct.pack(">H", len(field)) + field for field in fields)
        path = folder / f"authority-{secrets.token_hex(4)}"
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(entry)
        return path

    def admit(self, display: str) -> None:
        """Let every program of this user in without the cookie; the server asks the system whose a program is.

        A library looks for cookies where a variable of the whole process says, and that one is not ours to change.
        """
        user = b"localuser\0#%d" % os.getuid()
        change = struct.pack("<BBHBxH", CHANGE_HOSTS, 0, 2 + _words(user), SERVER_INTERPRETED, len(user))
        with reach(display) as line:
            line.sendall(struct.pack("<cxHHHHxx", b"l", 11, 0, len(NAME), len(self.secret)))
            line.sendall(_padded(NAME) + _padded(self.secret))
            status, _, _, words = struct.unpack("<BxHHH", _read(line, 8))
            _read(line, 4 * words)
            if status == 1:
                line.sendall(change + _padded(user) + struct.pack("<BxH", GET_INPUT_FOCUS, 1))
                status = _read(line, 32)[0]
        if status != 1:
            raise EnvironmentBroken("crash", f"the X server on {display} did not let us in")


def reach(display: str) -> socket.socket:
    """A connection to a display of this machine; EnvironmentBroken("unreachable") where there is no such display.

    Its address is a file or, where that is missing, a name that Linux keeps for itself.
    """
    address = f"/tmp/.X11-unix/X{display.removeprefix(':').partition('.')[0]}"
    line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    line.settimeout(PATIENCE)
    try:
        line.connect(address if Path(address).exists() else f"\0{address}")
    except OSError as error:
        line.close()
        raise EnvironmentBroken("unreachable", f"the X display {display}: {error}") from error
    return line


def _read(line: socket.socket, count: int) -> bytes:
    """The next `count` bytes of the server's answer."""
    said = b""
    while len(said) < count:
        try:
            piece = line.recv(count - len(said))
        except OSError:
            piece = b""
        if not piece:
            raise EnvironmentBroken("crash", "the X server ended the connection")
        said += piece
    return said


def _words(field: bytes) -> int:
    return (len(field) + 3) // 4


def _padded(field: bytes) -> bytes:
    return field.ljust(4 * _words(field), b"\0")
