"""What fine-tuning is told: which checkpoint, which samples, what moves, and how fast."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

import torch

from model.train.loop import Run
from model.train.moving import PARTS
from model.train.optimiser import Rates
from model.train.records import Frame

DTYPES = {"bfloat16": torch.bfloat16, "float32": torch.float32}


class TuningError(ValueError):
    """Settings that cannot be followed: which, and what would be right."""


@dataclass(frozen=True)
class Lora:
    """Adapters of a rank, scaled by alpha / rank, and whether the vision tower has some too."""

    rank: int = 16
    alpha: int = 32
    vision: bool = False


@dataclass(frozen=True)
class Material:
    """Files of samples and how often an epoch has each; in which size they write coordinates; budgets of pixels."""

    files: tuple[tuple[Path, float], ...]
    frame: Frame = "seen"
    min_pixels: int | None = None
    max_pixels: int | None = None
    longest: int = 8192  # tokens of a sample


@dataclass(frozen=True)
class Tuning:
    """What is taught to which checkpoint, how, and how fast; `run` says where it is written and when it ends."""

    model: Path
    material: Material
    run: Run
    train: tuple[str, ...] = ("merger", "decoder")  # parts, or patterns of names
    lora: Lora | None = None
    rates: Rates = field(default_factory=lambda: Rates(1e-5, decay=0.0, betas=(0.9, 0.999), clip=1.0))
    epochs: float | None = None  # behind which it ends too
    batch: int = 8  # samples an update, of all processes together
    row: int = 8192  # tokens of a row
    seed: int = 0
    dtype: str = "bfloat16"  # what is computed in; masters are float32
    device: str = "cpu"
    saving: bool = False  # of memory: blocks are computed twice
    shards: bool = False  # each process keeps its part of the network alone

    @property
    def patterns(self) -> tuple[str, ...]:
        """Patterns of the names of parameters that move."""
        if self.lora is not None:
            return ("*.lora_",)
        return tuple(chain.from_iterable(PARTS.get(name, (name,)) for name in self.train))
