"""Screenshots as PNG files that are named by their content."""

from __future__ import annotations

import hashlib
import io

import numpy as np
from PIL import Image as Pillow

from env import Image
from env.observation import freeze


def encode(screen: Image) -> bytes:
    """`screen` [height, width, 3] as a PNG without metadata: equal pixels give equal bytes."""
    out = io.BytesIO()
    Pillow.fromarray(screen).save(out, format="PNG", compress_level=6)
    return out.getvalue()


def decode(data: bytes) -> Image:
    """The pixels [height, width, 3] of a PNG, read-only."""
    with Pillow.open(io.BytesIO(data)) as picture:
        return freeze(np.asarray(picture.convert("RGB"), dtype=np.uint8))


def digest(data: bytes) -> str:
    """SHA-256 in hexadecimal, as `sha256sum` prints it."""
    return hashlib.sha256(data).hexdigest()


def resize(screen: Image, size: tuple[int, int]) -> Image:
    """`screen` at (width, height), as the released image processors do it."""
    if (screen.shape[1], screen.shape[0]) == size:
        return screen
    return freeze(np.asarray(Pillow.fromarray(screen).resize(size, Pillow.Resampling.BICUBIC)))
