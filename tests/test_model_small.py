"""Small networks in one native call are what torch makes of them, layer by layer."""

from __future__ import annotations

import pytest
import torch
from model_checkpoint import network, shape
from torch import Tensor

from model.decoder import Cache
from model.layout import Grid
from model.native import build, small
from model.qwen import Qwen

pytestmark = pytest.mark.skipif(build.kernels() is None, reason="no C++ compiler here: torch serves")

NEAR = {torch.float32: 2e-5, torch.bfloat16: 2**-5}


@pytest.fixture(scope="module", params=[(4, 2, 16), (4, 4, 16), (4, 1, 16)], ids=str)
def qwen(request: pytest.FixtureRequest) -> Qwen:
    return network(shape(heads=request.param, layers=3))


def read(qwen: Qwen, past: int, new: int, last: int | None, sees: Tensor | None) -> tuple[Tensor, Tensor]:
    """States of `new` tokens behind `past` others, and what a token behind them all makes of the cache."""
    like = next(qwen.model.parameters())
    total = past + new + 1
    x = torch.randn(1, total, like.shape[-1], generator=torch.Generator().manual_seed(new)).to(like.dtype)
    cache = Cache(qwen.config.text, 1, total + 3, like=x)
    rotation = qwen.rotation(torch.arange(total).expand(3, 1, -1))

    def go(start: int, end: int, last: int | None = None) -> Tensor:
        where = rotation[0][:, :, start:end], rotation[1][:, :, start:end]
        found: Tensor = qwen.model(x[:, start:end], where, None, cache, last)
        return found

    with torch.inference_mode():
        if past:
            go(0, past)
        with cache.branching(sees):
            states = go(past, past + new, last)
        behind = go(past + new, total)
    return states if last is None else states[:, -last:], behind


@pytest.mark.parametrize("dtype", NEAR, ids=str)
@pytest.mark.parametrize(
    ("new", "last"), [(1, None), (1, 1), (5, None), (9, 2), (16, 1), (17, 3), (140, 1), (300, None)]
)
@pytest.mark.parametrize("past", [0, 1, 40])
def test_a_decoder_in_one_call_is_its_layers(
    qwen: Qwen, past: int, new: int, last: int | None, dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = qwen if dtype is torch.float32 else network(shape(heads=(4, 2, 16), layers=3)).to(dtype)
    calls: list[int] = []
    fast = small.decode
    monkeypatch.setattr(small, "decode", lambda x, *a, **k: calls.append(x.shape[1]) or fast(x, *a, **k))
    quick = read(asked, past, new, last, None)
    served = new <= build.MOST or (dtype is torch.float32 and small._gemm() is not None)
    assert (new in calls) == served
    monkeypatch.setattr(small, "SMALL", 0)
    for ours, theirs in zip(quick, read(asked, past, new, last, None), strict=True):
        torch.testing.assert_close(ours, theirs, atol=NEAR[dtype] * float(theirs.abs().max()), rtol=0)


@pytest.mark.parametrize("new", [2, 7, 16, 40])
def test_branches_see_what_they_may(qwen: Qwen, new: int, monkeypatch: pytest.MonkeyPatch) -> None:
    sees = torch.eye(new, dtype=torch.bool) | (torch.rand(new, new, generator=torch.Generator().manual_seed(3)) > 0.6)
    quick = read(qwen, 30, new, None, sees)
    monkeypatch.setattr(small, "SMALL", 0)
    for ours, theirs in zip(quick, read(qwen, 30, new, None, sees), strict=True):
        torch.testing.assert_close(ours, theirs, atol=2e-5 * float(theirs.abs().max()), rtol=0)


@pytest.mark.parametrize("grids", [[(1, 2, 2)], [(1, 12, 10)], [(3, 8, 6)], [(1, 30, 22), (2, 4, 4)]], ids=str)
def test_a_tower_in_one_call_is_its_blocks(grids: list[Grid], monkeypatch: pytest.MonkeyPatch) -> None:
    tower = network(shape(depth=4, full=(1, 3))).visual
    patches = torch.randn(sum(t * h * w for t, h, w in grids), tower.config.patch_dim)
    before = patches.clone()
    with torch.inference_mode():
        quick = tower(patches, grids)
        assert small._gemm() is None or small.looks(torch.zeros(4, tower.config.hidden_size), [tower.blocks[0].parts()])
        monkeypatch.setattr(small, "SMALL", 0)
        slow = tower(patches, grids)
    assert torch.equal(patches, before)
    torch.testing.assert_close(quick, slow, atol=2e-5 * float(slow.abs().max()), rtol=0)


def test_what_is_no_number_stays_none(qwen: Qwen) -> None:
    like = next(qwen.model.parameters())
    x = torch.randn(1, 20, like.shape[-1])
    x[0, 7, 3] = torch.nan
    cache = Cache(qwen.config.text, 1, 32, like=x)
    with torch.inference_mode():
        states = qwen.model(x, qwen.rotation(torch.arange(20).expand(3, 1, -1)), None, cache)
    assert states[0, 7:].isnan().all(dim=-1).all()


def test_without_a_product_of_matrices_torch_serves(qwen: Qwen, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = read(qwen, 5, 60, None, None)
    monkeypatch.setattr(small, "_gemm", lambda: None)
    for ours, theirs in zip(read(qwen, 5, 60, None, None), whole, strict=True):
        torch.testing.assert_close(ours, theirs, atol=2e-5 * float(theirs.abs().max()), rtol=0)


def test_gradients_go_through_torch(qwen: Qwen) -> None:
    x = torch.randn(1, 6, qwen.config.text.hidden_size, requires_grad=True)
    rotation = qwen.rotation(torch.arange(6).expand(3, 1, -1))
    with torch.enable_grad():
        qwen.model(x, rotation).sum().backward()
    assert x.grad is not None
    assert x.grad.abs().sum() > 0
