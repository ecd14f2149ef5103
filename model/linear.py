"""Linear maps as answers need them: fast where few rows come, and in int8 where that is asked for.

T rows, K columns in, N out, V vocabulary, R rows that are wanted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TypeAlias

import torch
from torch import Tensor, nn

from model import native

BLOCK = 4096
"""Rows that are made int8 at a time, which bounds what that takes."""

LEVELS = 127
"""Steps of an int8 weight to either side of 0."""

PART = 8
"""Where more than one in so many rows of a head is wanted, all are computed: rows apart have to be copied."""


class Linear(nn.Linear):
    """x W^T + b. Decoding asks it for one row at a time, and then reads its weights as fast as memory gives them."""

    def forward(self, x: Tensor) -> Tensor:
        return native.linear(x, self.weight, self.bias)

    def project(self, x: Tensor, rows: Tensor | None = None) -> Tensor:
        """x [..., K] times the weights, or their `rows` [R] in that order."""
        return _project(x, self.weight, rows)


class Embedding(nn.Embedding):
    """Vectors of tokens, and, where the head is tied to them, the head."""

    def project(self, x: Tensor, rows: Tensor | None = None) -> Tensor:
        """As `Linear.project`."""
        return _project(x, self.weight, rows)


class Linear8(nn.Module):
    """A linear map whose weights are int8, each of its rows with a scale of its own."""

    def __init__(self, inside: int, outside: int, *, bias: bool) -> None:
        super().__init__()
        self.weight = _fixed(torch.empty(outside, inside, dtype=torch.int8))
        self.scale = _fixed(torch.empty(outside, dtype=torch.float32))
        self.bias = nn.Parameter(torch.empty(outside)) if bias else None

    def forward(self, x: Tensor) -> Tensor:
        return native.linear8(x, self.weight, self.scale, self.bias)

    def project(self, x: Tensor, rows: Tensor | None = None) -> Tensor:
        """As `Linear.project`."""
        return _project8(x, self.weight, self.scale, rows)


class Embedding8(nn.Module):
    """As `Embedding`, in int8; its vectors come out as `dtype`."""

    def __init__(self, count: int, size: int, dtype: torch.dtype) -> None:
        super().__init__()
        self.weight = _fixed(torch.empty(count, size, dtype=torch.int8))
        self.scale = _fixed(torch.empty(count, dtype=torch.float32))
        self.dtype = dtype

    def forward(self, tokens: Tensor) -> Tensor:
        """[...] -> [..., size]."""
        return (self.weight[tokens].float() * self.scale[tokens].unsqueeze(-1)).to(self.dtype)

    def project(self, x: Tensor, rows: Tensor | None = None) -> Tensor:
        """As `Linear.project`."""
        return _project8(x, self.weight, self.scale, rows)


def onto(part: nn.Module, y: Tensor, x: Tensor) -> Tensor:
    """y [..., N] plus what `part`, a linear map or what stands in its place, makes of x [..., K]."""
    if isinstance(part, Linear):
        return native.linear_onto(y, x, part.weight, part.bias)
    return y + part(x)  # type: ignore[no-any-return]


Head: TypeAlias = Linear | Embedding | Linear8 | Embedding8
"""What turns hidden states into logits."""


def shrink(part: nn.Module, dtype: torch.dtype) -> None:
    """Put int8 maps in the places of the linear maps and embeddings inside `part`; what they hold is left open.

    `dtype` is what is computed in.
    """
    for name, child in list(part.named_children()):
        if isinstance(child, Linear):
            setattr(part, name, Linear8(child.in_features, child.out_features, bias=child.bias is not None))
        elif isinstance(child, Embedding):
            setattr(part, name, Embedding8(child.num_embeddings, child.embedding_dim, dtype))
        else:
            shrink(child, dtype)


def quantize(weight: Tensor) -> tuple[Tensor, Tensor]:
    """int8 [N,K] and scales [N] in float32 that come nearest to weight [N,K], row by row; 0 stays 0."""
    whole, scale = weight.new_empty(weight.shape, dtype=torch.int8), weight.new_empty(len(weight), dtype=torch.float32)
    for start in range(0, len(weight), BLOCK):
        rows = slice(start, start + BLOCK)
        wide = weight[rows].float()
        scale[rows] = wide.abs().amax(dim=1).clamp(min=torch.finfo(torch.float32).tiny) / LEVELS
        whole[rows] = (wide / scale[rows].unsqueeze(1)).round().to(torch.int8)
    return whole, scale


def quantized(tensors: Iterable[tuple[str, Tensor]], wanted: Mapping[str, Tensor]) -> Iterator[tuple[str, Tensor]]:
    """Named tensors, those in int8 that are so in `wanted`, each with its scales behind it."""
    for name, tensor in tensors:
        if wanted[name].dtype is not torch.int8:
            yield name, tensor
            continue
        whole, scale = quantize(tensor)
        yield name, whole
        yield f"{name.removesuffix('weight')}scale", scale


def _fixed(tensor: Tensor) -> nn.Parameter:
    return nn.Parameter(tensor, requires_grad=False)


def _project(x: Tensor, weight: Tensor, rows: Tensor | None) -> Tensor:
    if rows is None:
        return native.linear(x, weight)
    rows = rows.to(weight.device)
    if len(rows) > len(weight) // PART:
        return native.linear(x, weight)[..., rows]
    return native.linear(x, weight[rows])


def _project8(x: Tensor, weight: Tensor, scale: Tensor, rows: Tensor | None) -> Tensor:
    if rows is None:
        return native.linear8(x, weight, scale)
    rows = rows.to(weight.device)
    if len(rows) > len(weight) // PART:
        return native.linear8(x, weight, scale)[..., rows]
    return native.linear8(x, weight[rows], scale[rows])
