"""Training data on disk: a folder of `shard-00000.npz` files, each written whole or not at all.

A shard is an uncompressed `np.savez` of three arrays: `images`, the PNG files of its pictures end to end (uint8);
`offsets`, where each begins and the last ends (int64, one more than pictures); `samples`, a JSON object in UTF-8
bytes (uint8): `{"images": [record, ...]}` with one record per picture, in the same order.

A picture's sides are multiples of `UNIT` pixels. A record is
`{"kind": str, "glyphs": [[character, x0, y0, x1, y1], ...], "targets": [target, ...]}`. Boxes are integer pixels of the
picture, half open, clipped to the picture. A target holds

* `instruction`, and `history`, the JSON objects of the calls made so far, oldest first;
* `prompt`, the text of the user turn up to the picture, with its closing newline, and `answer`, the assistant's text;
* `box`, where the answer points, and `boxes`, every place that is as right; null and empty unless it is a click.

In a rollout the first target is the task itself; the others ask for words of the same picture, without a history.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydantic import TypeAdapter

Box = tuple[int, int, int, int]
Glyph = tuple[str, int, int, int, int]
Pixels = NDArray[np.uint8]

UNIT = 16
"""Pixels to a side of what the built-in model takes for one token: a picture in training is made of whole ones."""


@dataclass(frozen=True)
class Target:
    """One thing that can be asked about a picture, and the right answer."""

    instruction: str
    prompt: str
    answer: str
    history: tuple[str, ...] = ()
    box: Box | None = None
    boxes: tuple[Box, ...] = ()


@dataclass(frozen=True)
class Record:
    """What is known about one picture."""

    kind: str
    glyphs: tuple[Glyph, ...] = ()
    targets: tuple[Target, ...] = ()


@dataclass(frozen=True)
class Samples:
    """What a shard knows about its pictures, in their order."""

    images: tuple[Record, ...]


_SAMPLES = TypeAdapter(Samples)


@dataclass
class Shard:
    """Pictures and records that are on their way to one file."""

    images: list[bytes] = field(default_factory=list)
    records: list[Record] = field(default_factory=list)

    def add(self, image: Pixels, record: Record) -> None:
        """Append a picture, uint8 [height, width, 3], with its record."""
        self.images.append(encode(image))
        self.records.append(record)

    def save(self, path: Path) -> None:
        """Write the shard to `path`, which exists only once it is complete."""
        sizes = [len(image) for image in self.images]
        samples = _SAMPLES.dump_json(Samples(tuple(self.records)))
        part = path.with_suffix(f".{os.getpid()}.part")
        with part.open("wb") as file:
            np.savez(
                file,
                images=np.frombuffer(b"".join(self.images), np.uint8),
                offsets=np.cumsum([0, *sizes], dtype=np.int64),
                samples=np.frombuffer(samples, np.uint8),
            )
        part.replace(path)


def encode(image: Pixels) -> bytes:
    """`image` as a PNG file, packed quickly rather than tightly."""
    file = io.BytesIO()
    Image.fromarray(image).save(file, "PNG", compress_level=1)
    return file.getvalue()


def decode(data: bytes) -> Pixels:
    """The pixels of an image file, uint8 [height, width, 3]."""
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image.convert("RGB"))


def shard_path(folder: Path, index: int) -> Path:
    """The file of the shard with this index."""
    return folder / f"shard-{index:05d}.npz"


def shards(folder: Path) -> list[Path]:
    """The complete shards of a folder, in order."""
    return sorted(folder.glob("shard-*.npz"))


def pictures(path: Path) -> int:
    """How many pictures a shard holds."""
    with np.load(path) as file:
        return len(file["offsets"]) - 1


def read_shard(path: Path) -> Iterator[tuple[Pixels, Record]]:
    """Yield each picture, uint8 [height, width, 3], and its record."""
    with np.load(path) as file:
        data, offsets, samples = file["images"].tobytes(), file["offsets"], file["samples"].tobytes()
    records = _SAMPLES.validate_json(samples).images
    for record, start, stop in zip(records, offsets[:-1], offsets[1:], strict=True):
        yield decode(data[start:stop]), record


def read(folder: Path) -> Iterator[tuple[Pixels, Record]]:
    """Yield the pictures and records of every shard of a folder, in order."""
    for path in shards(folder):
        yield from read_shard(path)
