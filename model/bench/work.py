"""The work that is timed: screens that change from step to step, the prompts of an episode, and the calls in reply.

Words are random tokens, since time does not depend on what they mean; their numbers are those of a real agent.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from torch import Tensor

from model.config import Config

TURN = 5
"""Tokens between a screen and its call."""

CALL = "f" * 16 + "cc" + "f" * 5 + "ccc" + "f" + "ccc" + "f" * 5
"""A left_click, token by token: forced by the grammar, or a choice."""

CHOICES = 12
"""Tokens among which a choice is made: ten digits and what may end a number."""


def screen(number: int, size: tuple[int, int] = (1280, 720)) -> NDArray[np.uint8]:
    """A made-up page, drawn anew for each number: panels, lines of text, and noise where a photo would be."""
    rng = np.random.default_rng(number)
    width, height = size
    picture = Image.new("RGB", size, tuple(int(c) for c in rng.integers(200, 255, 3)))
    draw = ImageDraw.Draw(picture)
    for _ in range(12):
        x, y = int(rng.integers(0, width - 40)), int(rng.integers(0, height - 20))
        box = (x, y, x + int(rng.integers(40, 400)), y + int(rng.integers(20, 120)))
        draw.rectangle(box, fill=tuple(int(c) for c in rng.integers(0, 255, 3)), outline=(90, 90, 90))
    for y in range(8, height, 22):
        words = " ".join("".join(chr(97 + int(c)) for c in rng.integers(0, 26, 6)) for _ in range(width // 50))
        draw.text((int(rng.integers(4, 40)), y), words, fill=(20, 20, 20))
    pixels = np.array(picture)
    photo = pixels[height // 2 : height // 2 + 120, width // 2 : width // 2 + 160]
    photo[:] = rng.integers(0, 256, photo.shape)
    pixels.setflags(write=False)  # as screenshots are
    return pixels


def changed(pixels: NDArray[np.uint8], number: int, share: float = 0.1, side: int = 112) -> NDArray[np.uint8]:
    """The same page with `share` of its tiles of `side` pixels drawn over."""
    rng = np.random.default_rng(number)
    out = pixels.copy()
    tiles = [(y, x) for y in range(0, out.shape[0], side) for x in range(0, out.shape[1], side)]
    for place in rng.choice(len(tiles), max(1, round(share * len(tiles))), replace=False):
        y, x = tiles[int(place)]
        # well inside its window, so that the resampling does not reach into the next one
        part = out[y + 24 : y + side - 24, x + 24 : x + side - 24]
        part[:] = rng.integers(0, 256, part.shape)
    return out


@dataclass(frozen=True)
class Load:
    """How large the work is: a screen in pixels, and tokens before the first one, of the system turn and the task."""

    screen: tuple[int, int] = (1280, 720)
    words: int = 862 + 39


class Words:
    """Random words of a vocabulary that are no special tokens."""

    def __init__(self, config: Config, seed: int = 0) -> None:
        self.config, self.rng = config, np.random.default_rng(seed)
        special = [
            config.image_token_id,
            config.video_token_id,
            config.vision_start_token_id,
            config.vision_end_token_id,
        ]
        self.pool = np.setdiff1d(np.arange(config.text.vocab_size), special)
        self.opening, self.closing = (config.vision_start_token_id,), (config.vision_end_token_id,)

    def some(self, count: int) -> tuple[int, ...]:
        """So many of them, no two alike where there are enough."""
        return tuple(self.rng.choice(self.pool, count, replace=count > len(self.pool)).tolist())


class Episode:
    """The prompts of one episode, whose calls are told one after the other.

    With `newest` earlier screens are left out, and their calls stand as text in front of the one screen there is.
    """

    def __init__(self, config: Config, units: int, load: Load, *, newest: bool = False) -> None:
        self.config, self.units, self.newest = config, units, newest
        self.words = Words(config)
        self.start = self.words.some(load.words)
        self.calls: list[tuple[int, ...]] = []
        self.links: list[tuple[int, ...]] = [self.words.some(TURN)]

    def tell(self, call: Sequence[int]) -> None:
        """What was replied to the newest screen."""
        self.calls.append(tuple(call))
        self.links.append(self.words.some(TURN))

    def prompt(self) -> tuple[int, ...]:
        """Tokens of the next step's prompt, image tokens repeated."""
        picture = (*self.words.opening, *(self.config.image_token_id,) * self.units, *self.words.closing)
        told = [token for link, call in zip(self.links, self.calls, strict=False) for token in (*link, *call)]
        if self.newest:
            return (*self.start, *told, *picture, *self.links[-1])
        tokens = list(self.start)
        for link, call in zip(self.links, self.calls, strict=False):
            tokens += (*picture, *link, *call)
        return (*tokens, *picture, *self.links[-1])

    @property
    def shown(self) -> int:
        """Screens that the prompt holds."""
        return 1 if self.newest else len(self.links)


class Script:
    """A grammar that allows one call: forced tokens, and choices among a few. A `Guide`."""

    def __init__(self, words: Words) -> None:
        self.slots = [words.some(1 if kind == "f" else CHOICES) for kind in CALL]
        self.at = 0

    @property
    def done(self) -> bool:
        return self.at == len(self.slots)

    @staticmethod
    def chosen() -> list[int]:
        """The places of choices in a call."""
        return [place for place, kind in enumerate(CALL) if kind == "c"]

    def forced(self) -> tuple[int, ...]:
        coming: list[int] = []
        for slot in self.slots[self.at :]:
            if len(slot) > 1:
                break
            coming += slot
        return tuple(coming)

    def allowed(self) -> Tensor:
        return torch.tensor(sorted(self.slots[self.at]))

    def fork(self) -> Script:
        return copy(self)  # the slots are never written to

    def take(self, tokens: Sequence[int]) -> None:
        self.at += len(tokens)
