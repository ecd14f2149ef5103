"""Frames out of a video file, decoded by PyAV (the extra `video`).

A file is data from anywhere: it is opened as bytes, by the demuxers named here and no others, so that a play list
cannot make the decoder open other files or addresses.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fractions import Fraction
from io import SEEK_END
from pathlib import Path
from typing import BinaryIO, cast

import av
import numpy as np
from av.buffer import Buffer
from av.container import InputContainer
from av.error import FFmpegError
from av.stream import Disposition
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

from model.image import PIXELS, rgb
from model.video import REFERENCE, Clip, Sampling, VideoError, VideoProcessor, resized

FORMATS = "mov,matroska,webm,avi,gif,mpegts,mpeg,mpegvideo,flv,ogg,asf,m4v,h264,hevc,mjpeg,apng,ivf,y4m,yuv4mpegpipe"
"""Demuxers that read one file and open no other."""

KNOWN = "MP4, MOV, WebM, Matroska, AVI, MPEG, GIF"
BYTES = 2**31
"""Most memory for the frames of one video."""

LENGTH = 2**24
"""Most frames of a file, three days at 60 a second."""

SLACK = 500_000
"""Most microseconds by which a Matroska file may end before the time in its head."""

AGREE = 0.01
"""How far the rate in a file's head may be from the rate of its frames, to be believed as the exact one."""

LOST = 8
"""Frames that may fail to decode, as the first ones of a cut recording do; the frame before stands for the last."""


@dataclass(frozen=True)
class Reel:
    """What a look through the packets tells: how many frames there are, when each shows, how many a second."""

    times: tuple[int, ...]  # in order, units of the stream's time base; a count where the file has no times
    rate: float

    @property
    def steady(self) -> bool:
        """Whether every frame shows within half a frame of where a constant rate has it."""
        even = np.linspace(self.times[0], self.times[-1], len(self.times))
        gap = (self.times[-1] - self.times[0]) / max(len(self.times) - 1, 1)
        return bool(np.abs(even - self.times).max() <= gap / 2)

    def choose(self, sampling: Sampling) -> list[int]:
        """Places of the frames to take; where the rate varies, those that show nearest to evenly spread times."""
        total = len(self.times)
        if self.steady:
            return sampling.indices(total, self.rate)
        wanted = np.linspace(self.times[0], self.times[-1], sampling.count(total, self.rate))
        return [int(np.abs(np.asarray(self.times) - time).argmin()) for time in wanted]


def read_video(path: Path, sampling: Sampling = REFERENCE, processor: VideoProcessor | None = None) -> Clip:
    """The frames that `sampling` takes of a video file, upright, transparency over white.

    With a `processor` they come at the size it would make of them, so that a long video fits in memory. Raises
    `VideoError`, which names the file.
    """
    if processor is not None and processor.most < sampling.max_frames:
        most = max(processor.most, 2)
        sampling = replace(sampling, min_frames=min(sampling.min_frames, most), max_frames=most)
    try:
        with _opened(path) as (container, stream):
            reel = _look(container, stream)
        chosen = reel.choose(sampling)
        with _opened(path) as (container, stream):
            return _take(container, stream, reel, chosen, processor)
    except VideoError as error:
        raise VideoError(f"{path}: {error}") from None
    except OSError as error:  # FFmpegError is one as well, where the system has a number for it
        raise VideoError(f"{path}: cannot be read: {error.strerror}; expected {KNOWN}") from None
    except FFmpegError as error:
        raise VideoError(f"{path}: cannot be decoded: {error.strerror}; expected {KNOWN}, whole") from None


@contextmanager
def _opened(path: Path) -> Iterator[tuple[InputContainer, VideoStream]]:
    """The file's container and its first video stream."""
    with path.open("rb") as file, _container(file) as container:
        films = [each for each in container.streams.video if not each.disposition & Disposition.attached_pic]
        if not films:  # the cover of a song is none
            raise VideoError(f"no video stream in it; expected {KNOWN}")
        stream = films[0]
        if stream.codec_context is None or not stream.width or not stream.height:
            raise VideoError(f"a video stream of unknown codec or size; expected {KNOWN}")
        _bound(stream.width, stream.height)
        if container.format.name == "gif" and not _ends(file):
            raise VideoError("the GIF has no end; expected a whole file")
        stream.thread_type = "AUTO"
        yield container, stream


def _container(file: BinaryIO) -> InputContainer:
    options = {"format_whitelist": FORMATS, "protocol_whitelist": "none"}
    try:
        return av.open(file, "r", container_options=options, metadata_errors="replace")
    except (FFmpegError, OSError) as error:
        raise VideoError(f"not a video that can be read ({error.strerror}); expected {KNOWN}, whole") from None


def _ends(file: BinaryIO) -> bool:
    """Whether a GIF's last byte is the one that closes it; the place in the file is kept."""
    place = file.tell()
    file.seek(-min(1024, file.seek(0, SEEK_END)), SEEK_END)
    tail = file.read()
    file.seek(place)
    return tail.rstrip(b"\0").endswith(b";")


