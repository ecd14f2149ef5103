"""Attention by the fastest exact route for what is asked.

B batch, H query heads, K key/value heads, T queries, S keys, D head size.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def attend(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None = None, *, causal: bool = False) -> Tensor:
    """Softmax attention of q [B,H,T,D] over k, v [B,K,S,D], scaled by D^-0.5; returns [B,H,T,D].

    `mask` is boolean [B,1,T,S], true where a query may look. `causal` is for T == S without a mask. On a CPU
    that trains, plain matrix products beat torch's fused kernel, whose backward pass is slow there.
    """
    if k.shape[1] != q.shape[1] and q.shape[2] == 1 and mask is None:
        return _one_query(q, k, v)
    if q.requires_grad and q.device.type == "cpu":
        return plain(q, k, v, mask, causal=causal)
    if mask is not None:
        return F.scaled_dot_product_attention(q, k, v, attn_mask=mask, enable_gqa=k.shape[1] != q.shape[1])
    return F.scaled_dot_product_attention(q, k, v, is_causal=causal, enable_gqa=k.shape[1] != q.shape[1])


def plain(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None = None, *, causal: bool = False) -> Tensor:
    """The same maths spelled out; the twin that the fused kernels are tested against."""
    B, H, T, D = q.shape
    K, S = k.shape[1], k.shape[2]
    # the query heads of one key head become rows, so that keys are never repeated
    rows = q.reshape(B, K, H // K * T, D)
    scores: Tensor = (rows @ k.transpose(-1, -2)).view(B, H, T, S) * D**-0.5
    if causal:
        mask = torch.ones(T, S, dtype=torch.bool, device=q.device).tril()
    if mask is not None:
        scores = scores.masked_fill(~mask, torch.finfo(scores.dtype).min)
    weights = scores.float().softmax(-1).to(q.dtype).view(B, K, H // K * T, S)
    return (weights @ v).view(B, H, T, D)


def _one_query(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Decoding one token: fold the query heads of a group into rows, so that no key is repeated or masked."""
    B, H, _, D = q.shape
    K = k.shape[1]
    return F.scaled_dot_product_attention(q.reshape(B, K, H // K, D), k, v).reshape(B, H, 1, D)
