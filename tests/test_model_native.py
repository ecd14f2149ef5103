"""Native kernels beside their twins in plain torch, which serve wherever gradients are wanted."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from model import native
from model.native import build

DTYPES = (torch.float32, torch.bfloat16)
NEAR = {torch.float32: 1e-5, torch.bfloat16: 2**-7}
"""Relative: rounding in another order, and one step of the last place."""


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(0)


def both(work: Callable[[], Tensor]) -> tuple[Tensor, Tensor]:
    """By the kernels, where they could be built, and by torch."""
    with torch.inference_mode():
        fast = work()
    with torch.enable_grad():
        return fast.clone(), work().detach()


def near(fast: Tensor, plain: Tensor) -> bool:
    limit = NEAR[plain.dtype]
    if not plain.numel():
        return fast.shape == plain.shape
    return torch.allclose(fast.float(), plain.float(), rtol=limit, atol=limit * float(plain.float().abs().max()))


def test_kernels_are_there_where_a_compiler_is() -> None:
    compiler = shutil.which("g++") or shutil.which("c++")
    assert (build.kernels() is None) == (compiler is None)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(1, 1), (3, 17), (2, 5, 64), (700, 129), (0, 8)])
def test_norms_are_those_of_torch(shape: tuple[int, ...], dtype: torch.dtype) -> None:
    x, weight = torch.randn(shape).to(dtype) * 3, torch.randn(shape[-1]).to(dtype)
    assert near(*both(lambda: native.rms_norm(x, weight, 1e-6)))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(1,), (7, 33), (300, 129)])
def test_gates_are_those_of_torch(shape: tuple[int, ...], dtype: torch.dtype) -> None:
    gate, up = torch.randn(shape).to(dtype) * 20, torch.randn(shape).to(dtype)
    assert near(*both(lambda: native.silu_mul(gate, up)))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("T", "H", "D"), [(1, 1, 2), (5, 3, 80), (400, 2, 16)])
def test_queries_and_keys_of_a_tower_turn_as_in_torch(T: int, H: int, D: int, dtype: torch.dtype) -> None:
    qkv, angle = torch.randn(T, 3, H, D).to(dtype), torch.randn(T, D)
    fast, plain = both(lambda: torch.stack(native.rotate_pairs(qkv.clone(), angle.cos(), angle.sin())))
    assert near(fast, plain)
    assert torch.equal(fast[2], qkv[:, 2])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("B", "T", "H", "D"), [(1, 1, 1, 2), (1, 9, 4, 16), (3, 5, 2, 8), (1, 200, 16, 128)])
def test_heads_of_a_decoder_turn_as_in_torch(B: int, T: int, H: int, D: int, dtype: torch.dtype) -> None:
    x, angle = torch.randn(B, T, H * D).to(dtype), torch.randn(B, 1, T, D)
    cos, sin = angle.cos().to(dtype), angle.sin().to(dtype)
    fast, plain = both(lambda: native.rotate_heads(x, cos, sin))
    assert fast.shape == (B, H, T, D)
    assert near(fast, plain)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("rows", [0, 1, 2, 3, 4, 7, 40])
@pytest.mark.parametrize(("K", "N"), [(31, 5), (64, 4), (100, 1), (2048, 301)])
def test_linear_maps_are_those_of_torch(rows: int, K: int, N: int, dtype: torch.dtype) -> None:
    x, weight, bias = torch.randn(1, rows, K).to(dtype), torch.randn(N, K).to(dtype), torch.randn(N).to(dtype)
    exact = x.double() @ weight.double().T
    with torch.inference_mode():
        for fast, plain in ((native.linear(x, weight), exact), (native.linear(x, weight, bias), exact + bias.double())):
            assert fast.shape == (1, rows, N)
            assert near(fast, plain.to(dtype))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("rows", [1, 2, 3, 5, 16, 17])
@pytest.mark.parametrize(("K", "N"), [(31, 5), (64, 4), (200, 1), (2048, 301)])
def test_int8_maps_are_those_of_the_widened_weights(rows: int, K: int, N: int, dtype: torch.dtype) -> None:
    x, scale = torch.randn(rows, K).to(dtype), torch.rand(N) * 0.01
    weight, bias = torch.randint(-127, 128, (N, K), dtype=torch.int8), torch.randn(N).to(dtype)
    exact = (x.double() @ (weight.double() * scale.double().unsqueeze(1)).T + bias.double()).to(dtype)
    with torch.inference_mode():
        found = native.linear8(x, weight, scale, bias)
    # x is read to 16 bits, steps of 1/32512 of its row's largest: finer than bfloat16, coarser than float32
    limit = max(NEAR[dtype], 1e-4)
    assert torch.allclose(found.float(), exact.float(), rtol=limit, atol=limit * float(exact.float().abs().max()))


@pytest.mark.parametrize("dtype", DTYPES)
def test_int8_weights_widen_as_in_torch(dtype: torch.dtype) -> None:
    weight, scale = torch.randint(-127, 128, (37, 19), dtype=torch.int8), torch.rand(37)
    assert torch.equal(*both(lambda: native.widen(weight, scale, dtype)))


@pytest.mark.parametrize("dtype", DTYPES)
def test_what_is_no_number_stays_none_and_stays_in_its_row(dtype: torch.dtype) -> None:
    x = torch.randn(3, 64).to(dtype)
    x[1, 5] = torch.nan
    weight, scale = torch.randint(-127, 128, (8, 64), dtype=torch.int8), torch.rand(8)
    with torch.inference_mode():
        for found in (
            native.rms_norm(x, torch.ones(64, dtype=dtype), 1e-6),
            native.linear(x, torch.randn(8, 64).to(dtype)),
            native.linear8(x, weight, scale),
        ):
            assert found[1].isnan().all()
            assert not found[[0, 2]].isnan().any()
        gated = native.silu_mul(x, torch.ones_like(x))
    assert torch.equal(gated.isnan(), x.isnan())


@pytest.mark.parametrize("dtype", DTYPES)
def test_large_gates_neither_overflow_nor_vanish(dtype: torch.dtype) -> None:
    gate = torch.tensor([-1e30, -200.0, -88.0, 88.0, 200.0, 1e30]).to(dtype)
    with torch.inference_mode():
        found = native.silu_mul(gate, torch.ones_like(gate))
    assert torch.equal(found[3:], gate[3:])
    assert found[:3].abs().max() < 1e-6


def test_a_bias_or_scales_of_another_type_are_left_to_torch() -> None:
    x, weight = torch.randn(2, 64).bfloat16(), torch.randint(-127, 128, (8, 64), dtype=torch.int8)
    scale, bias = torch.rand(8), torch.randn(8).bfloat16()
    with torch.inference_mode():
        right = native.linear8(x, weight, scale, bias)
        assert near(native.linear8(x, weight, scale.double(), bias), right)
        turned = native.linear8(x, weight.T.contiguous().T, scale, bias)
        assert near(turned, right)
        qkv, angle = torch.randn(5, 3, 2, 16).bfloat16(), torch.randn(5, 16)
        wide = native.rotate_pairs(qkv.clone(), angle.cos(), angle.sin())
        half = native.rotate_pairs(qkv.clone(), angle.cos().bfloat16(), angle.sin().bfloat16())
    assert (wide[0].float() - half[0].float()).abs().max() < 0.1


def test_views_and_other_types_are_left_to_torch() -> None:
    x = torch.randn(6, 8)
    with torch.inference_mode():
        for view in (x.T, x.double(), x[:, ::2]):
            weight = torch.ones(view.shape[-1], dtype=view.dtype)
            wide = view.float()
            expected = (wide * torch.rsqrt(wide.square().mean(-1, keepdim=True) + 1e-6)).to(view.dtype)
            assert torch.allclose(native.rms_norm(view, weight, 1e-6), expected)


@pytest.mark.skipif(shutil.which("g++") is None, reason="needs a compiler")
def test_a_library_is_built_once_and_one_that_others_may_write_is_built_anew(tmp_path: Path) -> None:
    path = build.built("g++", tmp_path)
    first = path.stat().st_mtime_ns
    assert build.built("g++", tmp_path) == path
    assert path.stat().st_mtime_ns == first
    path.chmod(0o777)
    assert build.built("g++", tmp_path) == path
    assert not path.stat().st_mode & 0o022
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_a_compiler_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    broken = tmp_path / "broken-compiler"
    broken.write_text('#!/bin/sh\ncase "$1" in --version) echo 1;; *) exit 1;; esac\n')
    broken.chmod(0o755)
    folder = tmp_path / "kept"
    with pytest.raises(subprocess.CalledProcessError):
        build.built(str(broken), folder)
    assert not list(folder.iterdir())
