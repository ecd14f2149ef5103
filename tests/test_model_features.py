"""A picture is looked at once, and of a new screen only the windows that are new."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence

import pytest
import torch
from model_checkpoint import network, shape, shape2
from torch import Tensor

from model.features import Features, Store
from model.layout import plan
from model.picture import fingerprint
from model.vision import Vision, permute

SHAPES = {
    "one full block in the middle": shape(depth=4, full=(2,), window=3),
    "the first block is full": shape(full=(0,)),
    "no block is full": shape(full=(), window=2),
    "released": shape(depth=3, full=(2,), window=4, tower=(4, 32)),
    "qwen2": shape2(),
}
GRIDS = [(1, 22, 26), (1, 16, 16), (1, 24, 6), (1, 2, 2), (1, 40, 34)]


def tower(name: str, seed: int = 0) -> Vision:
    return network(SHAPES[name], seed).visual


def screen(grid: tuple[int, int, int], seed: int = 0) -> Tensor:
    return torch.randn(math.prod(grid), 384, generator=torch.Generator().manual_seed(seed))


def windows(vision: Vision, grid: tuple[int, int, int]) -> list[Tensor]:
    """The patches of each window, as numbers of rows in the processor's order."""
    layout, unit = plan([grid], 2, vision.config.window_units), 4
    rows = permute(torch.arange(math.prod(grid)), layout.order, unit)
    sizes = [unit * group.size for group in layout.runs[0].groups for _ in range(group.count)]
    return list(torch.split(rows, sizes))


def changed(patches: Tensor, rows: Sequence[Tensor], seed: int) -> Tensor:
    """The same screen with one patch of each of those windows another."""
    new = patches.clone()
    for number, window in enumerate(rows):
        new[window[(seed + number) % len(window)]] += 0.5
    return new


@pytest.fixture(params=[1, 2])
def threads(request: pytest.FixtureRequest) -> Iterator[int]:
    """How many threads torch takes: matrix products of several cut their rows where the number of rows says."""
    before, wanted = torch.get_num_threads(), int(request.param)
    torch.set_num_threads(wanted)
    yield wanted
    torch.set_num_threads(before)


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("grid", GRIDS, ids=str)
def test_reused_windows_give_what_the_whole_gives_on_one_thread_bit_by_bit(
    name: str, grid: tuple[int, int, int], threads: int
) -> None:
    vision, dice = tower(name), random.Random(math.prod(grid))
    features = Features(vision, least=64)
    own = windows(vision, grid)
    patches = screen(grid)
    with torch.inference_mode():
        for step in range(6):
            found, wanted = features.look(patches, grid), vision(patches, [grid])
            torch.testing.assert_close(found, wanted, atol=0 if threads == 1 else 1e-5, rtol=0)
            patches = changed(patches, dice.sample(own, dice.randint(1, len(own))), step)


def test_only_new_windows_go_through_the_first_blocks() -> None:
    vision, grid = tower("one full block in the middle"), (1, 24, 24)
    features, first = Features(vision, least=1), screen((1, 24, 24))
    own = windows(vision, grid)
    assert len(own) == 16
    with torch.inference_mode():
        features.look(first, grid)
        assert (features.calls, features.computed, features.reused) == (1, 16, 0)
        second = changed(first, own[3:5], 0)
        features.look(second, grid)
        assert (features.calls, features.computed, features.reused) == (2, 18, 14)
        third = second.clone()
        third[own[3]] = first[own[3]]  # one window as it was before the last screen
        features.look(third, grid)
        assert (features.calls, features.computed, features.reused) == (3, 18, 30)
        features.look(first.clone(), grid)
        assert (features.calls, features.hits) == (3, 1)


def test_a_window_in_another_place_or_another_screen_is_another_one() -> None:
    vision = tower("one full block in the middle")
    features = Features(vision)
    patches = torch.ones(144, 384)  # every window looks alike
    with torch.inference_mode():
        for grid in ((1, 12, 12), (1, 6, 24), (1, 24, 6)):
            assert torch.equal(features.look(patches, grid), vision(patches, [grid]))
    assert features.reused == 0


def test_an_unchanged_screen_is_looked_at_once_and_a_changed_one_twice() -> None:
    for name in SHAPES:
        features, grid = Features(tower(name)), (1, 8, 8)
        patches = screen(grid)
        with torch.inference_mode():
            once = features.look(patches, grid)
            assert features.look(patches.clone(), grid) is once
            assert (features.calls, features.hits) == (1, 1)
            patches[63, 383] = -patches[63, 383]
            features.look(patches, grid)
        assert (features.calls, features.hits) == (2, 1)


