"""Where models say that things are, in every form they say it in, comes back in pixels of the original image."""

from __future__ import annotations

import json
import random
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actions import ActionError, Frame, Grounded, Point, parse_grounding

FLAT = Frame(1000, 600, 1000, 600)
PHONE = Frame(1080, 2400, 672, 1484)
THOUSAND = Frame.of("thousand", 1920, 1080, 1316, 728)


def boxes(*found: tuple[int, int, int, int], labels: tuple[str, ...] = ()) -> Grounded:
    return Grounded(found, (), labels or ("",) * len(found))


def places(*found: tuple[int, int], labels: tuple[str, ...] = ()) -> Grounded:
    return Grounded((), tuple(Point(x=x, y=y) for x, y in found), labels or ("",) * len(found))


TWO = boxes((43, 71, 209, 153), (341, 258, 397, 360), labels=("a cake", "a rider"))
LIST = (
    '[\n\t{"bbox_2d": [43, 71, 209, 153], "label": "a cake"},\n\t{"bbox_2d": [341, 258, 397, 360], "label": "a rider"'
)
READS: dict[str, tuple[str, Grounded]] = {
    "a fence": (f"```json\n{LIST}}}\n]\n```", TWO),
    "a list without a fence": (f"{LIST}}}]", TWO),
    "a fence without its end": (f"```json\n{LIST}}}", TWO),
    "a list cut within its third box": (f'{LIST}}},\n\t{{"bbox_2d": [1, 2', TWO),
    "a list cut within its third label": (f'{LIST}}},\n\t{{"bbox_2d": [1, 2, 3, 4], "label": "a', TWO),
    "a list after prose": (f"Here they are: {LIST}}}]", TWO),
    "single quotes": (f"{LIST}}}]".replace('"', "'"), TWO),
    "a thought before": (f'<think>{{"bbox_2d": [1, 2, 3, 4]}}</think>{LIST}}}]', TWO),
    "one object": ('{"bbox_2d": [43, 71, 209, 153]}', boxes((43, 71, 209, 153))),
    "corners in the wrong order": ('{"bbox_2d": [209, 153, 43, 71]}', boxes((43, 71, 209, 153))),
    "corners as pairs": ('{"bbox_2d": [[43, 71], [209, 153]]}', boxes((43, 71, 209, 153))),
    "several boxes under one name": (
        '{"bbox_2d": [[1, 2, 3, 4], [5, 6, 7, 8]], "label": "x"}',
        boxes((1, 2, 3, 4), (5, 6, 7, 8), labels=("x", "x")),
    ),
    "a box to the far edge": ('{"bbox_2d": [0, 0, 1000, 600]}', boxes((0, 0, 1000, 600))),
    "a point": ('{"point_2d": [12, 34], "label": "OK"}', places((12, 34), labels=("OK",))),
    "points under one name": ('{"point_2d": [[1, 2], [3, 4]]}', places((1, 2), (3, 4))),
    "numeric strings": ('{"point_2d": ["12", "34"]}', places((12, 34))),
    "a call": (
        '<tool_call>\n{"name": "computer_use", "arguments": {"action": "left_click", "coordinate": [12, 34]}}',
        places((12, 34)),
    ),
    "boxes and points": (
        '[{"point_2d": [5, 6], "label": "p"}, {"bbox_2d": [1, 2, 3, 4], "label": "b"}]',
        Grounded(((1, 2, 3, 4),), (Point(x=5, y=6),), ("b", "p")),
    ),
    "a label of several lines": ('{"point_2d": [1, 2], "label": "a\\n  b"}', places((1, 2), labels=("a b",))),
    "box tokens": (
        "<|object_ref_start|>the eyes<|object_ref_end|><|box_start|>(176,106),(232,160)<|box_end|>",
        boxes((176, 106, 232, 160), labels=("the eyes",)),
    ),
    "two boxes of one thing": (
        "<|object_ref_start|>eye<|object_ref_end|><|box_start|>(1,2),(3,4)<|box_end|><|box_start|>(5,6),(7,8)<|box_end|>",
        boxes((1, 2, 3, 4), (5, 6, 7, 8), labels=("eye", "eye")),
    ),
    "a box token without its end": ("<|box_start|>(1,2),(3,4)", boxes((1, 2, 3, 4))),
    "a point in box tokens": ("<|box_start|>(12,34)<|box_end|>", places((12, 34))),
    "tags of the first Qwen-VL": ("<ref>a cat</ref><box>(1,2),(3,4)</box>", boxes((1, 2, 3, 4), labels=("a cat",))),
    "points with attributes": (
        '<points x1="12" y1="34" alt="OK">the button</points>',
        places((12, 34), labels=("OK",)),
    ),
    "several points with attributes": (
        '<points x1="12.4" y1="34" x2="56" y2="78">two</points>',
        places((12, 34), (56, 78), labels=("two", "two")),
    ),
    "a point with bare attributes": ("<point x='12' y='34' alt='OK'/>", places((12, 34), labels=("OK",))),
    "HTML": (
        '<body><h1 data-bbox="10 20 300 60" class="t">Title</h1>\n<img data-bbox="1 2 3 4" /></body>',
        boxes((10, 20, 300, 60), (1, 2, 3, 4), labels=("Title", "")),
    ),
    "bare corners": ("(43,71),(209,153)", boxes((43, 71, 209, 153))),
    "bare corners in prose": ("It is at (43, 71), (209, 153).", boxes((43, 71, 209, 153))),
    "a bare point": ("The button is at (12, 34).", places((12, 34))),
    "a bare list": ("[43, 71, 209, 153]", boxes((43, 71, 209, 153))),
    "bare lists": ("[[1, 2, 3, 4], [5, 6, 7, 8]]", boxes((1, 2, 3, 4), (5, 6, 7, 8))),
}


