"""The operations of kernels.cpp on tensors, each with its twin in plain torch.

The twin serves wherever the kernels do not: on other devices, for other types, where gradients are wanted, and where
nothing could be built. T rows, K and N columns, M few rows, H heads, D head size.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cache
from typing import TypeAlias

import torch
from torch import Tensor
from torch.nn import functional as F

from model.native.build import MOST, kernels
from model.rope import rotate

FEW = 3
"""Rows up to which the kernel of `linear` beats torch, whose own is made for more."""

TYPES = {torch.bfloat16: "bfloat16", torch.float32: "float32"}

Kernel: TypeAlias = Callable[..., None]

_AT, _INT, _REAL, _COUNT = ctypes.c_void_p, ctypes.c_int64, ctypes.c_float, ctypes.c_int
_SIGNATURES = {
    "rms_norm": (_AT, _AT, _AT, _INT, _INT, _REAL, _COUNT),
    "silu_mul": (_AT, _AT, _AT, _INT, _COUNT),
    "rotate_pairs": (_AT, _AT, _AT, _INT, _INT, _INT, _COUNT),
    "rotate_heads": (_AT, _AT, _AT, _AT, _INT, _INT, _INT, _COUNT),
    "linear": (_AT, _AT, _AT, _AT, _INT, _INT, _INT, _COUNT),
    "linear8": (_AT, _AT, _AT, _AT, _AT, _AT, _INT, _INT, _INT, _COUNT),
    "widen": (_AT, _AT, _AT, _INT, _INT, _COUNT),
}


def rms_norm(x: Tensor, weight: Tensor, eps: float) -> Tensor:
    """x / rms(x) * weight over the last dimension of x [..., K]; the mean square is taken in float32."""
    if (kernel := _kernel("rms_norm", x, weight)) is None:
        wide = x.float()
        wide = wide * torch.rsqrt(wide.square().mean(-1, keepdim=True) + eps)
        return weight * wide.to(x.dtype)
    y, K = torch.empty_like(x), x.shape[-1]
    kernel(x.data_ptr(), weight.data_ptr(), y.data_ptr(), x.numel() // K, K, eps, torch.get_num_threads())
    return y


def silu_mul(gate: Tensor, up: Tensor) -> Tensor:
    """silu(gate) * up."""
    if (kernel := _kernel("silu_mul", gate, up)) is None:
        return F.silu(gate) * up
    y = torch.empty_like(gate)
    kernel(gate.data_ptr(), up.data_ptr(), y.data_ptr(), gate.numel(), torch.get_num_threads())
    return y


def rotate_pairs(qkv: Tensor, cos: Tensor, sin: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """q, k, v [T,H,D] of qkv [T,3,H,D], the first two rotated by halves with cos, sin [T,D], all in float32.

    `qkv` may be written to.
    """
    wide = cos.dtype is torch.float32 and _kernel("rotate_pairs", cos, sin)
    kernel = _kernel("rotate_pairs", qkv) if wide else None
    if kernel is None:
        turned = rotate(qkv[:, :2].float(), (cos[:, None, None], sin[:, None, None])).to(qkv.dtype)
        return turned[:, 0], turned[:, 1], qkv[:, 2]
    T, _, H, D = qkv.shape
    kernel(qkv.data_ptr(), cos.data_ptr(), sin.data_ptr(), T, H, D, torch.get_num_threads())
    return qkv[:, 0], qkv[:, 1], qkv[:, 2]


def rotate_heads(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """x [B,T,H*D] as heads [B,H,T,D], rotated by halves with cos, sin [B,1,T,D] of its type."""
    B, T, D = x.shape[0], x.shape[1], cos.shape[-1]
    kernel = _kernel("rotate_heads", x, cos, sin) if B == 1 else None
    if kernel is None:
        return rotate(x.view(B, T, -1, D).transpose(1, 2), (cos, sin))
    H = x.shape[2] // D
    y = x.new_empty(1, H, T, D)
    kernel(x.data_ptr(), cos.data_ptr(), sin.data_ptr(), y.data_ptr(), T, H, D, torch.get_num_threads())
    return y


def linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """x [..., K] times weight [N,K], plus bias [N]: of few rows, what decoding spends its time on, reading weights."""
    M, (N, K) = x.numel() // x.shape[-1], weight.shape
    if x.dtype is not torch.bfloat16 or not M or (kernel := _kernel("linear", x, weight, bias)) is None:
        return F.linear(x, weight, bias)
    if M > FEW:  # a product that adds the bias itself; torch's own copies it over all rows first
        return F.linear(x, weight) if bias is None else _fused()(x, weight, bias, "none", [], "")
    y = x.new_empty(*x.shape[:-1], N)
    added = 0 if bias is None else bias.data_ptr()
    kernel(x.data_ptr(), weight.data_ptr(), added, y.data_ptr(), M, K, N, torch.get_num_threads())
    return y


def linear_onto(y: Tensor, x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """y [..., N] plus `linear` of the others, which in float32 sums up to it and needs no addition of its own."""
    if y.dtype is not torch.float32 or y.device.type != "cpu" or torch.is_grad_enabled():
        return y + linear(x, weight, bias)
    N, K = weight.shape
    sums = torch.addmm(y.reshape(-1, N), x.reshape(-1, K), weight.t())
    return (sums if bias is None else sums.add_(bias)).view(y.shape)


def linear8(x: Tensor, weight: Tensor, scale: Tensor, bias: Tensor | None = None) -> Tensor:
    """The same for int8 weight [N,K] of which row n counts `scale[n]` (float32); x is read to 16 bits.

    Many rows of x are multiplied with the weights widened to its type.
    """
    M, (N, K) = x.numel() // x.shape[-1], weight.shape
    kernel = _kernel("linear8", x, bias) if 0 < M <= MOST else None
    if kernel is None or not _whole(weight, scale):
        return F.linear(x, widen(weight, scale, x.dtype), bias)
    y, spare = x.new_empty(*x.shape[:-1], N), torch.empty(2 * M * K, dtype=torch.int8)
    kernel(
        x.data_ptr(),
        weight.data_ptr(),
        scale.data_ptr(),
        0 if bias is None else bias.data_ptr(),
        y.data_ptr(),
        spare.data_ptr(),
        M,
        K,
        N,
        torch.get_num_threads(),
    )
    return y


def widen(weight: Tensor, scale: Tensor, dtype: torch.dtype) -> Tensor:
    """int8 weight [N,K], row n times `scale[n]`, in another type."""
    y = torch.empty(weight.shape, dtype=dtype, device=weight.device)
    if (kernel := _kernel("widen", y)) is None or not _whole(weight, scale):
        return (weight.float() * scale.unsqueeze(1)).to(dtype)
    kernel(weight.data_ptr(), scale.data_ptr(), y.data_ptr(), *weight.shape, torch.get_num_threads())
    return y


@cache
def _fused() -> Callable[..., Tensor]:
    """oneDNN's linear map, which torch has for its compiler alone; torch's public one where it is gone."""
    if hasattr(torch.ops.mkldnn, "_linear_pointwise"):
        return torch.ops.mkldnn._linear_pointwise
    return lambda x, weight, bias, *_: F.linear(x, weight, bias)


def _kernel(name: str, first: Tensor, *others: Tensor | None) -> Kernel | None:
    """The kernel of that name, if it serves these tensors: on the CPU, of one type, in order, no gradients wanted."""
    if first.dtype not in TYPES or torch.is_grad_enabled():
        return None
    for tensor in (first, *others):
        if tensor is None:
            continue
        if tensor.dtype is not first.dtype or tensor.device.type != "cpu" or not tensor.is_contiguous():
            return None
    return _find(name, first.dtype)


def _whole(weight: Tensor, scale: Tensor) -> bool:
    """Whether int8 weights and their scales are as the kernels read them."""
    kinds = (weight.dtype, scale.dtype) == (torch.int8, torch.float32)
    return kinds and weight.is_contiguous() and scale.is_contiguous()


@cache
def _find(name: str, dtype: torch.dtype) -> Kernel | None:
    if (library := kernels()) is None:
        return None
    function = library[f"{name}_{TYPES[dtype]}"]
    function.argtypes, function.restype = _SIGNATURES[name], None
    return function
