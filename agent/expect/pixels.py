"""A part of the screen beside a picture of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from agent.expect.check import Check
from agent.picture import decode, encode
from env import Image


def compare(check: Check, screen: Image, path: Path) -> tuple[bool, str]:
    """Whether `screen` looks like the picture at `path` where `check` says so, and in how many pixels it does not."""
    part = _part(check, screen)
    if part is None:
        return False, _outside(check, screen)
    try:
        wanted = decode(path.read_bytes())
    except OSError as error:
        return False, f"no picture: {error}"
    if wanted.shape != part.shape:
        return False, f"{_size(part)} pixels, and the picture has {_size(wanted)}"
    differs = (np.abs(part.astype(np.int16) - wanted) > check.tolerance).any(axis=2)
    count, all_ = int(differs.sum()), differs.size
    if not count:
        return True, f"none of {all_} pixels differ"
    rows, columns = np.flatnonzero(differs.any(axis=1)), np.flatnonzero(differs.any(axis=0))
    left, top = (check.box[0], check.box[1]) if check.box else (0, 0)
    box = (left + int(columns[0]), top + int(rows[0]), left + int(columns[-1]) + 1, top + int(rows[-1]) + 1)
    return count <= check.pixels, f"{count} of {all_} pixels differ, within {box}"


def write(check: Check, screen: Image, path: Path) -> tuple[bool, str]:
    """Make the picture at `path` what `screen` shows; False where it does not show so much."""
    part = _part(check, screen)
    if part is None:
        return False, _outside(check, screen)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encode(np.ascontiguousarray(part)))
    return True, f"written: {_size(part)} pixels"


def _part(check: Check, screen: Image) -> Image | None:
    height, width = screen.shape[:2]
    left, top, right, bottom = check.box or (0, 0, width, height)
    return screen[top:bottom, left:right] if right <= width and bottom <= height else None


def _outside(check: Check, screen: Image) -> str:
    return f"the screen is {_size(screen)} pixels, and the box {check.box} reaches beyond"


def _size(image: Image) -> str:
    return f"{image.shape[1]}x{image.shape[0]}"
