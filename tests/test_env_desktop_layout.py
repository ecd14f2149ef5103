"""Where a pixel of a screenshot is, on whatever monitors; pictures that have come to rest."""

from __future__ import annotations

import itertools
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actions import Point
from env import Image
from env.desktop.frames import still
from env.desktop.input import notches
from env.desktop.layout import Layout

sides = st.integers(1, 8000)
places = st.integers(-8000, 8000)


@given(places, places, sides, sides, st.sampled_from([1, 2, 3]))
def test_every_pixel_lies_on_its_monitor_and_the_last_one_at_its_edge(
    left: int, top: int, width: int, height: int, scale: int
) -> None:
    layout = Layout(left, top, width, height, (width * scale, height * scale))
    assert layout.place(Point(x=0, y=0)) == (left, top)
    assert layout.place(Point(x=width * scale - 1, y=height * scale - 1)) == (left + width - 1, top + height - 1)


def test_a_monitor_left_of_the_first_has_negative_places() -> None:
    layout = Layout(-1920, -200, 1920, 1080, (1920, 1080))
    assert layout.place(Point(x=10, y=20)) == (-1910, -180)
    assert (-1920, -200) in layout.corners
    assert (-1, 879) in layout.corners


def test_two_pixels_of_a_fine_screen_are_one_place() -> None:
    layout = Layout(0, 0, 1440, 900, (2880, 1800))
    assert [layout.place(Point(x=x, y=101)) for x in (200, 201, 202)] == [(100, 50), (100, 50), (101, 50)]


@pytest.mark.parametrize(("pixels", "turns"), [(0, 0), (1, 1), (-1, -1), (120, 1), (-179, -1), (181, 2), (1200, 10)])
def test_any_distance_turns_the_wheel_by_a_notch_at_least(pixels: int, turns: int) -> None:
    assert notches(pixels) == turns


def picture(value: int) -> Image:
    return np.full((2, 3, 3), value, np.uint8)


def test_a_screen_is_at_rest_once_two_pictures_are_equal() -> None:
    shots = map(picture, [1, 2, 3, 3, 4])
    assert still(lambda: next(shots), lambda seconds: None, None, 60)[0, 0, 0] == 3


def test_a_screen_as_it_was_is_the_very_same_picture() -> None:
    last = picture(5)
    assert still(lambda: picture(5), lambda seconds: None, last, 60) is last
    assert still(lambda: picture(6), lambda seconds: None, last, 60) is not last


def test_a_screen_that_never_rests_is_seen_all_the_same() -> None:
    counter = itertools.count()
    began = time.monotonic()
    found = still(lambda: picture(next(counter) % 256), lambda seconds: None, None, 0.05)
    assert (found == picture((next(counter) - 1) % 256)).all()  # the latest there was
    assert time.monotonic() - began < 5
