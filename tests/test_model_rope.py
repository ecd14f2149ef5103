"""M-RoPE ids and rotations."""

from __future__ import annotations

import math
from itertools import groupby

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from model_checkpoint import IMAGE_PAD as PAD
from model_checkpoint import VIDEO_PAD, shape, shape2

from model.config import Config
from model.layout import Medium
from model.rope import frequencies, position_ids, rotate, text_rotation, vision_rotation

CONFIG = Config.parse(shape())


def image(rows: int, cols: int) -> Medium:
    """An image of so many merged tokens."""
    return Medium((1, 2 * rows, 2 * cols))


def test_ids_of_text_an_image_and_text_are_the_known_ones() -> None:
    ids = position_ids([1, 1, 1, 1, *[PAD] * 6, 1, 1, 1, 1], CONFIG, [image(2, 3)])
    assert ids.tolist() == [
        [0, 1, 2, 3, 4, 4, 4, 4, 4, 4, 7, 8, 9, 10],
        [0, 1, 2, 3, 4, 4, 4, 5, 5, 5, 7, 8, 9, 10],
        [0, 1, 2, 3, 4, 5, 6, 4, 5, 6, 7, 8, 9, 10],
    ]
    assert int(ids.max()) + 1 - ids.shape[1] == -3


def video(steps: int, rows: int, cols: int, seconds: float) -> Medium:
    """A video of so many merged tokens."""
    return Medium((steps, 2 * rows, 2 * cols), seconds)


def spans(ids: list[int]) -> str:
    """Ids with how often each follows itself: 0 1 2 | 3x4 is "0 1 2 3x4"."""
    runs = [(value, len(list(same))) for value, same in groupby(ids)]
    return " ".join(f"{value}x{count}" if count > 1 else str(value) for value, count in runs)


def test_ids_of_a_video_are_those_of_the_paper_and_not_those_of_transformers() -> None:
    """Text starts one past the largest id of the video (arXiv 2409.12191, 2.1); transformers 5.23 lets it start at 5,
    in the midst of the video's time, and 4.57 cuts seconds to whole numbers before it multiplies."""
    tokens = [1, 1, 3, *[VIDEO_PAD] * 12, 4, *[1] * 4]
    ids = position_ids(tokens, CONFIG, [video(3, 2, 2, 2.0)])
    assert spans(ids[0].tolist()) == "0 1 2 3x4 7x4 11x4 12 13 14 15 16"
    assert spans(ids[1].tolist()) == "0 1 2 3x2 4x2 3x2 4x2 3x2 4x2 12 13 14 15 16"
    assert ids[2].tolist() == [0, 1, 2, *[3, 4] * 6, 12, 13, 14, 15, 16]
    assert int(ids.max()) + 1 - ids.shape[1] == -3


@pytest.mark.parametrize(
    ("seconds", "times"),
    [(1.0, "0 2 4 6"), (2.0, "0 4 8 12"), (0.5, "0 1 2 3"), (0.25, "0x2 1x2"), (2 / 3, "0 1 2 4"), (2 / 24, "0x4")],
)
def test_time_is_counted_in_fractions_and_then_cut(seconds: float, times: str) -> None:
    ids = position_ids([VIDEO_PAD] * 4, CONFIG, [video(4, 1, 1, seconds)])
    assert spans(ids[0].tolist()) == times


def test_the_first_generation_counts_steps_whatever_they_last() -> None:
    tokens = [1, *[VIDEO_PAD] * 10, 1, 1]
    ids = position_ids(tokens, Config.parse(shape2()), [video(5, 1, 2, 9.0)])
    assert spans(ids[0].tolist()) == "0 1x2 2x2 3x2 4x2 5x2 6 7"
    assert ids[2].tolist() == [0, *[1, 2] * 5, 6, 7]


