"""Fused operations for a CPU that computes answers: in native code where that can be built, otherwise in torch."""

from __future__ import annotations

from model.native.ops import linear, linear8, linear_onto, rms_norm, rotate_heads, rotate_pairs, silu_mul, widen

__all__ = ["linear", "linear8", "linear_onto", "rms_norm", "rotate_heads", "rotate_pairs", "silu_mul", "widen"]
