"""How a model is asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Ask:
    """Limits, stop strings, tools, and the pixel budget of each image (None: as the checkpoint says)."""

    max_tokens: int = 512
    stop: Sequence[str] = ("</tool_call>",)
    tools: Sequence[Mapping[str, object]] = ()
    min_pixels: int | None = None
    max_pixels: int | None = None
