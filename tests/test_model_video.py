"""Which frames of a video are taken, at what size they are seen, and how they become patches."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

from model import Clip, ImageProcessor, Sampling, VideoError, VideoProcessor, smart_resize
from model.layout import Medium

RELEASED = VideoProcessor(ImageProcessor())
SMALL = ImageProcessor(patch_size=8, min_pixels=256, max_pixels=64 * 256)


def frames(count: int, width: int, height: int, seed: int = 0) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (count, height, width, 3), dtype=np.uint8)


@settings(deadline=None)
@given(st.integers(1, 10**6), st.integers(1, 240), st.sampled_from((Fraction(2), Fraction(1, 2), Fraction(24))))
@example(1, 25, Fraction(2))
@example(3, 25, Fraction(2))
@example(2000, 25, Fraction(2))
@example(10**6, 1, Fraction(2))
def test_frames_are_taken_in_pairs_within_the_limits(total: int, rate: int, fps: Fraction) -> None:
    places = Sampling(fps=float(fps)).indices(total, float(rate))
    exact = min(max(total * fps / rate, 4), 768, total)
    assert len(places) == (int(exact) // 2 * 2 or 1)
    assert places == sorted(set(places))
    assert places[0] == 0
    assert places[-1] == (total - 1 if len(places) > 1 else 0)


@pytest.mark.parametrize(
    ("total", "rate", "expected"),
    [
        (8, 2.0, [0, 1, 2, 3, 4, 5, 6, 7]),
        (7, 2.0, [0, 1, 2, 4, 5, 6]),  # 0, 1.2, 2.4, 3.6, 4.8, 6
        (4, 1.0, [0, 1, 2, 3]),
        (10, 10.0, [0, 3, 6, 9]),
        (11, 10.0, [0, 3, 7, 10]),
    ],
)
def test_known_films_give_known_frames(total: int, rate: float, expected: list[int]) -> None:
    assert Sampling().indices(total, rate) == expected


def test_halves_are_rounded_to_even() -> None:
    assert Sampling(min_frames=2, max_frames=2).indices(2, 1.0) == [0, 1]
    assert Sampling(fps=1, min_frames=2).indices(4, 1.0) == [0, 1, 2, 3]
    assert torch.linspace(0, 5, 3).round().tolist() == [0, 2, 5]  # 2.5 becomes 2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"fps": 0.0}, "fps: 0.0; expected a number above zero"),
        ({"fps": float("nan")}, "fps: nan"),
        ({"fps": float("inf")}, "fps: inf"),
        ({"min_frames": 0}, "min_frames to max_frames: 0 to 768"),
        ({"min_frames": 9, "max_frames": 8}, "9 to 8"),
        ({"min_frames": 1, "max_frames": 1}, "1 to 1; expected 1 or more to 2 or more"),
    ],
)
def test_a_sampling_that_takes_nothing_is_refused(change: dict[str, float], message: str) -> None:
    with pytest.raises(VideoError, match=message):
        Sampling(**change)  # type: ignore[arg-type]


@settings(deadline=None)
@given(st.integers(1, 768), st.integers(8, 4000), st.integers(8, 4000))
@example(2, 1920, 1080)
@example(768, 1920, 1080)
@example(300, 3840, 2160)
@example(2, 28, 28)
def test_each_frame_gets_its_share_of_the_reference_s_budget(count: int, width: int, height: int) -> None:
    if max(width, height) > 200 * min(width, height):
        return
    low, high, total = 128 * 784, 768 * 784, 128_000 * 784 * 9 // 10
    share = max(min(high, total * 2 // count), low * 105 // 100)
    rows, cols = smart_resize(height, width, min_pixels=low, max_pixels=share)
    assert RELEASED.size(count, width, height) == (cols, rows)
    assert RELEASED.size(count, cols, rows) == (cols, rows)


@pytest.mark.parametrize(
    ("count", "size", "seen"),
    [
        (4, (1920, 1080), (1008, 560)),
        (768, (1920, 1080), (644, 336)),
        (160, (64, 48), (392, 280)),
        (1, (1080, 1920), (560, 1008)),
    ],
)
def test_known_films_are_seen_at_known_sizes(count: int, size: tuple[int, int], seen: tuple[int, int]) -> None:
    assert RELEASED.size(count, *size) == seen


def test_a_budget_of_ones_own_bounds_each_frame() -> None:
    assert VideoProcessor(ImageProcessor(), max_pixels=56 * 56).size(4, 1920, 1080) == (56, 28)
    assert VideoProcessor(ImageProcessor(), min_pixels=300_000).size(768, 320, 200) == (700, 448)
    assert VideoProcessor(ImageProcessor(), max_pixels=10**9).size(4, 1920, 1080) == RELEASED.size(4, 1920, 1080)
    with pytest.raises(VideoError, match="max_pixels: 1000; expected at least min_pixels 2000"):
        VideoProcessor(ImageProcessor(), min_pixels=2000, max_pixels=1000)
    for change in ({"min_pixels": 0}, {"max_pixels": 0}):
        with pytest.raises(VideoError, match=r"_pixels: 0; expected at least (1|min_pixels 1)"):
            VideoProcessor(ImageProcessor(), **change)
    with pytest.raises(VideoError, match="a frame: an image of 4x900 pixels is too narrow"):
        RELEASED.size(4, 4, 900)


@pytest.mark.parametrize("count", [1, 2, 5, 6])
@pytest.mark.parametrize("size", [(224, 168), (100, 60)])
def test_patches_are_those_that_transformers_makes_of_each_frame(count: int, size: tuple[int, int]) -> None:
    """A still image has all frames of a patch alike: of frame t, its patches are every patch's place t."""
    clip = Clip(frames(count, *size), fps=2.0)
    processor = VideoProcessor(SMALL, max_pixels=64 * 256)
    width, height = processor.size(count, *size)
    budget = {"shortest_edge": 64 * 256, "longest_edge": 64 * 256}
    reference = Qwen2VLImageProcessorPil(patch_size=8, merge_size=2, size=budget)
    found, medium = processor(clip)
    steps = (count + 1) // 2
    assert medium == Medium((steps, height // 8, width // 8), 1.0)
    cells = found.view(steps, -1, 3, 2, 64)
    for step in range(steps):
        for place in range(2):
            frame = clip.frames[min(step * 2 + place, count - 1)]
            theirs = reference([frame], return_tensors="pt")["pixel_values"].view(-1, 3, 2, 64)
            assert torch.equal(cells[step, :, :, place], theirs[:, :, 0])


def test_the_time_of_a_grid_step_is_that_of_the_frames_really_taken() -> None:
    assert VideoProcessor(SMALL)(Clip(frames(4, 64, 64), fps=2.0))[1].seconds_per_grid == 1.0
    assert VideoProcessor(SMALL)(Clip(frames(4, 64, 64), fps=8.0))[1].seconds_per_grid == 0.25


def test_tokens_are_counted_before_anything_is_cut() -> None:
    clip = Clip(frames(5, 64, 64), fps=2.0)
    patches, medium = VideoProcessor(SMALL)(clip)
    assert VideoProcessor(SMALL).tokens(clip) == len(patches) // 4 == np.prod(medium.grid) // 4


@pytest.mark.parametrize(
    ("array", "fps", "message"),
    [
        ([[0]], 2.0, "frames: list; expected a uint8 array"),
        (np.zeros((2, 8, 8, 3)), 2.0, r"frames: float64 \[2, 8, 8, 3\]; expected a uint8 array"),
        (np.zeros((8, 8, 3), np.uint8), 2.0, r"frames: uint8 \[8, 8, 3\]"),
        (np.zeros((0, 8, 8, 3), np.uint8), 2.0, r"frames: uint8 \[0, 8, 8, 3\]"),
        (np.zeros((2, 8, 8, 4), np.uint8), 2.0, r"\[2, 8, 8, 4\]"),
        (np.zeros((2, 8, 8, 3), np.uint8), 0.0, "fps: 0.0; expected the frames taken a second"),
        (np.zeros((2, 8, 8, 3), np.uint8), float("nan"), "fps: nan"),
    ],
)
def test_what_is_no_clip_is_refused(array: object, fps: float, message: str) -> None:
    with pytest.raises(VideoError, match=message):
        Clip(array, fps)  # type: ignore[arg-type]


def test_a_clip_knows_the_size_of_its_frames() -> None:
    assert Clip(frames(2, 30, 20), 1.0).size == (30, 20)
    assert Clip(frames(2, 30, 20), 1.0, (300, 200)).size == (300, 200)
