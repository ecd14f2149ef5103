"""Where things are kept from one run to the next, that can be made again at any time."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

PLACES = (("XDG_CACHE_HOME", ""), ("HOME", ".cache"), ("LOCALAPPDATA", ""))
"""Environment variables that name a folder for that, and what to add (XDG Base Directory Specification)."""


def prefixes(environ: Mapping[str, str]) -> Path | None:
    """The folder for beginnings of prompts; None where nothing names a place."""
    for name, below in PLACES:
        if (place := Path(environ.get(name, ""))).is_absolute():
            return place / below / "handeye" / "prefixes"
    return None
