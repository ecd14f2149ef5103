"""Looking by what has changed: exact where it can be, told apart from exact where it cannot."""

from __future__ import annotations

import pytest
import torch
from model_checkpoint import network, shape
from torch import Tensor

from model.features import spans_of
from model.glance import Glances
from model.layout import Grid, plan
from model.qwen import Qwen
from model.vision import permute

GRID: Grid = (1, 18, 24)


@pytest.fixture(scope="module")
def qwen() -> Qwen:
    return tower(full=(1,))


def tower(full: tuple[int, ...], depth: int = 3) -> Qwen:
    return network(shape(patch=8, window=3, depth=depth, full=full), seed=3)


def screen(qwen: Qwen, seed: int) -> Tensor:
    random = torch.Generator().manual_seed(seed)
    return torch.randn(GRID[1] * GRID[2], qwen.config.vision.patch_dim, generator=random)


def with_window(qwen: Qwen, patches: Tensor, number: int, seed: int) -> tuple[Tensor, Tensor]:
    """The same patches but for one window; and which units, in reading order, lie in that window."""
    config = qwen.config.vision
    layout = plan([GRID], config.spatial_merge_size, config.window_units)
    start, size = spans_of(layout.runs[0].groups)[number]
    units, unit = layout.order[start : start + size], config.spatial_merge_size**2
    out = patches.clone().view(-1, unit, patches.shape[1])
    out[units] = torch.randn(len(units), unit, patches.shape[1], generator=torch.Generator().manual_seed(seed))
    return out.flatten(0, 1), units


def test_a_first_screen_and_one_of_another_size_are_exact(qwen: Qwen) -> None:
    glances, patches = Glances(qwen.visual), screen(qwen, 0)
    with torch.inference_mode():
        torch.testing.assert_close(glances.look(patches, GRID), qwen.visual(patches, [GRID]), atol=1e-5, rtol=0)
        part = patches[: 12 * 24]
        found = glances.look(part, (1, 12, 24))
        torch.testing.assert_close(found, qwen.visual(part, [(1, 12, 24)]), atol=1e-5, rtol=0)
    assert glances.glanced == 0


def test_what_changed_is_seen_among_all_and_the_rest_stays_as_it_was(qwen: Qwen) -> None:
    """With one block over the whole frame nothing that the changed window sees is out of date."""
    glances, patches = Glances(qwen.visual), screen(qwen, 1)
    with torch.inference_mode():
        before = glances.look(patches, GRID)
        patches, units = with_window(qwen, patches, 4, seed=9)
        found, exact = glances.look(patches, GRID), qwen.visual(patches, [GRID])
    assert glances.glanced == 1
    torch.testing.assert_close(found[units], exact[units], atol=1e-4, rtol=0)
    rest = torch.ones(len(found), dtype=torch.bool)
    rest[units] = False
    assert torch.equal(found[rest], before[rest])
    assert not torch.allclose(exact[rest], before[rest], atol=1e-4)  # which is what it costs


def test_with_more_blocks_over_the_frame_even_what_changed_is_only_near() -> None:
    qwen = tower(full=(1, 3), depth=4)
    glances, patches = Glances(qwen.visual), screen(qwen, 2)
    with torch.inference_mode():
        glances.look(patches, GRID)
        patches, units = with_window(qwen, patches, 0, seed=5)
        found, exact = glances.look(patches, GRID), qwen.visual(patches, [GRID])
    apart = (found[units] - exact[units]).norm() / exact[units].norm()
    assert 1e-5 < apart < 0.5


def test_much_change_and_every_so_many_screens_are_looked_at_whole(qwen: Qwen) -> None:
    glances, patches = Glances(qwen.visual, fresh=2), screen(qwen, 3)
    exact = []
    with torch.inference_mode():
        glances.look(patches, GRID)
        for number in range(6):
            patches, _ = with_window(qwen, patches, number % 3, seed=20 + number)
            found = glances.look(patches, GRID)
            exact.append(torch.allclose(found, qwen.visual(patches, [GRID]), atol=1e-5))
        assert exact == [False, False, True, False, False, True]
        other = screen(qwen, 4)
        torch.testing.assert_close(glances.look(other, GRID), qwen.visual(other, [GRID]), atol=1e-5, rtol=0)
    assert glances.glanced == 4


def test_a_screen_that_is_shown_again_is_not_looked_at(qwen: Qwen) -> None:
    glances, patches = Glances(qwen.visual, room=0), screen(qwen, 5)
    with torch.inference_mode():
        first, again = glances.look(patches, GRID), glances.look(patches, GRID)
    assert torch.equal(first, again)
    assert glances.calls == 2  # nothing was kept, and nothing had changed


def test_towers_without_windows_and_videos_are_looked_at_as_ever() -> None:
    qwen = tower(full=(0,))
    glances, patches = Glances(qwen.visual), screen(qwen, 6)
    with torch.inference_mode():
        glances.look(patches, GRID)
        other, _ = with_window(qwen, patches, 1, seed=8)
        torch.testing.assert_close(glances.look(other, GRID), qwen.visual(other, [GRID]), atol=1e-5, rtol=0)
    assert glances.glanced == 0


def test_units_are_put_back_in_reading_order(qwen: Qwen) -> None:
    config = qwen.config.vision
    layout = plan([GRID], config.spatial_merge_size, config.window_units)
    numbers = torch.arange(GRID[1] * GRID[2] // config.spatial_merge_size**2).repeat_interleave(4).unsqueeze(1)
    assert torch.equal(permute(numbers, layout.order, 4)[::4, 0][layout.order.argsort()], numbers[::4, 0])
