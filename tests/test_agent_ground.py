"""`handeye ground`: places in pixels of the picture that was given, whoever points and however it writes."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from agent_runs import handeye
from picture_files import SEND, photograph
from PIL import Image
from test_agent_ask import invoke

from actions import Grounded, Point
from agent.drawing import mark
from agent.engine import Engine
from agent.grounding import find
from agent.settings import Settings
from agent.speaker import Question, Said, Sight
from model import Clip, ImageProcessor, Sampling


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return photograph(tmp_path_factory.mktemp("page") / "greet.png")


def inside(point: list[int], scale: int = 1) -> bool:
    left, top, right, bottom = (scale * side for side in SEND)
    return left <= point[0] < right and top <= point[1] < bottom


def test_the_built_in_model_finds_a_button_and_draws_where(page: Path, tmp_path: Path) -> None:
    drawn = tmp_path / "drawn.png"
    done = handeye("ground", page, "Send", "--draw", drawn, "--json")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("\n") == 1
    said = json.loads(done.stdout)
    assert set(said) == {"text", "tokens", "usage", "image_sizes", "timings", "boxes", "points"}
    assert said["boxes"] == []
    assert len(said["points"]) == 1
    assert inside(said["points"][0])
    before, after = (np.asarray(Image.open(path).convert("RGB")) for path in (page, drawn))
    assert before.shape == after.shape
    x, y = said["points"][0]
    assert after[y, x].tolist() == [255, 40, 40]
    changed = np.argwhere((before != after).any(axis=2))
    assert np.abs(changed - (y, x)).max() < 20


def test_a_point_lies_in_the_picture_as_given_not_as_seen(page: Path, tmp_path: Path) -> None:
    large = tmp_path / "large.png"
    Image.open(page).convert("RGB").resize((480, 624), Image.Resampling.NEAREST).save(large)
    code, out, problems = invoke("ground", large, "Send", "--max-pixels", 160 * 208, "--json")
    assert code == 0, problems
    said = json.loads(out)
    assert said["image_sizes"] == [[480, 624, 160, 208]]
    assert inside(said["points"][0], 3)


def test_places_are_printed_one_a_line(page: Path) -> None:
    code, out, _ = invoke("ground", page, "Send")
    assert code == 0
    kind, x, y = out.split()
    assert kind == "point"
    assert inside([int(x), int(y)])


@dataclass
class Reciter:
    """A speaker that looks at pictures as a released model does, and says what it was given to say."""

    text: str
    settings: Settings
    name: str = "reciter"
    hash: str = ""
    room: int | None = None
    asked: list[Question] = field(default_factory=list)

    def size(self, width: int, height: int) -> tuple[int, int]:
        return ImageProcessor().size(width, height)

    def clip(self, path: Path, sampling: Sampling) -> Clip:
        raise NotImplementedError

    def count(self, question: Question) -> int:
        return 0

    def say(self, question: Question, watch: Callable[[str], None] | None = None) -> Said:
        self.asked.append(question)
        return Said(self.text)


SCREEN = np.zeros((1080, 1920, 3), dtype=np.uint8)
"""Seen at 1932x1092."""

REPLIES = {
    "pixels of the image as seen": (
        "qwen2.5",
        '```json\n[{"bbox_2d": [966, 546, 1932, 1092], "label": "half"}]\n```',
        Grounded(((960, 540, 1920, 1080),), (), ("half",)),
    ),
    "a point": ("qwen2.5", '{"point_2d": [966, 546], "label": "p"}', Grounded((), (Point(x=960, y=540),), ("p",))),
    "thousandths": (
        "qwen2",
        "<|object_ref_start|>half<|object_ref_end|><|box_start|>(500,500),(1000,1000)<|box_end|>",
        Grounded(((960, 540, 1920, 1080),), (), ("half",)),
    ),
    "0 to 999": ("qwen3", '[{"bbox_2d": [0, 0, 999, 999], "label": ""}]', Grounded(((0, 0, 1920, 1080),), (), ("",))),
    "a call": (
        "fara",
        '<tool_call>\n{"name": "computer_use", "arguments": {"action": "left_click", "coordinate": [966, 546]}}\n'
        "</tool_call>",
        Grounded((), (Point(x=960, y=540),), ("",)),
    ),
}


@pytest.mark.parametrize("name", REPLIES)
def test_each_convention_comes_back_in_pixels_of_the_screen(name: str) -> None:
    dialect, text, expected = REPLIES[name]
    found = find(Reciter(text, Settings(dialect=dialect)), SCREEN, "half", max_tokens=9)
    assert (found.grounded, found.problem) == (expected, "")


def test_a_grounder_is_asked_for_boxes_and_an_agent_for_a_click() -> None:
    boxes = Reciter("(1,1)", Settings(dialect="qwen2.5"))
    find(boxes, SCREEN, "the <|im_end|> button", max_tokens=9)
    assert "the <|im_end|> button" in str(boxes.asked[0].messages)
    assert "bbox_2d" in str(boxes.asked[0].messages)
    assert boxes.asked[0].max_tokens == 9
    clicks = Reciter("", Settings(dialect="qwen2.5", ground="click", system=False))
    find(clicks, SCREEN, "OK", max_tokens=9)
    assert "Instruction: Click on OK." in str(clicks.asked[0].messages)
    assert [message["role"] for message in clicks.asked[0].messages] == ["user"]
    grammar = clicks.asked[0].grammar
    assert grammar is not None
    assert "left_click" in grammar
    assert not [verb for verb in ('\\"type\\"', '\\"wait\\"', "terminate") if verb in grammar]
    assert boxes.asked[0].grammar is None
    assert clicks.asked[0].stop == ("</tool_call>",)
    told = Reciter("", Settings(dialect="fara"))
    find(told, SCREEN, "OK", max_tokens=9)
    assert [message["role"] for message in told.asked[0].messages] == ["system", "user"]


@pytest.mark.parametrize(
    ("dialect", "text"),
    [
        ("qwen2.5", "I see nothing of the kind."),
        ("qwen2.5", '[{"bbox_2d": [0, 0, 5000, 5000]}]'),
        ("fara", '<tool_call>\n{"name": "computer_use", "arguments": {"action": "wait", "time": 1}}\n</tool_call>'),
        ("fara", "{{{"),
    ],
)
def test_an_answer_that_points_nowhere_says_why(dialect: str, text: str) -> None:
    found = find(Reciter(text, Settings(dialect=dialect)), SCREEN, "x", max_tokens=9)
    assert (found.grounded.boxes, found.grounded.points) == ((), ())
    assert found.problem


def test_a_model_that_points_nowhere_ends_with_one_and_still_one_object(page: Path, tmp_path: Path) -> None:
    code, out, problems = invoke("ground", page, "Send", "--max-tokens", "1", "--json", "--draw", tmp_path / "o.png")
    assert code == 1
    said = json.loads(out)
    assert (said["boxes"], said["points"]) == ([], [])
    assert "nothing found" in problems


WRONG = {
    "nothing to find": (["greet.png", " "], "TARGET is empty"),
    "not a picture": (["greet.html", "x"], "greet.html"),
    "no such file": (["none.png", "x"], "none.png: cannot be read"),
    "no such folder": (["greet.png", "x", "--draw", "none/out.png"], "--draw none/out.png: expected a PNG file"),
    "another kind": (["greet.png", "x", "--draw", "out.jpg"], "--draw out.jpg: expected a PNG file"),
    "no such model": (["greet.png", "x", "--model", "nowhere"], "--model nowhere"),
    "no target": (["greet.png"], "Missing argument 'TARGET'"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_usage_is_told_and_nothing_is_printed(name: str, page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(page.parent)
    (page.parent / "greet.html").write_text("<p>")
    words, message = WRONG[name]
    code, out, problems = invoke("ground", *words, "--json")
    assert (code, out) == (2, "")
    assert message in problems


def test_boxes_and_points_at_the_edges_are_drawn_inside(tmp_path: Path) -> None:
    picture = np.full((40, 60, 3), 128, dtype=np.uint8)
    found = Grounded(((0, 0, 60, 40), (10, 10, 10, 10)), (Point(x=0, y=0), Point(x=59, y=39)), ("", "", "", ""))
    mark(picture, found, tmp_path / "out.png")
    drawn = np.asarray(Image.open(tmp_path / "out.png"))
    assert drawn.shape == picture.shape
    for y, x in ((0, 0), (39, 59), (0, 30), (20, 59)):
        assert drawn[y, x].tolist() == [255, 40, 40]
    assert (picture == 128).all()


def test_a_sight_reaches_the_size_at_which_an_engine_sees() -> None:
    assert Engine(sight=Sight(max_pixels=4096)).size(160, 208) == (48, 64)
    assert Engine().size(160, 208) == (160, 208)
