"""Which parameters move, by the beginnings of their names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase

from torch import nn

PARTS: Mapping[str, tuple[str, ...]] = {
    "vision": ("visual.patch_embed.", "visual.blocks."),
    "merger": ("visual.merger.",),
    "decoder": ("model.", "lm_head."),
}
"""Patterns of a network's parts; an untied head is part of the decoder."""


def begins(name: str, patterns: Sequence[str]) -> bool:
    """Whether one of the patterns fits the beginning of `name`; * and ? stand for what they do in names of files."""
    return any(fnmatchcase(name, f"{pattern}*") for pattern in patterns)


def release(named: Mapping[str, nn.Parameter], patterns: Sequence[str]) -> dict[str, nn.Parameter]:
    """Let the parameters that fit move and no others; returns those. ValueError for a pattern that fits none."""
    if idle := [pattern for pattern in patterns if not any(begins(name, [pattern]) for name in named)]:
        wanted = ", ".join(sorted({name.partition(".")[0] + "." for name in named}))
        raise ValueError(f"no parameter begins with {idle[0]!r}; expected names such as {wanted}...")
    for name, parameter in named.items():
        parameter.requires_grad_(begins(name, patterns))
    return {name: parameter for name, parameter in named.items() if parameter.requires_grad}
