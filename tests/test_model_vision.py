"""The vision tower: images do not see each other, windows go through in few calls, misfits are refused."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest
import torch
from model_checkpoint import network, shape
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from model.layout import Grid, plan
from model.native import small
from model.vision import Vision

GRIDS: tuple[Grid, ...] = ((1, 12, 20), (1, 6, 6), (1, 6, 6), (1, 2, 30))


@pytest.fixture(scope="module")
def tower() -> Vision:
    return network(shape(depth=4, full=(1, 3), window=4)).visual


def noise(grids: Iterable[Grid]) -> torch.Tensor:
    random = torch.Generator().manual_seed(1)
    return torch.randn(sum(t * h * w for t, h, w in grids), 384, generator=random)


def test_images_together_give_what_each_gives_alone(tower: Vision) -> None:
    patches = noise(GRIDS)
    with torch.inference_mode():
        together = tower(patches, GRIDS)
        parts = patches.split([t * h * w for t, h, w in GRIDS])
        alone = [tower(part, [grid]) for part, grid in zip(parts, GRIDS, strict=True)]
    torch.testing.assert_close(together, torch.cat(alone), atol=1e-5, rtol=0)


def test_frames_of_a_grid_do_not_see_each_other(tower: Vision) -> None:
    patches = noise([(2, 12, 20)])
    with torch.inference_mode():
        both = tower(patches, [(2, 12, 20)])
        apart = tower(patches, [(1, 12, 20), (1, 12, 20)])
    torch.testing.assert_close(both, apart, atol=1e-5, rtol=0)


def test_learning_gives_what_looking_gives(tower: Vision) -> None:
    patches = noise(GRIDS)
    with torch.inference_mode():
        looking = tower(patches, GRIDS)
    torch.testing.assert_close(tower(patches, GRIDS).detach(), looking, atol=1e-5, rtol=0)


class Count(TorchFunctionMode):
    """Counts calls of attention."""

    calls = 0

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        self.calls += func is F.scaled_dot_product_attention
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("grid", [(1, 12, 20), (1, 64, 92), (3, 40, 40)], ids=str)
def test_windows_of_one_size_go_through_in_one_call(tower: Vision, grid: Grid, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(small, "SMALL", 0)
    [run] = plan([grid], 2, tower.config.window_units).runs
    with torch.inference_mode(), Count() as count:
        tower(noise([grid]), [grid])
    assert len(run.groups) <= 4
    assert count.calls == 2 * 1 + 2 * len(run.groups)  # two full blocks, two windowed ones


@pytest.mark.parametrize(
    ("grids", "lines", "message"),
    [
        ([(1, 4, 4)], 15, r"patches are \[15, 384\]; the grids .* need \[16, 384\]"),
        ([(1, 4, 5)], 20, r"grid \(1, 4, 5\): rows and columns of patches must be multiples of 2"),
        ([(0, 4, 4)], 0, r"grid \(0, 4, 4\)"),
        ([], 0, r"need \[0, 384\]"),
    ],
)
def test_patches_that_do_not_fill_the_grids_are_refused(
    tower: Vision, grids: list[Grid], lines: int, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        tower(torch.zeros(lines, 384), grids)