def one_by_one(tokens: list[int], media: list[Medium], clock: float | None) -> list[tuple[int, int, int]]:
    """The slow twin: each token in turn."""
    ids: list[tuple[int, int, int]] = []
    left, start = list(media), 0
    while len(ids) < len(tokens):
        if tokens[len(ids)] not in (PAD, VIDEO_PAD):
            ids.append((start, start, start))
        else:
            (steps, high, wide), seconds = left.pop(0)
            for k in range(steps):
                time = 0 if seconds is None else k if clock is None else int(k * seconds * clock)
                ids += [(start + time, start + y, start + x) for y in range(high // 2) for x in range(wide // 2)]
        start = max(map(max, ids)) + 1
    return ids


media = st.builds(image, st.integers(1, 5), st.integers(1, 5)) | st.builds(
    video, st.integers(1, 4), st.integers(1, 4), st.integers(1, 4), st.sampled_from([0.125, 0.5, 1.0, 1.75, 40.0])
)


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 4), media), max_size=4), st.integers(0, 3), st.booleans())
def test_ids_are_those_found_token_by_token(parts: list[tuple[int, Medium]], tail: int, first: bool) -> None:
    tokens: list[int] = []
    for text, medium in parts:
        pad = PAD if medium.seconds_per_grid is None else VIDEO_PAD
        tokens += [1] * text + [pad] * (math.prod(medium.grid) // 4)
    tokens += [1] * tail
    config, shown = Config.parse(shape2()) if first else CONFIG, [medium for _, medium in parts]
    clock = None if first else 2.0
    assert position_ids(tokens, config, shown).T.tolist() == [list(i) for i in one_by_one(tokens, shown, clock)]


@pytest.mark.parametrize(
    ("tokens", "given_media", "message"),
    [
        ([1, PAD], [], "has 1 image tokens, its 0 images need 0"),
        ([1], [image(1, 2)], "has 0 image tokens, its 1 images need 2"),
        ([PAD, 1, PAD], [image(1, 2)], "medium 1 needs 2 image tokens in a row"),
        ([PAD, PAD, 1, PAD], [image(1, 1), image(1, 2)], "medium 2 needs 2 image tokens in a row"),
        ([1, VIDEO_PAD], [image(1, 1)], "has 0 image tokens, its 1 images need 1"),
        ([1, VIDEO_PAD], [], "has 1 video tokens, its 0 videos need 0"),
        ([PAD, VIDEO_PAD], [video(1, 1, 1, 1.0), image(1, 1)], "medium 1 needs 1 video tokens in a row"),
        ([VIDEO_PAD], [video(1, 1, 1, 0.0)], "seconds_per_grid is 0.0; expected a number above 0, at most 86400"),
        ([VIDEO_PAD], [video(1, 1, 1, float("nan"))], "seconds_per_grid is nan"),
        ([VIDEO_PAD], [video(1, 1, 1, float("inf"))], "seconds_per_grid is inf"),
        ([VIDEO_PAD], [video(1, 1, 1, 1e9)], "seconds_per_grid is 1000000000.0"),
        ([1], [Medium((1, 0, 2))], r"the image grid \(1, 0, 2\) holds no token"),
        ([PAD, PAD], [Medium((2, 2, 2))], "an image has 2 steps; expected 1"),
    ],
)
def test_tokens_and_media_that_disagree_are_refused(tokens: list[int], given_media: list[Medium], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        position_ids(tokens, CONFIG, given_media)


def test_text_turns_as_ordinary_rope_does() -> None:
    where = torch.arange(5).expand(3, 1, 5)
    cos, sin = text_rotation(where, 16, 10_000.0, (2, 3, 3))
    angles = torch.outer(torch.arange(5.0), frequencies(8, 10_000.0)).repeat(1, 2)
    assert torch.equal(cos[0, 0], angles.cos())
    assert torch.equal(sin[0, 0], angles.sin())


def test_each_axis_turns_its_own_channels() -> None:
    where = torch.tensor([1, 2, 3]).view(3, 1, 1)
    cos, _ = text_rotation(where, 16, 1.0, (2, 3, 3))  # theta 1: every frequency is 1
    expected = torch.tensor([1.0] * 2 + [2.0] * 3 + [3.0] * 3).repeat(2).cos()
    assert torch.equal(cos.flatten(), expected)


def test_the_tower_has_the_known_frequencies() -> None:
    found = frequencies(20, 10_000.0)
    expected = torch.tensor([1.0, 0.6310, 0.3981])
    torch.testing.assert_close(found[:3], expected, atol=1e-4, rtol=0)
    assert found[-1].item() == pytest.approx(1.585e-4, rel=1e-3)
    cos, sin = vision_rotation(torch.tensor([[2, 5]]), 80)
    angles = torch.cat((2 * found, 5 * found)).repeat(2)
    torch.testing.assert_close(cos[0], angles.cos())
    torch.testing.assert_close(sin[0], angles.sin())


def test_only_the_distance_of_two_places_matters() -> None:
    torch.manual_seed(0)
    q, k = torch.randn(16), torch.randn(16)
    scores = []
    for start in (0, 3, 40):
        where = torch.tensor([start, start + 5]).expand(3, 1, 2)
        cos, sin = (t[0, 0] for t in text_rotation(where, 16, 100.0, (2, 3, 3)))
        scores.append(rotate(q, (cos[0], sin[0])) @ rotate(k, (cos[1], sin[1])))
    torch.testing.assert_close(torch.stack(scores), scores[0].expand(3), atol=1e-5, rtol=0)