@pytest.mark.parametrize(("text", "found"), READS.values(), ids=READS)
def test_every_form_is_read(text: str, found: Grounded) -> None:
    assert parse_grounding(text, FLAT) == found


@pytest.mark.parametrize(
    "text",
    [
        '{"bbox_2d": [0, 742, 672, 1484]}',
        "<|box_start|>(0,742),(672,1484)<|box_end|>",
        '<p data-bbox="0 742 672 1484"></p>',
        "(0,742),(672,1484)",
    ],
)
def test_a_box_comes_back_in_pixels_of_the_original_each_axis_by_its_own_scale(text: str) -> None:
    assert parse_grounding(text, PHONE).boxes == ((0, 1200, 1080, 2400),)


def test_a_box_in_thousandths_comes_back_in_pixels_of_the_original() -> None:
    assert parse_grounding("(176,106),(1000,1000)", THOUSAND).boxes == ((338, 114, 1920, 1080),)


def test_a_point_on_the_far_edge_is_the_last_pixel() -> None:
    assert parse_grounding('{"point_2d": [1000, 1000]}', THOUSAND).points == (Point(x=1919, y=1079),)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "^the reply points at nothing"),
        ("There is no such thing.", "points at nothing"),
        ("[]", "points at nothing"),
        ('{"bbox_2d": null}', "points at nothing"),
        ('{"bbox_2d": [1, 2', "points at nothing"),
        ('{"bbox_2d": [1, 2, 3]}', r"^bbox_2d: \[1, 2, 3\] is neither a point"),
        ('{"bbox_2d": [1, 2, 3, "x"]}', r"^bbox_2d: 'x' is not a number"),
        ('{"bbox_2d": [1, 2, 3, NaN]}', r"^bbox_2d: nan is not a finite"),
        ('{"bbox_2d": [0, 0, 1001, 5]}', r"^bbox_2d: \(1001, 5\) lies outside the 1000x600 image"),
        ('{"point_2d": [-1, 5]}', r"\(-1, 5\) lies outside"),
        ('<points x1="5" y1="601">x</points>', r"^points: \(5, 601\) lies outside"),
        ('<p data-bbox="1 2 3">x</p>', "^data-bbox: .* is neither"),
        ('<p data-bbox="1-2 3 4 5">x</p>', "must be numbers"),
        ('[{"bbox_2d": [1, 2, 3, 4]},' * 3000, "more than 2000 places"),
    ],
)
def test_what_points_nowhere_is_refused(text: str, message: str) -> None:
    with pytest.raises(ActionError, match=message):
        parse_grounding(text, FLAT)


