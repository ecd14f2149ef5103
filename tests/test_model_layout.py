"""Windows and places of patches, against numbers worked out elsewhere and against transformers."""

from __future__ import annotations

from itertools import accumulate, chain

import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from transformers.vision_utils import get_vision_position_ids, get_vision_window_index

from model.layout import Grid, places, plan, windows

grids = st.lists(
    st.tuples(st.integers(1, 2), st.integers(1, 12).map(lambda n: 2 * n), st.integers(1, 12).map(lambda n: 2 * n)),
    min_size=1,
    max_size=4,
)


def test_windows_of_a_grid_of_12_by_20_patches_are_the_known_ones() -> None:
    found = windows(6, 10, 4)
    assert found == [
        [0, 1, 2, 3, 10, 11, 12, 13, 20, 21, 22, 23, 30, 31, 32, 33],
        [4, 5, 6, 7, 14, 15, 16, 17, 24, 25, 26, 27, 34, 35, 36, 37],
        [8, 9, 18, 19, 28, 29, 38, 39],
        [40, 41, 42, 43, 50, 51, 52, 53],
        [44, 45, 46, 47, 54, 55, 56, 57],
        [48, 49, 58, 59],
    ]
    assert [0, *accumulate(4 * len(window) for window in found)] == [0, 64, 128, 160, 192, 224, 240]


def test_places_of_a_grid_of_4_by_4_patches_are_the_known_ones() -> None:
    expected = "00 01 10 11 02 03 12 13 20 21 30 31 22 23 32 33"
    assert " ".join(f"{y}{x}" for y, x in places([(1, 4, 4)], 2).tolist()) == expected


@settings(deadline=None)
@given(grids, st.integers(1, 6))
@example([(1, 12, 20)], 4)
@example([(1, 8, 8)], 4)  # a multiple of the window: the reference pads a whole window and drops it
def test_windows_are_those_of_transformers(given_grids: list[Grid], side: int) -> None:
    index, cuts = get_vision_window_index(torch.tensor(given_grids), 2, side * 2 * 8, 8)
    base, ours, sizes = 0, [], []
    for frames, rows, cols in given_grids:
        for _ in range(frames):
            found = windows(rows // 2, cols // 2, side)
            ours += [base + unit for unit in chain(*found)]
            sizes += [4 * len(window) for window in found]
            base += rows * cols // 4
    assert ours == index.tolist()
    assert [0, *accumulate(sizes)] == cuts.tolist()


@settings(deadline=None)
@given(grids)
def test_places_are_those_of_transformers(given_grids: list[Grid]) -> None:
    assert torch.equal(places(given_grids, 2), get_vision_position_ids(torch.tensor(given_grids), 2))


@settings(deadline=None)
@given(grids, st.integers(1, 6))
def test_a_plan_holds_every_unit_once_and_every_window_whole(given_grids: list[Grid], side: int) -> None:
    layout = plan(given_grids, 2, side)
    assert sorted(layout.order.tolist()) == list(range(len(layout.order)))
    base, at, wanted, found = 0, 0, [], []
    for frames, rows, cols in given_grids:
        for _ in range(frames):
            wanted += [sorted(base + unit for unit in window) for window in windows(rows // 2, cols // 2, side)]
            base += rows * cols // 4
    for run in layout.runs:
        for _ in range(run.frames):
            for group in run.groups:
                for number in range(group.count):
                    first = at + group.start + number * group.size
                    found.append(sorted(layout.order[first : first + group.size].tolist()))
            at += run.units
    assert sorted(found) == sorted(wanted)
    assert all(len(run.groups) <= 4 for run in layout.runs)  # whole, right edge, bottom edge, corner
