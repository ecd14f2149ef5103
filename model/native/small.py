"""All layers of a small network in one native call, for a decoder and for a vision tower.

Where layers are small, asking torch for each of their some twenty operations takes longer than they do themselves.
Products of matrices are those of torch's own library, whose sgemm the calls are handed; where it has none, and in
bfloat16, only a few tokens of a decoder are served.

T tokens, N patches, C hidden size, H query heads, K key/value heads, D head size, I width between gate and down.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import TypeAlias

import torch
from torch import Tensor

from model.native import build
from model.native.ops import TYPES

SMALL = 2**21
"""Most weights of a layer for which its operations cost less than asking for them."""

Parts: TypeAlias = Sequence[Tensor]
"""Weights of a layer of a decoder: the norm before attention, weight and bias of q, of k and of v, the weight of o, the
norm before the MLP, the weights of gate, up and down. Of a block of a tower: the norm before attention, weight and
bias of qkv and of proj, the norm before the MLP, weight and bias of gate, of up and of down."""

Span: TypeAlias = tuple[int, int]
"""First patch, and how many."""

_AT, _INT, _REAL, _COUNT = ctypes.c_void_p, ctypes.c_int64, ctypes.c_float, ctypes.c_int


def decodes(x: Tensor, layers: Sequence[Parts], held: Sequence[Tensor]) -> bool:
    """Whether `decode` takes these: tokens x [1,T,C], small layers, all of one type on the CPU and in order."""
    many = x.shape[1] > build.MOST
    if x.shape[0] != 1 or x.dtype not in TYPES or (many and (x.dtype is not torch.float32 or _gemm() is None)):
        return False
    return _small(x, layers) and all(_alike(kept, x) for kept in held)


def decode(
    x: Tensor,
    rotation: tuple[Tensor, Tensor],
    layers: Sequence[Parts],
    held: Sequence[Tensor],
    length: int,
    *,
    eps: float,
    last: int | None = None,
    sees: Tensor | None = None,
) -> Tensor:
    """Hidden states [1,T,C] behind all layers, before the last norm, or of the `last` tokens alone.

    The tokens see all before them, and of each other those up to themselves, or what `sees` [T,T] says. `rotation` is
    cos and sin [1,1,T,D] in the type of x. `held` [2,1,K,room,D] are keys and values of each layer, of which the first
    `length` rows count; those of the T tokens are written behind them.
    """
    y, (cos, sin) = x.clone(memory_format=torch.contiguous_format), (part.contiguous() for part in rotation)
    T, C, width = x.shape[1], x.shape[2], layers[0][9].shape[0]
    K, room, D = held[0].shape[2:]
    heads = layers[0][1].shape[0] // D
    wanted = T if last is None else min(last, T)
    allowed = None if sees is None else sees.to(torch.uint8).contiguous()
    _function("decode", x.dtype, (*(_AT,) * 6, _REAL, _AT, _COUNT))(
        y.data_ptr(),
        cos.data_ptr(),
        sin.data_ptr(),
        None if allowed is None else allowed.data_ptr(),
        _addresses(part for parts, kept in zip(layers, held, strict=True) for part in (*parts, *kept)),
        (_INT * 10)(len(layers), T, wanted, C, heads, K, D, width, length, room),
        eps,
        _gemm(),
        torch.get_num_threads(),
    )
    return y[:, T - wanted :]


def looks(x: Tensor, blocks: Sequence[Parts]) -> bool:
    """Whether `look` takes these: patches x [N,C] and small blocks in float32 on the CPU and in order."""
    return x.dtype is torch.float32 and _gemm() is not None and _small(x, blocks)


def look(
    x: Tensor,
    rotation: tuple[Tensor, Tensor],
    blocks: Sequence[Parts],
    windows: Sequence[Span],
    frames: Sequence[Span],
    full: Sequence[bool],
    *,
    heads: int,
    eps: float,
) -> Tensor:
    """What blocks of a tower make of patches x [N,C], of which each sees its window, or, where `full`, its frame.

    `rotation` is cos and sin [N,D] in float32.
    """
    y, (cos, sin) = x.clone(memory_format=torch.contiguous_format), (part.contiguous() for part in rotation)
    numbers = [number for span in (*windows, *frames) for number in span]
    _function("look", x.dtype, (*(_AT,) * 6, *(_INT,) * 7, _REAL, _AT, _COUNT))(
        y.data_ptr(),
        cos.data_ptr(),
        sin.data_ptr(),
        _addresses(part for parts in blocks for part in parts),
        bytes(full),
        (_INT * len(numbers))(*numbers),
        *(len(windows), len(frames), len(blocks), *x.shape, heads, blocks[0][6].shape[0]),
        eps,
        _gemm(),
        torch.get_num_threads(),
    )
    return y


def _small(x: Tensor, layers: Sequence[Parts]) -> bool:
    """Whether there is something to do, nobody wants gradients, and all weights are small and as x is."""
    if not x.numel() or torch.is_grad_enabled() or not x.is_cpu or build.kernels() is None:
        return False
    if not layers or not layers[0] or sum(part.numel() for part in layers[0]) > SMALL:
        return False
    return all(_alike(part, x) for parts in layers for part in parts)


def _alike(part: Tensor, x: Tensor) -> bool:
    return part.dtype is x.dtype and part.is_cpu and part.is_contiguous()


def _addresses(parts: Iterable[Tensor]) -> ctypes.Array[ctypes.c_void_p]:
    found = [part.data_ptr() for part in parts]
    return (_AT * len(found))(*found)


@cache
def _function(name: str, dtype: torch.dtype, signature: tuple[type, ...]) -> ctypes._NamedFuncPointer:
    library = build.kernels()
    assert library is not None
    function = library[f"{name}_{TYPES[dtype]}"]
    function.argtypes, function.restype = signature, None
    return function


@cache
def _gemm() -> int | None:
    """Where torch's sgemm begins; None where its library shows none."""
    path = Path(torch.__file__).parent / "lib" / "libtorch_cpu.so"
    try:
        return ctypes.cast(ctypes.CDLL(str(path))["sgemm_"], _AT).value
    except (OSError, AttributeError):
        return None
