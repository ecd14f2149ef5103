"""int8 weights: how near they come, and that a network with them says what one with the rounded weights says."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from model_checkpoint import shape, shape2, tensors, write_checkpoint

from model.checkpoint import load_network
from model.generate import Prompt, generate
from model.linear import BLOCK, Embedding, Embedding8, Head, Linear, Linear8, quantize
from model.session import Session


@settings(max_examples=30, deadline=None)
@given(rows=st.integers(1, 9), columns=st.integers(1, 40), size=st.floats(1e-6, 1e4), seed=st.integers(0, 99))
def test_no_weight_moves_by_more_than_half_a_step(rows: int, columns: int, size: float, seed: int) -> None:
    weight = torch.randn(rows, columns, generator=torch.Generator().manual_seed(seed)) * size
    whole, scale = quantize(weight)
    assert (whole.abs().amax(dim=1) == 127).all()
    assert ((whole * scale.unsqueeze(1) - weight).abs() <= scale.unsqueeze(1) * 0.5001).all()


def test_rows_of_zeros_and_rows_beyond_a_block_are_kept() -> None:
    weight = torch.randn(BLOCK + 3, 4)
    weight[1] = 0
    whole, scale = quantize(weight)
    assert not whole[1].any()
    assert ((whole * scale.unsqueeze(1) - weight).abs() <= scale.unsqueeze(1) * 0.5001).all()


@pytest.mark.parametrize("kind", ["linear", "embedding", "linear8", "embedding8"])
@pytest.mark.parametrize("count", [1, 5, 39])
def test_some_rows_of_a_head_are_those_of_the_whole(kind: str, count: int) -> None:
    torch.manual_seed(0)
    head, x = made(kind), torch.randn(2, 16)
    rows = torch.randperm(40)[:count]
    with torch.inference_mode():
        assert torch.allclose(head.project(x, rows), head.project(x)[..., rows], rtol=1e-4, atol=1e-4)


def made(kind: str) -> Head:
    """A head of 40 tokens on 16 channels."""
    whole, scale = quantize(torch.randn(40, 16))
    if kind == "linear":
        return Linear(16, 40, bias=False)
    if kind == "embedding":
        return Embedding(40, 16)
    head = Linear8(16, 40, bias=False) if kind == "linear8" else Embedding8(40, 16, torch.float32)
    head.load_state_dict({"weight": whole, "scale": scale})
    return head


@pytest.mark.parametrize("config", [shape(), shape(tied=False), shape2()])
def test_a_network_in_int8_says_what_one_with_the_rounded_weights_says(
    config: dict[str, object], tmp_path: Path
) -> None:
    write_checkpoint(tmp_path, config)
    small, _ = load_network(tmp_path, dtype="int8")
    plain, _ = load_network(tmp_path)
    with torch.no_grad():
        for name, weight in plain.state_dict().items():
            if name.startswith("visual.") or weight.dim() < 2:
                continue
            whole, scale = quantize(weight)
            weight.copy_(whole * scale.unsqueeze(1))
    prompt = Prompt(tuple(range(7, 40)))
    assert torch.allclose(Session(small).read(prompt), Session(plain).read(prompt), rtol=1e-3, atol=1e-3)
    outputs = [generate(network, prompt, eos=set(), limit=12).tokens for network in (small, plain)]
    assert outputs[0] == outputs[1]


def test_int8_takes_the_memory_of_its_bytes_and_leaves_the_tower_alone(tmp_path: Path) -> None:
    write_checkpoint(tmp_path, shape())
    small, plain = (tensors(load_network(tmp_path, dtype=dtype)[0]) for dtype in ("int8", "auto"))
    for name, tensor in plain.items():
        if name.startswith("visual.") or tensor.dim() < 2:
            assert torch.equal(small[name], tensor)
        else:
            assert small[name].dtype is torch.int8
            assert small[name].nbytes * 4 == tensor.nbytes


def test_tokens_have_the_vectors_of_their_rows() -> None:
    embedding = made("embedding8")
    assert isinstance(embedding, Embedding8)
    tokens = torch.tensor([[3, 0], [39, 3]])
    expected = embedding.weight.float() * embedding.scale.unsqueeze(1)
    assert torch.equal(embedding(tokens), expected[tokens])
