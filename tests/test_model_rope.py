"""M-RoPE ids and rotations."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from model_checkpoint import IMAGE_PAD as PAD
from model_checkpoint import shape

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


def one_by_one(tokens: list[int], grids: list[tuple[int, int]]) -> list[tuple[int, int, int]]:
    """The slow twin: each token in turn."""
    ids: list[tuple[int, int, int]] = []
    left, start = list(grids), 0
    while len(ids) < len(tokens):
        if tokens[len(ids)] != PAD:
            ids.append((start, start, start))
        else:
            rows, cols = left.pop(0)
            ids += [(start, start + y, start + x) for y in range(rows) for x in range(cols)]
        start = max(map(max, ids)) + 1
    return ids


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(1, 5), st.integers(1, 5)), max_size=4), st.integers(0, 3))
def test_ids_are_those_found_token_by_token(parts: list[tuple[int, int, int]], tail: int) -> None:
    tokens = [token for text, rows, cols in parts for token in [1] * text + [PAD] * (rows * cols)] + [1] * tail
    grids = [(rows, cols) for _, rows, cols in parts]
    assert position_ids(tokens, CONFIG, [image(*grid) for grid in grids]).T.tolist() == [
        list(i) for i in one_by_one(tokens, grids)
    ]


@pytest.mark.parametrize(
    ("tokens", "grids", "message"),
    [
        ([1, PAD], [], "has 1 image tokens, its 0 images need 0"),
        ([1], [(1, 2)], "has 0 image tokens, its 1 images need 2"),
        ([PAD, 1, PAD], [(1, 2)], "image 1 needs 2 image tokens in a row"),
        ([PAD, PAD, 1, PAD], [(1, 1), (1, 2)], "image 2 needs 2 image tokens in a row"),
    ],
)
def test_tokens_and_images_that_disagree_are_refused(
    tokens: list[int], grids: list[tuple[int, int]], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        position_ids(tokens, CONFIG, [image(*grid) for grid in grids])


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
