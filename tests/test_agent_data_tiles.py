"""Made-up tiles: what the records say must be in the pixels."""

from __future__ import annotations

import re

import numpy as np
import pytest

from agent.data import tiles
from agent.data.store import Box, Pixels, Record
from env.miniwob.chromium import Camera, open_page

WIDTH, HEIGHT = tiles.WIDTH * tiles.COLUMNS, tiles.HEIGHT * tiles.ROWS


@pytest.fixture(scope="module")
def drawn() -> list[tuple[Pixels, Record]]:
    """One page of tiles, drawn twice, so that the second drawing is known to be the first's equal."""
    with open_page(WIDTH, HEIGHT) as page:
        camera = Camera(page, WIDTH, HEIGHT)
        once = tiles.photograph(page, camera, tiles.sheets(7, 100))
        again = tiles.photograph(page, camera, tiles.sheets(7, 100))
    for (image, record), (other, told) in zip(once, again, strict=True):
        assert np.array_equal(image, other)
        assert record == told
    return once


def contrast(image: Pixels, box: Box) -> int:
    """The largest difference of brightness between two pixels of a box."""
    x0, y0, x1, y1 = box
    inside = image[y0:y1, x0:x1].astype(int).sum(axis=2) // 3
    return int(inside.max() - inside.min())


def test_where_a_glyph_is_said_to_be_there_is_ink(drawn: list[tuple[Pixels, Record]]) -> None:
    inked = [contrast(image, glyph[1:]) > 40 for image, record in drawn for glyph in record.glyphs]
    assert len(inked) > 4000
    assert sum(inked) > 0.995 * len(inked)


def test_what_ink_there_is_on_plain_paper_is_told(drawn: list[tuple[Pixels, Record]]) -> None:
    missing = 0
    for image, record in drawn:
        plain = image[50:, :].astype(int).sum(axis=2)
        if record.kind != "tile-dense" or plain.max() != 765 or np.median(plain) != 765:
            continue
        told = np.zeros(image.shape[:2], bool)
        for _, x0, y0, x1, y1 in record.glyphs:
            told[max(y0 - 2, 0) : y1 + 2, max(x0 - 2, 0) : x1 + 2] = True
        told[-16:] = told[:50] = True  # the bar, and a last line that is cut through
        missing += int(((image.astype(int).sum(axis=2) < 300) & ~told).sum())
    assert missing < 20


def test_boxes_lie_in_the_picture_and_answers_in_their_boxes(drawn: list[tuple[Pixels, Record]]) -> None:
    for _, record in drawn:
        for glyph in record.glyphs:
            check(glyph[1:])
        for target in record.targets:
            for box in target.boxes:
                check(box)
            clicked = re.search(r'"left_click", "coordinate": \[(\d+), (\d+)\]', target.answer)
            assert (clicked is None) == (target.box is None)
            if clicked is not None and target.box is not None:
                assert target.box in target.boxes
                x, y = int(clicked[1]), int(clicked[2])
                assert target.box[0] <= x < target.box[2]
                assert target.box[1] <= y < target.box[3]


def check(box: Box) -> None:
    x0, y0, x1, y1 = box
    assert 0 <= x0 < x1 <= tiles.WIDTH
    assert 0 <= y0 < y1 <= tiles.HEIGHT


def test_a_sixth_of_the_answers_type_what_the_instruction_says(drawn: list[tuple[Pixels, Record]]) -> None:
    targets = [target for _, record in drawn for target in record.targets]
    typed = [target for target in targets if '"type", "text": ' in target.answer]
    assert len(typed) > len(targets) * 0.15
    for target in typed:
        text = target.answer.partition('"text": "')[2].rpartition('"}}')[0]
        assert text in target.instruction
        assert '"left_click"' in target.history[-1]
        assert target.prompt.startswith(f"Instruction: {target.instruction}\nPrevious actions:\nStep 1: ")


def test_most_tiles_are_asked_about_and_a_third_are_dense(drawn: list[tuple[Pixels, Record]]) -> None:
    assert sum(bool(record.targets) for _, record in drawn) >= 95
    assert sum(len(record.glyphs) >= 60 for _, record in drawn) >= 33
