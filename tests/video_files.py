"""Small videos for the tests: each frame is one grey, its top left corner red."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

GREY = 8
"""Frame i is of the grey 8 * i."""


@dataclass(frozen=True)
class Film:
    """What is to be written."""

    frames: int = 30
    rate: int = 25
    size: tuple[int, int] = (64, 48)
    codec: str = "ffv1"
    pixels: str = "bgr0"
    options: dict[str, str] = field(default_factory=dict)
    degrees: int = 0
    times: Sequence[int] = ()  # milliseconds; evenly by the rate where there are none


def still(index: int, size: tuple[int, int]) -> NDArray[np.uint8]:
    """Frame `index`."""
    width, height = size
    picture = np.full((height, width, 3), GREY * index % 256, dtype=np.uint8)
    picture[: height // 4, : width // 4] = (255, 0, 0)
    return picture


def record(path: Path, film: Film = Film()) -> Path:
    """Write the film to `path`; its suffix chooses the container."""
    with av.open(str(path), "w", options=film.options) as container:
        stream = container.add_stream(film.codec, rate=film.rate)
        stream.width, stream.height = film.size
        stream.pix_fmt = film.pixels
        if film.degrees:
            stream.set_display_rotation(film.degrees)
        if film.times:
            stream.time_base = stream.codec_context.time_base = Fraction(1, 1000)
        for index in range(film.frames):
            frame = av.VideoFrame.from_ndarray(still(index, film.size), format="rgb24")
            if film.times:
                frame.pts, frame.time_base = film.times[index], Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def greys(frames: NDArray[np.uint8]) -> list[int]:
    """Which frames these are, by their lower right corner."""
    return [round(int(frame[-1, -1, 0]) / GREY) for frame in frames]
