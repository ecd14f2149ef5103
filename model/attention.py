"""Attention by the fastest exact route for what is asked, and never a whole matrix of scores over long inputs.

B batch, H query heads, K key/value heads, T queries, S keys, D head size.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple, TypeAlias

import torch
from torch import Tensor
from torch.nn import functional as F

BLOCK = 1024
"""Queries for which a mask is written out at a time."""

PAST = 1024
"""Keys before the queries' own from which on a call without a mask for them alone is faster."""

SHORT = 4096
"""Most queries for which a matrix of scores may be written out, as training on a CPU does."""


class Apart(NamedTuple):
    """Samples that lie end to end in every row and do not see each other: the tokens of each."""

    lengths: tuple[int, ...]


Skip: TypeAlias = Tensor | Apart | None
"""What a token does not see of those before it: the first [B] of its row, which are padding, or other samples."""


_FLASH = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu


def attend(q: Tensor, k: Tensor, v: Tensor, *, causal: bool = False) -> Tensor:
    """Softmax attention of q [B,H,T,D] over k, v [B,K,S,D], scaled by D^-0.5; returns [B,H,T,D].

    `causal` is for T == S. On a CPU that trains, plain matrix products beat torch's fused kernel, whose
    backward pass is slow there; everything else goes to that kernel, which keeps no scores.
    """
    if k.shape[1] != q.shape[1] and q.shape[2] == 1:
        return _one_query(q, k, v, None)
    if q.requires_grad and q.device.type == "cpu" and q.shape[2] <= SHORT:
        return plain(q, k, v, causal=causal)
    return F.scaled_dot_product_attention(q, k, v, is_causal=causal, enable_gqa=k.shape[1] != q.shape[1])


def attend_behind(q: Tensor, k: Tensor, v: Tensor, skip: Skip) -> Tensor:
    """Causal attention where the T queries are the last of the S keys and `skip` [B] first keys are padding.

    A query that is padding itself sees itself alone.
    """
    T, S = q.shape[2], k.shape[2]
    if isinstance(skip, Apart):
        return attend_apart(q, k, v, skip)
    if skip is None and T == S:
        return attend(q, k, v, causal=T > 1)
    if T == 1:
        return _one_query(q, k, v, None if skip is None else visible(S - 1, S, skip, q.device))
    if skip is None and _parts(q, k):
        return _past_and_own(q, k, v)
    return masked(q, k, v, skip)


def attend_apart(q: Tensor, k: Tensor, v: Tensor, samples: Apart) -> Tensor:
    """Causal attention inside each of the samples, which fill the T == S places: no score between two is computed."""
    if sum(samples.lengths) != q.shape[2] or q.shape[2] != k.shape[2]:
        raise ValueError(f"samples of {list(samples.lengths)} tokens; expected them to fill a row of {q.shape[2]}")
    parts = (torch.split(t, list(samples.lengths), dim=2) for t in (q, k, v))
    return torch.cat([attend(*part, causal=True) for part in zip(*parts, strict=True)], dim=2)


def masked(q: Tensor, k: Tensor, v: Tensor, skip: Tensor | None) -> Tensor:
    """The same under masks that are written out for blocks of queries, which bounds what they take."""
    T, S = q.shape[2], k.shape[2]
    gqa = k.shape[1] != q.shape[1]
    if skip is None and T <= BLOCK and not torch.is_grad_enabled():
        mask = _added(S - T, S, q.dtype, q.device)
        return F.scaled_dot_product_attention(q, k, v, attn_mask=mask, enable_gqa=gqa)
    out = []
    for start in range(0, T, BLOCK):
        first, end = S - T + start, min(S - T + start + BLOCK, S)
        mask = visible(first, end, skip, q.device)
        rows, keys, values = q[:, :, start : start + BLOCK], k[:, :, :end], v[:, :, :end]
        out.append(F.scaled_dot_product_attention(rows, keys, values, attn_mask=mask, enable_gqa=gqa))
    return torch.cat(out, dim=2)


def attend_among(q: Tensor, k: Tensor, v: Tensor, sees: Tensor) -> Tensor:
    """Attention where the T queries are the last of the S keys and see all before them, and what `sees` [T,T] says."""
    T, S = q.shape[2], k.shape[2]
    if _parts(q, k):
        return _past_and_own(q, k, v, sees)
    mask = torch.cat((sees.new_ones(T, S - T), sees), dim=1)
    return F.scaled_dot_product_attention(q, k, v, attn_mask=mask, enable_gqa=k.shape[1] != q.shape[1])


def visible(first: int, end: int, skip: Tensor | None, device: torch.device) -> Tensor:
    """Boolean [B or 1, 1, end - first, end]: which keys the queries at places `first` to `end` may look at."""
    places = torch.arange(end, device=device)
    queries = places[first:, None]
    seen = places <= queries
    if skip is None:
        return seen[None, None]
    return ((seen & (places >= skip[:, None, None])) | (places == queries)).unsqueeze(1)


@lru_cache(maxsize=1)
def _added(first: int, end: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """`visible` as what is added to scores; one is kept, which all layers ask for."""
    seen = visible(first, end, None, device)
    return torch.zeros(seen.shape, dtype=dtype, device=device).masked_fill_(~seen, -torch.inf)


def plain(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None = None, *, causal: bool = False) -> Tensor:
    """The same maths spelled out; the twin that the fused kernels are tested against. `mask` is [B,1,T,S]."""
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


def _parts(q: Tensor, k: Tensor) -> bool:
    """Whether the past is worth a call of its own, and torch's kernel for a CPU serves, whose sums join the two."""
    return k.shape[2] - q.shape[2] >= PAST and q.device.type == "cpu" and not torch.is_grad_enabled()


def _past_and_own(q: Tensor, k: Tensor, v: Tensor, sees: Tensor | None = None) -> Tensor:
    """All T queries see the S - T keys before them, which needs no mask, and of their own those before, or as `sees`.

    The two are weighed by the sums of their exponentials, of which the kernel gives the logarithms.
    """
    B, H, T, D = q.shape
    K, past = k.shape[1], k.shape[2] - T
    # the query heads of a group become rows, so that keys are read once for all of them
    rows = q.reshape(B, K, H // K * T, D)
    before, far = _FLASH(rows, k[:, :, :past], v[:, :, :past])
    own = (part[:, :, past:].repeat_interleave(H // K, dim=1) for part in (k, v))
    mask = None if sees is None else torch.zeros(T, T, dtype=q.dtype).masked_fill_(~sees, -torch.inf)
    behind, near = _FLASH(q, *own, is_causal=sees is None, attn_mask=mask)
    share = torch.sigmoid(far.reshape(B, H, T, 1) - near.reshape(B, H, T, 1))
    return torch.lerp(behind.float(), before.reshape(B, H, T, D).float(), share).to(q.dtype)


def _one_query(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None) -> Tensor:
    """Decoding one token: fold the query heads of a group into rows, so that no key is repeated."""
    B, H, _, D = q.shape
    K = k.shape[1]
    rows = q.reshape(B, K, H // K, D)
    return F.scaled_dot_product_attention(rows, k, v, attn_mask=mask).reshape(B, H, 1, D)
