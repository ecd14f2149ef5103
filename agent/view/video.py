"""Films as MP4 (H.264) or WebM (VP9), by PyAV, which the extra `video` brings."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import av
import av.error
import numpy as np
from av.codec.codec import UnknownCodecError

from agent.view.film import FilmError, Frame

RATE = 5
"""Frames a second: a step stays for several, as players show nothing sensible of a film with one in two seconds."""

CODECS = {
    ".mp4": ("libx264", {"crf": "20", "preset": "veryfast"}),
    ".webm": ("libvpx-vp9", {"crf": "30", "b:v": "0", "cpu-used": "6"}),
}


def write_video(shown: Iterator[Frame], path: Path) -> None:
    """Write the frames to `path`. Raises `FilmError` where this PyAV lacks the codec."""
    codec, options = CODECS[path.suffix.lower()]
    first = next(shown)
    try:
        with av.open(str(path), "w", format=path.suffix.lower()[1:]) as file:
            stream = file.add_stream(codec, rate=RATE, options=options)
            assert isinstance(stream, av.VideoStream)
            stream.width, stream.height = first.picture.size
            stream.pix_fmt = "yuv420p"
            for frame in (first, *shown):
                for _ in range(max(1, round(frame.seconds * RATE))):
                    file.mux(stream.encode(av.VideoFrame.from_ndarray(np.asarray(frame.picture), format="rgb24")))
            file.mux(stream.encode())
    except (av.error.FFmpegError, UnknownCodecError) as error:
        raise FilmError(f"{path}: {error}") from error
