"""Builds kernels.cpp with the machine's own C++ compiler on first use, and keeps what came of it.

Where there is no compiler, or it does not know what is asked of it, there are no kernels, and plain torch does the
work: slower, to the same result.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import platform
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

SOURCE = Path(__file__).with_name("kernels.cpp")

MOST = 16
"""Rows that the kernels of `linear` and `linear8` take at a time."""

FLAGS = (
    *("-std=c++17", "-O3", "-march=native", "-fno-math-errno", "-fno-trapping-math"),
    *("-fopenmp", "-fPIC", "-shared", f"-DMOST={MOST}"),
)

KEPT = Path("~/.cache/handeye/native")
"""Where built kernels are kept; a file for each source, compiler and processor."""

PATIENCE = 120.0
"""Seconds that a compiler may take; it takes four."""


@cache
def kernels() -> ctypes.CDLL | None:
    """The built kernels, or None where they cannot be built."""
    if platform.system() != "Linux" or (compiler := shutil.which("g++") or shutil.which("c++")) is None:
        return None
    try:
        return ctypes.CDLL(str(built(compiler, KEPT.expanduser())))
    except (OSError, RuntimeError, subprocess.SubprocessError):  # RuntimeError: nobody has a home here
        return None


def built(compiler: str, folder: Path) -> Path:
    """The library for this source, compiler and processor, made now if it is not there.

    Raises `OSError` or `subprocess.SubprocessError`, with nothing left behind.
    """
    path = folder / f"{_key(compiler)}.so"
    if not _own(path):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, name = tempfile.mkstemp(suffix=".so", dir=folder)
        os.close(handle)
        try:
            command = [compiler, *FLAGS, "-o", name, str(SOURCE)]
            subprocess.run(command, check=True, capture_output=True, timeout=PATIENCE)
            os.replace(name, path)  # whole or not at all, whoever else builds it now
        finally:
            Path(name).unlink(missing_ok=True)
    return path


def _own(path: Path) -> bool:
    """Whether the file is there, ours, and nobody else's to write."""
    if not path.is_file():
        return False
    found = path.stat()
    return found.st_uid == os.getuid() and not found.st_mode & 0o022


def _key(compiler: str) -> str:
    digest = hashlib.sha256(SOURCE.read_bytes())
    version = subprocess.run([compiler, "--version"], check=True, capture_output=True, timeout=PATIENCE).stdout
    digest.update(version + repr(FLAGS).encode() + _processor().encode())
    return digest.hexdigest()[:24]


def _processor() -> str:
    """What -march=native depends on: a home folder may be shared by machines."""
    cpu = Path("/proc/cpuinfo")
    lines = cpu.read_text().splitlines() if cpu.exists() else []
    return "\n".join(sorted({line for line in lines if line.startswith(("flags", "Features", "model name"))}))