def _bound(width: int, height: int) -> None:
    if width * height > PIXELS:
        raise VideoError(f"frames of {width}x{height} pixels; expected at most {PIXELS} pixels")


def _look(container: InputContainer, stream: VideoStream) -> Reel:
    """Go through the packets, decoding none. Raises `VideoError` where some are missing."""
    times: list[int] = []
    packets = end = 0
    lasting = True
    for packet in container.demux():
        time = packet.dts if packet.pts is None else packet.pts
        if packet.size and time is not None and packet.time_base is not None:
            end = max(end, int(1_000_000 * (time + (packet.duration or 0)) * packet.time_base))
            lasting = lasting and bool(packet.duration)
        if packet.stream_index != stream.index or not packet.size:
            continue
        packets += 1
        if packet.is_corrupt:
            raise VideoError(f"frame {packets} is cut short; expected a whole file")
        if not packet.is_discard:
            times.append(len(times) if time is None else time)  # a raw stream has no times
        if packets > LENGTH:
            raise VideoError(f"more than {LENGTH} frames; expected a shorter video")
    if packets < stream.frames:
        raise VideoError(f"only {packets} of its {stream.frames} frames are there; expected a whole file")
    if "matroska" in container.format.name:
        _ended(container.duration or 0, end, lasting)
    if not times:
        raise VideoError("no frame in its video stream; expected at least one")
    return Reel(tuple(sorted(times)), float(_rate(stream, times)))


def _ended(told: int, end: int, lasting: bool) -> None:
    """Compare where the packets end with what the head says; `lasting` is whether each says how long it shows."""
    slack = min(SLACK, told // 10) if lasting else SLACK
    if end + slack < told:
        raise VideoError(f"it ends after {end / 1e6:.2f} of {told / 1e6:.2f} seconds; expected a whole file")


def _rate(stream: VideoStream, times: list[int]) -> Fraction:
    """Frames a second: as the times of the frames have it; as the file says where they agree or tell nothing."""
    told = stream.average_rate or stream.guessed_rate
    span = (max(times) - min(times)) * (stream.time_base or Fraction(0))
    if not stream.time_base or not span or max(times) < len(times):
        return told or Fraction(1)
    found = (len(times) - 1) / span
    return told if told and abs(found / told - 1) < AGREE else found


def _take(
    container: InputContainer,
    stream: VideoStream,
    reel: Reel,
    chosen: list[int],
    processor: VideoProcessor | None,
) -> Clip:
    """Decode from the start and keep the chosen frames, all at the size that suits the first."""
    total, count = len(reel.times), -1
    kept: list[NDArray[np.uint8]] = []
    size = shown = (0, 0)
    last: VideoFrame | None = None
    for count, frame in enumerate(container.decode(stream)):
        last = frame
        while len(kept) < len(chosen) and chosen[len(kept)] == count:
            kept.append(_upright(frame))
            if len(kept) == 1:
                shown = (kept[0].shape[1], kept[0].shape[0])
                size = processor.size(len(chosen), *shown) if processor else shown
                _fits(len(chosen), size)
            kept[-1] = resized(kept[-1:], size)[0]
    if last is None or count + 1 < total - LOST:
        raise VideoError(f"only {count + 1} of its {total} frames can be decoded; expected a whole file")
    while len(kept) < len(chosen):
        kept.append(resized([_upright(last)], size or None)[0])
    return Clip(np.stack(kept), len(chosen) / total * reel.rate, shown)


def _fits(frames: int, size: tuple[int, int]) -> None:
    if (wanted := frames * size[0] * size[1] * 3) > BYTES:
        raise VideoError(f"{frames} frames of {size[0]}x{size[1]} pixels take {wanted} bytes; expected at most {BYTES}")


def _upright(frame: VideoFrame) -> NDArray[np.uint8]:
    """uint8 [H,W,3] as it is meant to be looked at."""
    _bound(frame.width, frame.height)
    clear = any(component.is_alpha for component in frame.format.components)
    pixels = rgb(frame.to_ndarray(format="rgba" if clear else "rgb24").astype(np.uint8, copy=False))
    sides = cast(Mapping[str, Buffer], frame.side_data)  # the stub knows one kind of many
    if "DISPLAYMATRIX" not in sides:
        return pixels
    matrix = np.frombuffer(bytes(sides["DISPLAYMATRIX"]), np.int32).tolist()
    return turned(pixels, (matrix[0], matrix[1]), (matrix[3], matrix[4]))


def turned(pixels: NDArray[np.uint8], x: tuple[int, int], y: tuple[int, int]) -> NDArray[np.uint8]:
    """`pixels` [H,W,3] after a quarter turn or mirror: `x` and `y` are where a step right and down will point.

    Of other turns, the nearest one that keeps the picture's sides upright.
    """
    if abs(x[0]) + abs(y[1]) >= abs(x[1]) + abs(y[0]):
        mirror, flip = x[0] < 0, y[1] < 0
    else:
        pixels = pixels.swapaxes(0, 1)
        mirror, flip = y[0] < 0, x[1] < 0
    pixels = pixels[:, ::-1] if mirror else pixels
    return np.ascontiguousarray(pixels[::-1] if flip else pixels)