@given(st.lists(st.tuples(*(st.integers(0, 728) for _ in range(4))), min_size=1, max_size=5), st.integers(0, 200))
@settings(max_examples=300, deadline=None)
def test_a_reply_cut_anywhere_keeps_the_boxes_that_were_whole(found: list[tuple[int, int, int, int]], cut: int) -> None:
    listed = [json.dumps({"bbox_2d": list(box), "label": "x"}) for box in found]
    text = "[" + ", ".join(listed)
    whole = sum(1 for count in range(len(found)) if len("[" + ", ".join(listed[: count + 1])) <= len(text) - cut)
    frame = Frame(728, 728, 728, 728)
    try:
        boxes_found = parse_grounding(text[: max(len(text) - cut, 0)], frame).boxes
    except ActionError:
        boxes_found = ()
    wanted = [(min(a, c), min(b, d), max(a, c), max(b, d)) for a, b, c, d in found]
    assert list(boxes_found[:whole]) == wanted[:whole]
    assert len(boxes_found) <= len(found)


def test_ten_thousand_mutated_replies_give_places_inside_the_image_or_an_action_error() -> None:
    drawn = random.Random(3)
    pieces = [
        "{",
        "}",
        "[",
        "]",
        "(",
        ")",
        "<|box_start|>",
        "<points ",
        "data-bbox=",
        '"',
        "1e400",
        "-5",
        "NaN",
        "\ud800",
    ]
    said, read = 0, 0
    for _ in range(10_000):
        text, _ = drawn.choice(list(READS.values()))
        for _ in range(drawn.choice((1, 2, 5))):
            a, b = sorted(drawn.randrange(len(text) + 1) for _ in range(2))
            piece = drawn.choice([*pieces, text[a : a + 9], ""])
            text = text[:a] + piece + text[drawn.choice((a, min(b, a + 12))) :]
        try:
            found = parse_grounding(text, FLAT)
        except ActionError as error:
            said += bool(str(error))
            continue
        read += 1
        assert found.boxes or found.points
        assert len(found.labels) == len(found.boxes) + len(found.points)
        for x1, y1, x2, y2 in found.boxes:
            assert 0 <= x1 <= x2 <= 1000
            assert 0 <= y1 <= y2 <= 600
        assert all(0 <= point.x < 1000 and 0 <= point.y < 600 for point in found.points)
        "".join(found.labels).encode("utf-8")
    assert said + read == 10_000
    assert min(said, read) > 500


LONG = {
    "brackets": "(" * 1_000_000,
    "pairs without an end": "(1,2),(" * 150_000,
    "box tokens": "<|box_start|>" * 80_000,
    "refs": "<|object_ref_start|>a" * 50_000,
    "points": "<points x1=" * 100_000,
    "attributes": "<points " + 'x1="1" ' * 150_000,
    "html": "data-bbox=" * 100_000,
    "html without an end": 'data-bbox="1 2 3 4" ' * 50_000 + "x" * 500_000,
    "objects": '{"bbox_2d": [1, 2, 3' * 50_000,
    "digits": "[" + "9" * 1_000_000,
    "white space": "(1," + " " * 1_000_000,
    "thoughts": "<think></think>" * 70_000,
}


@pytest.mark.parametrize("text", LONG.values(), ids=LONG)
def test_a_megabyte_is_refused_in_linear_time(text: str) -> None:
    start = time.process_time()
    with pytest.raises(ActionError):
        parse_grounding(text, FLAT)
    assert time.process_time() - start < 5
