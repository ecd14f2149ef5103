"""Samples as the trainer takes them: tokens, pixels, and what is to be learnt from each.

Shards are the files that the screen generators write: `images` (PNG files end to end), `offsets`, and `samples`
(JSON). The sides of a picture are whole image tokens. A glyph label has one line a patch (processor order) and
`SLOTS` columns: the characters whose middle lies in that patch, left to right, then blanks.
"""

from __future__ import annotations

import io
import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from tokenizers import Tokenizer
from torch import Tensor

SLOTS = 3
CHARACTERS = "".join(chr(code) for code in range(33, 127))
BLANK = len(CHARACTERS)
CLASSES = BLANK + 1
IGNORE = -100

Box: TypeAlias = tuple[int, int, int, int]


@dataclass(frozen=True)
class Turn:
    """One question about a picture: prompt before it, answer after it, and where the answer points."""

    prompt: str
    answer: str
    box: Box | None
    boxes: tuple[Box, ...] = ()  # every place that is as right


@dataclass(frozen=True)
class Picture:
    """PNG bytes with the glyphs on it and the turns that can be asked; `kind` names its source."""

    kind: str
    png: bytes
    glyphs: tuple[tuple[str, int, int, int, int], ...]
    turns: tuple[Turn, ...]

    @cached_property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        with Image.open(io.BytesIO(self.png)) as image:
            return image.size

    def pixels(self) -> NDArray[np.uint8]:
        """uint8 [H,W,3]."""
        return np.asarray(Image.open(io.BytesIO(self.png)).convert("RGB"))


def read_shard(path: Path) -> list[Picture]:
    """Every picture of one shard file."""
    with np.load(path) as data:
        images, offsets = data["images"].tobytes(), data["offsets"].tolist()
        records = json.loads(data["samples"].tobytes())["images"]
    return [_picture(images[a:b], record) for (a, b), record in zip(pairwise(offsets), records, strict=True)]


def _picture(png: bytes, record: dict[str, Any]) -> Picture:
    turns = tuple(_turn(target) for target in record["targets"])
    glyphs = tuple((g[0], *map(int, g[1:])) for g in record["glyphs"])
    return Picture(record.get("kind", ""), png, glyphs, turns)


def _turn(target: dict[str, Any]) -> Turn:
    box = tuple(target["box"]) if target["box"] else None
    return Turn(target["prompt"], target["answer"], box, tuple(map(tuple, target.get("boxes", ()))))


class Source:
    """An endless stream of pictures from a folder of shards, which may grow while it is read."""

    def __init__(self, folder: Path, seed: int, rank: int = 0, ranks: int = 1) -> None:
        self.folder, self.random = folder, random.Random(f"{seed}/{folder.name}/{rank}")
        self.rank, self.ranks = rank, ranks

    def __iter__(self) -> Iterator[Picture]:
        while True:
            there = sorted(self.folder.glob("shard-*.npz"))
            shards = there[self.rank :: self.ranks] or there  # with fewer than processes, each in an order of its own
            if not shards:
                raise FileNotFoundError(f"{self.folder}: holds no shard-*.npz")
            chosen = [read_shard(path) for path in self.random.sample(shards, min(4, len(shards)))]
            pool = [picture for shard in chosen for picture in shard]
            self.random.shuffle(pool)
            yield from pool


def glyph_labels(glyphs: Sequence[tuple[str, int, int, int, int]], height: int, width: int, patch: int) -> Tensor:
    """Character classes [N,SLOTS] of a picture's patches in merge-block order (merge 2), BLANK where none."""
    rows, cols = height // patch, width // patch
    labels = np.full((rows, cols, SLOTS), BLANK, dtype=np.int64)
    filled = np.zeros((rows, cols), dtype=np.int64)
    for character, x0, y0, x1, y1 in sorted(glyphs, key=lambda g: g[1] + g[3]):
        r, c = (y0 + y1) // 2 // patch, (x0 + x1) // 2 // patch
        if len(character) != 1 or not (0 <= r < rows and 0 <= c < cols):
            continue
        if (code := CHARACTERS.find(character)) < 0 or filled[r, c] >= SLOTS:
            continue
        labels[r, c, filled[r, c]] = code
        filled[r, c] += 1
    blocks = labels.reshape(rows // 2, 2, cols // 2, 2, SLOTS).transpose(0, 2, 1, 3, 4)
    return torch.from_numpy(blocks.reshape(rows * cols, SLOTS).copy())


@dataclass(frozen=True)
class Encoded:
    """One turn as tokens: ids, where the answer begins, and the places that predict its coordinates."""

    ids: tuple[int, ...]
    answer: int
    box: Box | None
    image: bool = True


class Encoder:
    """Turns a turn into tokens exactly as the checkpoint's chat template does for one user message."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self.tokenizer = tokenizer
        tokenizer.encode_special_tokens = True  # what a page or a person wrote is text, whatever it spells
        ids = {name: _id(tokenizer, name) for name in ("<|im_start|>", "<|im_end|>", "<|image_pad|>")}
        start, self.end, self.pad = ids["<|im_start|>"], ids["<|im_end|>"], ids["<|image_pad|>"]
        newline = self.text("\n")
        self.head = (start, *self.text("user\n"))
        self.seen = (_id(tokenizer, "<|vision_start|>"), _id(tokenizer, "<|vision_end|>"))
        self.tail = (self.end, *newline, start, *self.text("assistant\n"))

    def text(self, text: str) -> tuple[int, ...]:
        """Ids of plain text."""
        return tuple(self.tokenizer.encode(text, add_special_tokens=False).ids)

    def __call__(self, turn: Turn, image: int) -> Encoded:
        """The turn with a picture of so many tokens, 0 for none."""
        picture = (self.seen[0], *(self.pad,) * image, self.seen[1]) if image else ()
        front = (*self.head, *self.text(turn.prompt), *picture, *self.tail)
        return Encoded((*front, *self.text(turn.answer), self.end), len(front), turn.box, image > 0)


def _id(tokenizer: Tokenizer, name: str) -> int:
    if (found := tokenizer.token_to_id(name)) is None:
        raise ValueError(f"the tokenizer has no token {name!r}")
    return int(found)
