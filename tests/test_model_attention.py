"""The fast routes of attention against the maths spelled out."""

from __future__ import annotations

import pytest
import torch

from model.attention import attend, plain


@pytest.mark.parametrize(("heads", "keys"), [(4, 4), (4, 2), (6, 1)])
@pytest.mark.parametrize(
    ("new", "seen", "kind"),
    [
        (1, 1, "all"),
        (1, 9, "all"),
        (7, 7, "all"),
        (1, 1, "causal"),
        (7, 7, "causal"),
        (1, 9, "masked"),
        (3, 9, "masked"),
    ],
)
def test_the_fast_route_gives_what_the_plain_one_gives(heads: int, keys: int, new: int, seen: int, kind: str) -> None:
    torch.manual_seed(0)
    q, k, v = (torch.randn(2, count, length, 8) for count, length in ((heads, new), (keys, seen), (keys, seen)))
    mask = torch.rand(2, 1, new, seen) > 0.4 if kind == "masked" else None
    if mask is not None:
        mask[..., 0] = True
    slow = plain(q, k, v, mask, causal=kind == "causal")
    torch.testing.assert_close(attend(q, k, v, mask, causal=kind == "causal"), slow, atol=1e-6, rtol=0)
    learning = attend(q.requires_grad_(), k, v, mask, causal=kind == "causal")
    torch.testing.assert_close(learning, slow, atol=1e-6, rtol=0)


def test_half_precision_stays_near() -> None:
    torch.manual_seed(0)
    q, k, v = (torch.randn(1, count, 33, 64) for count in (4, 2, 2))
    short = attend(*(t.bfloat16() for t in (q, k, v)), causal=True)
    assert short.dtype == torch.bfloat16
    torch.testing.assert_close(short.float(), plain(q, k, v, causal=True), atol=0.05, rtol=0)
