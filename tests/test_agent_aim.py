"""The diagnosis of the click test: each fault, put between what was asked and what arrived, is called by its name."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.aim import Place, Shot, keys, places, pointer

SIZE = (1288, 728)
FAULTS: dict[str, tuple[str, Callable[[float, float], Place]]] = {
    "none": ("", lambda x, y: (x, y)),
    "a fraction of a pixel": ("", lambda x, y: (x + 0.4, y - 0.4)),
    "scale": ("scale", lambda x, y: (x * 1.25, y * 1.25)),
    "scale of one axis": ("scale", lambda x, y: (x, y * 1.02)),
    "scale and shift": ("scale", lambda x, y: (x * 2 + 30, y * 2 + 30)),
    "origin": ("origin", lambda x, y: (x + 8, y)),
    "origin by one": ("origin", lambda x, y: (x - 1, y - 1)),
    "origin on another monitor": ("origin", lambda x, y: (x - 1920, y + 1080)),
    "rounding down": ("rounding", lambda x, y: (x // 2 * 2, y // 2 * 2)),
    "rounding at 1.5": ("rounding", lambda x, y: (math.floor(x / 1.5) * 1.5, math.floor(y / 1.5) * 1.5)),
    "axes": ("axes", lambda x, y: (y, x)),
    "mirrored": ("scale", lambda x, y: (SIZE[0] - x, y)),
    "one place": ("unclear", lambda x, y: (x * x / 100, y)),
}


@pytest.mark.parametrize("name", FAULTS)
def test_each_fault_of_a_transform_has_its_name(name: str) -> None:
    fault, through = FAULTS[name]
    found = pointer([Shot((x, y), through(x, y)) for x, y in places(SIZE)])
    assert found.fault == fault, found.detail


def test_the_numbers_of_a_fault_are_told() -> None:
    shots = [Shot((x, y), (x * 1.25, y + 8)) for x, y in places(SIZE)]
    assert "x: scaled by 1.250" in pointer(shots).detail
    assert "y: shifted by +8 pixels" in pointer(shots).detail


def test_what_does_not_arrive_is_lost() -> None:
    shots = [Shot((x, y), (x, y)) for x, y in places(SIZE)]
    found = pointer([*shots, Shot((1, 2), None)])
    assert found.fault == "lost"
    assert "(1, 2)" in found.detail
    assert "1 of 8" in found.detail


@given(st.integers(100, 4000), st.integers(100, 4000))
def test_places_lie_on_the_screen_and_differ_in_both_axes(width: int, height: int) -> None:
    chosen = places((width, height))
    assert all(0 <= x < width and 0 <= y < height for x, y in chosen)
    assert {x % 2 for x, _ in chosen} == {y % 2 for _, y in chosen} == {0, 1}
    assert len({x for x, _ in chosen}) == len({y for _, y in chosen}) == len(chosen)


@pytest.mark.parametrize(
    ("arrived", "fault"),
    [
        ("zero-way", ""),
        ("yero-waz", "layout"),
        ("zeroßway", "layout"),
        ("zeroway", "lost"),
        ("", "lost"),
        ("zoro-wax", "layout"),
    ],
)
def test_characters_are_compared_one_by_one(arrived: str, fault: str) -> None:
    assert keys("zero-way", arrived).fault == fault


def test_one_key_that_gives_two_characters_is_no_layout() -> None:
    assert keys("aa", "bc").fault == "unclear"
