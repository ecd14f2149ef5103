"""The fast routes of attention against the maths spelled out, and what they take."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from model import attention
from model.attention import PAST, attend, attend_among, attend_behind, plain, visible


@pytest.mark.parametrize(("heads", "keys"), [(4, 4), (4, 2), (6, 1)])
@pytest.mark.parametrize(
    ("new", "seen", "causal"), [(1, 1, False), (1, 9, False), (7, 7, False), (1, 1, True), (7, 7, True)]
)
def test_the_fast_route_gives_what_the_plain_one_gives(
    heads: int, keys: int, new: int, seen: int, causal: bool
) -> None:
    torch.manual_seed(0)
    q, k, v = (torch.randn(2, count, length, 8) for count, length in ((heads, new), (keys, seen), (keys, seen)))
    slow = plain(q, k, v, causal=causal)
    torch.testing.assert_close(attend(q, k, v, causal=causal), slow, atol=1e-6, rtol=0)
    learning = attend(q.requires_grad_(), k, v, causal=causal)
    torch.testing.assert_close(learning, slow, atol=1e-6, rtol=0)


@pytest.mark.parametrize(("heads", "keys"), [(4, 4), (4, 2), (6, 1)])
@pytest.mark.parametrize(("new", "seen"), [(1, 9), (3, 9), (9, 9), (4, 4)])
@pytest.mark.parametrize("skip", [None, (0, 3), (1, 8)], ids=str)
@pytest.mark.parametrize("block", [2, 1024])
def test_blocks_behind_a_cache_give_what_the_plain_route_gives(
    heads: int,
    keys: int,
    new: int,
    seen: int,
    skip: tuple[int, int] | None,
    block: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(attention, "BLOCK", block)
    torch.manual_seed(0)
    q, k, v = (torch.randn(2, count, length, 8) for count, length in ((heads, new), (keys, seen), (keys, seen)))
    padding = None if skip is None else torch.tensor(skip)
    allowed = torch.zeros(2, 1, new, seen, dtype=torch.bool)
    for row in range(2):
        for query in range(new):
            at = seen - new + query
            allowed[row, 0, query, min(skip[row] if skip else 0, at) : at + 1] = True
            if skip and at < skip[row]:
                allowed[row, 0, query, :at] = False
    assert torch.equal(visible(seen - new, seen, padding, q.device).expand_as(allowed), allowed)
    torch.testing.assert_close(attend_behind(q, k, v, padding), plain(q, k, v, allowed), atol=1e-6, rtol=0)


@pytest.mark.parametrize(("heads", "keys"), [(4, 4), (4, 2), (6, 1)])
@pytest.mark.parametrize("new", [2, 7, 300])
@pytest.mark.parametrize("past", [PAST - 1, PAST, PAST + 700])
def test_a_long_past_is_seen_without_a_mask_and_comes_to_the_same(heads: int, keys: int, new: int, past: int) -> None:
    torch.manual_seed(0)
    q, k, v = (torch.randn(1, c, n, 16) for c, n in ((heads, new), (keys, past + new), (keys, past + new)))
    k[:, :, past // 2] *= 6  # now the past counts for more, now what is new
    sees = torch.rand(new, new) < 0.5
    sees.fill_diagonal_(True)
    with torch.inference_mode():
        slow = plain(q, k, v, visible(past, past + new, None, q.device))
        torch.testing.assert_close(attend_behind(q, k, v, None), slow, atol=1e-5, rtol=0)
        among = plain(q, k, v, torch.cat((torch.ones(new, past, dtype=torch.bool), sees), dim=1))
        torch.testing.assert_close(attend_among(q, k, v, sees), among, atol=1e-5, rtol=0)


def test_half_precision_stays_near() -> None:
    torch.manual_seed(0)
    q, k, v = (torch.randn(1, count, 33, 64) for count in (4, 2, 2))
    short = attend(*(t.bfloat16() for t in (q, k, v)), causal=True)
    assert short.dtype == torch.bfloat16
    torch.testing.assert_close(short.float(), plain(q, k, v, causal=True), atol=0.05, rtol=0)


MEASURE = """
import resource, torch
from model.attention import attend, attend_behind
torch.set_num_threads(1)

def grown(name, call, *inputs):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    call(*inputs)
    print(name, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before, flush=True)

for dtype in (torch.bfloat16, torch.float32):
    q, k, v = (torch.randn(1, 5120, heads, 80, dtype=dtype).transpose(1, 2) for heads in (2, 1, 1))
    with torch.inference_mode():
        attend(q[:, :, :64], k[:, :, :64], v[:, :, :64])  # torch's own rooms
        grown("a frame", attend, q, q, q)
        grown("a prompt", lambda: attend(q, k, v, causal=True))
        grown("a padded prompt", lambda: attend_behind(q, k, v, torch.tensor([100])))
        grown("a prompt behind a cache", lambda: attend_behind(q[:, :, 1000:], k, v, None))
    q.requires_grad_()
    grown("a frame that is learnt from", attend, q, q, q)
"""


def test_no_matrix_over_five_thousand_tokens_is_written_out() -> None:
    run = subprocess.run(
        [sys.executable, "-c", MEASURE], cwd=Path(__file__).parents[1], capture_output=True, text=True, check=True
    )
    grown = [line.rpartition(" ") for line in run.stdout.splitlines()]
    assert len(grown) == 10
    matrix = 2 * 5120**2 * 2 / 1024  # kB: two heads in bfloat16
    for what, _, size in grown:
        assert int(size) < 0.5 * matrix, f"{what} took {size} kB; the scores alone would take {matrix:.0f} kB"
