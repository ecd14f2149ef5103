"""Coming to rest as a camera sees it, where nobody tells what is drawn."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from env.observation import Image

GAP = 0.04  # seconds between two pictures that have to be equal


def still(shoot: Callable[[], Image], linger: Callable[[float], None], last: Image | None, seconds: float) -> Image:
    """A picture that equals the one before it, or the newest after so many `seconds`.

    It is `last` itself where it shows the same.
    """
    end = time.monotonic() + seconds
    before = shoot()
    while time.monotonic() < end:
        linger(GAP)
        now = shoot()
        if np.array_equal(now, before):
            break
        before = now
    return last if last is not None and np.array_equal(before, last) else before