def test_videos_are_looked_at_whole_and_kept_too() -> None:
    vision = tower("one full block in the middle")
    features, grid = Features(vision), (3, 8, 12)
    patches = screen(grid)
    with torch.inference_mode():
        assert torch.equal(features.look(patches, grid), vision(patches, [grid]))
        features.look(patches, grid)
    assert (features.calls, features.hits, features.computed) == (1, 1, 0)


def test_a_store_keeps_no_more_bytes_than_it_has_room_for() -> None:
    store = Store(100)
    for number in range(5):
        store.put(number, torch.zeros(8))  # 32 bytes
    assert (list(store.kept), store.nbytes) == ([2, 3, 4], 96)
    assert store.get(2) is not None
    store.put(5, torch.zeros(8))
    assert list(store.kept) == [4, 2, 5]
    store.put(6, torch.zeros(26))  # too large for all of it: nothing makes way
    assert (list(store.kept), store.nbytes) == ([4, 2, 5], 96)
    store.put(4, torch.zeros(8))
    assert store.nbytes == 96
    assert store.get(0) is None


def test_what_is_kept_stays_within_its_room_and_right(monkeypatch: pytest.MonkeyPatch) -> None:
    vision, grid = tower("one full block in the middle"), (1, 16, 16)
    own = windows(vision, grid)
    features = Features(vision, room=20_000, windows=30_000, least=64)
    patches = screen(grid)
    with torch.inference_mode():
        for step in range(12):
            assert torch.equal(features.look(patches, grid), vision(patches, [grid]))
            assert features.pictures.nbytes <= 20_000
            assert features.parts.nbytes <= 30_000
            patches = changed(patches, own[step % len(own) :][:2], step)
    held = sum(tensor.untyped_storage().nbytes() for tensor in features.parts.kept.values())
    assert held == features.parts.nbytes  # no kept window holds on to a whole screen


def test_bfloat16_agrees_to_its_rounding() -> None:
    vision, grid = tower("released").bfloat16(), (1, 40, 34)
    own, features = windows(vision, grid), Features(vision)
    patches = screen(grid)
    with torch.inference_mode():
        features.look(patches, grid)
        patches = changed(patches, own[5:9], 1)
        found, whole = features.look(patches, grid).float(), vision(patches, [grid]).float()
    assert features.reused > 0
    assert (found - whole).norm() <= 0.02 * whole.norm()
    exact = Features(vision, windows=0)
    with torch.inference_mode():
        for seed in range(2):
            patches = screen(grid, seed)
            assert torch.equal(exact.look(patches, grid), vision(patches, [grid]))
    assert exact.reused == 0


def test_at_the_widths_of_3b_windows_are_reused_bit_by_bit() -> None:
    config = shape(patch=14, window=4, depth=1, full=(), tower=(16, 80))
    assert isinstance(config["vision_config"], dict)
    config["vision_config"] |= {"intermediate_size": 3420}
    vision = network(config).visual
    vision.merger = torch.nn.Unflatten(0, (-1, 4))  # type: ignore[assignment]  # the windows' work is to be seen
    grid, features = (1, 32, 48), Features(vision)
    own = windows(vision, grid)
    patches = torch.randn(math.prod(grid), 1176, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        for count in (len(own), 1, 20):
            patches = changed(patches, own[:count], count)
            assert torch.equal(features.look(patches, grid), vision(patches, [grid]))
    assert features.reused == 2 * len(own) - 21


def test_a_fingerprint_is_of_the_numbers_and_the_shape() -> None:
    patches = screen((1, 4, 6))
    names = {fingerprint(patches, grid) for grid in ((1, 4, 6), (1, 6, 4), (6, 2, 2))}
    assert len(names) == 3
    assert fingerprint(patches, (1, 4, 6)) == fingerprint(patches.t().contiguous().t(), (1, 4, 6))
    assert fingerprint(patches, (1, 4, 6)) != fingerprint(-patches, (1, 4, 6))
    assert fingerprint(patches, (1, 4, 6)) != fingerprint(patches.view(torch.int32), (1, 4, 6))


def test_patches_that_do_not_fit_are_refused_before_anything_is_kept() -> None:
    features = Features(tower("qwen2"))
    with pytest.raises(ValueError, match=r"patches are \[4, 384\]"):
        features.look(torch.zeros(4, 384), (1, 4, 4))
    with pytest.raises(ValueError, match="must be multiples of 2"):
        features.look(torch.zeros(9, 384), (1, 3, 3))
    assert (features.calls, features.nbytes) == (0, 0)
