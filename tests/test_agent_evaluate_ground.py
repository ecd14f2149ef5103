"""`handeye eval ground`: a click counts where the box is, and a box is what its data says."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from test_agent_ask import invoke

from actions import Grounded, Point
from agent.data.pointing import ANNOTATIONS, make
from agent.evaluate import EvaluationError, Kept, evaluate, read_evaluation, render
from agent.evaluate.ground import DataError, Item, Pointed, Pointer, Pointing, read, seen
from agent.evaluate.ground.play import judged
from agent.grounding import Found
from agent.policy import PolicyBroken
from agent.schema import ModelEntry
from agent.settings import Settings
from agent.speaker import Question, QuestionError, Said
from agent.step import Usage
from model import Clip, ImageProcessor, Sampling

COUNT = 12


@pytest.fixture(scope="module")
def tiles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Screens drawn by our own browser, so that the boxes are known."""
    folder = tmp_path_factory.mktemp("tiles")
    assert make(folder, COUNT, 1_000_000) == COUNT
    return folder


@dataclass
class Knower:
    """Sees pictures at another size than they have, and says of each item what it was given to say."""

    answers: Mapping[str, str]
    """By the words that are asked for."""
    settings: Settings = field(default_factory=lambda: Settings(dialect="qwen2.5", ground="boxes"))
    name: str = "knower"
    hash: str = ""
    room: int | None = None
    least: int = 0

    def size(self, width: int, height: int) -> tuple[int, int]:
        if min(width, height) < self.least:
            raise QuestionError(f"{width}x{height} is too small to see")
        return ImageProcessor().size(width, height)

    def clip(self, path: Path, sampling: Sampling) -> Clip:
        raise NotImplementedError

    def count(self, question: Question) -> int:
        return 0

    def say(self, question: Question, watch: Callable[[str], None] | None = None) -> Said:
        content = question.messages[-1]["content"]
        assert isinstance(content, list)
        asked = content[-1]["text"].removeprefix("Find ").rpartition(" in the image.")[0]
        if self.answers[asked] == "break":
            raise PolicyBroken("the server is gone")
        return Said(self.answers[asked], usage=Usage(prompt_tokens=7, completion_tokens=3))


def corner(item: Item, part: float) -> str:
    """A box of nothing in the model's own pixels, so far from its item's corner to the one across."""
    wide, tall = ImageProcessor().size(*item.size)
    x = (item.box[0] + part * (item.box[2] - item.box[0])) * wide / item.size[0]
    y = (item.box[1] + part * (item.box[3] - item.box[1])) * tall / item.size[1]
    return json.dumps([{"bbox_2d": [round(x, 2), round(y, 2)] * 2, "label": ""}])


def order(items: Sequence[Item]) -> Pointing:
    return Pointing(
        suite="ground:test",
        model=ModelEntry(name="knower", dialect="qwen2.5"),
        versions={},
        files={item.file: "0" for item in items},
        boxes="xywh",
        said_by="fields",
        wording="{}",
        items=len(items),
    )


def test_a_policy_that_is_right_on_some_scores_just_these(tiles: Path) -> None:
    items = read(tiles).items
    assert len({item.row.instruction for item in items}) == COUNT
    right = {item.row.instruction: corner(item, 0.5) for item in items[:7]}
    wrong = {item.row.instruction: '[{"bbox_2d": [0, 0, 1, 1]}]' for item in items[7:9]}
    others = {items[9].row.instruction: "There is none.", items[10].row.instruction: '[{"bbox_2d": [1, 2, 9000, 3]}]'}
    knower = Knower({**right, **wrong, **others, items[11].row.instruction: "break"})
    marks = order(items).final(evaluate(Pointer(knower), items))
    assert [mark.answer for mark in marks] == ["hit"] * 7 + ["miss"] * 2 + ["nowhere", "invalid", "broken"]
    said = order(items).summary(marks)
    assert (said["items"], said["accuracy"]) == (COUNT, round(7 / 12, 4))
    assert (said["no_answer"], said["invalid"], said["broken"], said["relaunched"]) == (1, 1, 1, 1)
    assert said["tokens"] == {"prompt": 77, "image": 0, "completion": 33}
    groups = said["groups"]
    assert isinstance(groups, dict)
    assert sum(group["items"] for name, group in groups.items() if name.startswith("all, ")) == COUNT
    low, high = said["confidence"]
    assert 0 < low < 7 / 12 < high < 1


@pytest.mark.parametrize(
    ("x", "y", "answer"),
    [(10, 20, "hit"), (30, 40, "hit"), (9, 20, "miss"), (31, 40, "miss"), (10, 41, "miss"), (30, 20, "hit")],
)
def test_all_four_borders_of_a_box_belong_to_it(x: int, y: int, answer: str) -> None:
    found = Found(Said(""), Grounded((), (Point(x=x, y=y),), ("",)))
    assert judged(found, (10, 20, 30, 40)) == (answer, (x, y))


def test_of_a_box_its_middle_counts_and_of_several_places_the_first() -> None:
    found = Found(Said(""), Grounded(((0, 0, 21, 10), (50, 50, 60, 60)), (), ("", "")))
    assert judged(found, (10.5, 5, 11, 6)) == ("hit", (10.5, 5.0))
    assert judged(found, (50, 50, 60, 60))[0] == "miss"


def test_the_built_in_model_is_scored_kept_gone_on_with_compared_and_drawn(tiles: Path, tmp_path: Path) -> None:
    out = tmp_path / "kept"
    command = ("eval", "ground", "--data", tiles, "--out", out, "--json")
    code, printed, problems = invoke(*command)
    assert code == 0, problems
    said = json.loads(printed)
    assert (said["items"], said["boxes"], said["boxes_said_by"], said["left_out"]) == (COUNT, "xywh", "fields", [])
    assert said["accuracy"] >= 0.3  # by chance it would be about 0.05
    assert said["no_answer"] == said["invalid"] == said["broken"] == 0  # its answers are held to clicks
    marks = out / "marks.jsonl"
    lines = marks.read_bytes().splitlines(keepends=True)
    assert len(lines) == COUNT
    marks.write_bytes(b"".join(lines[:-2]) + lines[-1][:40])  # as a process that was killed leaves it
    assert json.loads(invoke(*command)[1])["accuracy"] == said["accuracy"]
    assert len(marks.read_bytes().splitlines()) == COUNT

    other = tmp_path / "other"
    other.mkdir()
    plan = json.loads((out / "eval.json").read_text())
    plan["model"]["name"] = "<b>other"
    (other / "eval.json").write_text(json.dumps(plan))
    flipped = [json.loads(line) for line in lines]
    flipped[3] |= {"success": not flipped[3]["success"], "answer": "hit" if flipped[3]["answer"] == "miss" else "miss"}
    (other / "marks.jsonl").write_text("".join(json.dumps(line) + "\n" for line in flipped))
    found = json.loads(invoke("eval", "compare", out, other, "--json")[1])
    assert (found["pairs"], len(found["flips"])) == (COUNT, 1)
    assert (found["flips"][0]["file"], found["flips"][0]["item"]) == (ANNOTATIONS, 4)
    assert invoke("eval", "report", other)[0] == 0
    page = (other / "report.html").read_text()
    assert "&lt;b&gt;other on ground:" in page
    assert "<b>" not in page
    assert invoke("eval", "report", out, "--out", tmp_path / "chart.png")[0] == 0
    with Image.open(tmp_path / "chart.png") as chart:
        assert chart.width > 500

    asked = read_evaluation(out).asked
    for update, why in (
        ({"boxes": "xyxy"}, "boxes 'xywh', not 'xyxy'"),
        ({"files": {ANNOTATIONS: "0" * 64}}, "data 'screenspot_tiles.json"),
        ({"options": ()}, "options answer-tokens=512, wording={}, not none"),
    ):
        with pytest.raises(EvaluationError, match=re.escape(why)):
            Kept(out, asked.model_copy(update=update))


PLAIN = {"img_filename": "a.png", "instruction": "go", "data_type": "text", "data_source": "ios"}
PRO = {
    "img_filename": "a.png",
    "instruction": "go",
    "img_size": [100, 80],
    "ui_type": "icon",
    "application": "word",
    "platform": "macos",
    "group": "Office",
}


def written(folder: Path, rows: Sequence[object]) -> Path:
    (folder / "images").mkdir(exist_ok=True)
    Image.fromarray(np.zeros((80, 100, 3), np.uint8)).save(folder / "images" / "a.png")
    path = folder / "set.jsonl"
    path.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows))
    return path


def test_fields_tell_the_form_of_boxes_and_the_platform(tmp_path: Path) -> None:
    plain = read(written(tmp_path, [{**PLAIN, "bbox": [10, 20, 30, 40]}]))
    assert (plain.form, plain.items[0].box, plain.items[0].row.where) == ("xywh", (10, 20, 40, 60), "mobile")
    pro = read(written(tmp_path, [{**PRO, "bbox": [10, 20, 30, 40]}]))
    assert (pro.form, pro.items[0].box, pro.items[0].row.where) == ("xyxy", (10, 20, 30, 40), "Office")


def test_files_of_pro_lie_in_annotations_beside_images(tmp_path: Path) -> None:
    (tmp_path / "annotations").mkdir()
    written(tmp_path, [])
    (tmp_path / "set.jsonl").rename(tmp_path / "elsewhere")
    (tmp_path / "annotations" / "word.json").write_text(json.dumps([{**PRO, "bbox": [1, 2, 3, 4]}]))
    assert [item.key for item in read(tmp_path).items] == [("word.json", 1)]


UNCLEAR = {
    "fields of neither": [{"img_filename": "a.png", "instruction": "go", "bbox": [1, 2, 3, 4]}],
    "fields of both": [{**PLAIN, **PRO, "bbox": [1, 2, 3, 4]}],
    "one of each": [{**PLAIN, "bbox": [1, 2, 3, 4]}, {**PRO, "bbox": [1, 2, 3, 4]}],
    "boxes that fit the other form alone": [{**PLAIN, "bbox": [60, 50, 90, 70]}, {**PLAIN, "bbox": [1, 2, 3, 4]}],
}


@pytest.mark.parametrize("name", UNCLEAR)
def test_where_the_form_is_not_clear_the_user_has_to_say_it(name: str, tmp_path: Path) -> None:
    path = written(tmp_path, UNCLEAR[name])
    with pytest.raises(DataError, match=r"--boxes xywh .* or --boxes xyxy"):
        read(path)
    assert (read(path, form="xyxy").said_by, len(read(path, form="xyxy").items)) == ("user", len(UNCLEAR[name]))


def test_boxes_in_parts_of_a_picture_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="parts of a picture's sides"):
        read(written(tmp_path, [{**PLAIN, "bbox": [0.1, 0.2, 0.3, 0.4]}]))


BAD = {
    "no JSON": ("{", "Invalid JSON"),
    "no object": ("[1]", "Input should be"),
    "a box of three": ({**PLAIN, "bbox": [1, 2, 3]}, "bbox"),
    "a box of texts": ({**PLAIN, "bbox": ["1", "2", "3", "4"]}, "bbox.0"),
    "no number": ('{"img_filename": "a.png", "instruction": "go", "bbox": [NaN, 2, 3, 4]}', "bbox.0"),
    "nothing asked for": ({**PLAIN, "bbox": [1, 2, 3, 4], "instruction": ""}, "instruction"),
    "an empty box": ({**PLAIN, "bbox": [1, 2, 0, 4]}, "is empty"),
    "a box outside": ({**PLAIN, "bbox": [100, 2, 5, 5]}, "lies outside the picture of 100x80"),
    "no picture": ({**PLAIN, "bbox": [1, 2, 3, 4], "img_filename": "b.png"}, "there is no such file"),
    "a picture elsewhere": ({**PLAIN, "bbox": [1, 2, 3, 4], "img_filename": "../../etc/passwd"}, "lies outside"),
    "a picture that is none": ({**PLAIN, "bbox": [1, 2, 3, 4], "img_filename": "none.png"}, "not an image"),
}


@pytest.mark.parametrize("name", BAD)
def test_an_item_that_cannot_be_used_is_counted_and_named(name: str, tmp_path: Path) -> None:
    row, why = BAD[name]
    good = {**PLAIN, "bbox": [1, 2, 3, 4]}
    path = written(tmp_path, [good, row, good])
    (tmp_path / "images" / "none.png").write_text("no picture")
    found = read(path)
    assert [item.number for item in found.items] == [1, 3]
    assert [(left.place.rpartition(":")[2], why in left.why) for left in found.left] == [("2", True)], found.left


def test_a_picture_that_is_not_the_size_its_row_says_is_left_out(tmp_path: Path) -> None:
    found = read(written(tmp_path, [{**PRO, "bbox": [1, 2, 3, 4]}, {**PRO, "bbox": [1, 2, 3, 4], "img_size": [9, 9]}]))
    assert [left.why for left in found.left] == ["img_size says 9x9, and picture 'a.png' has 100x80 pixels"]


def test_a_picture_that_this_model_cannot_see_is_left_out(tmp_path: Path) -> None:
    found = seen(read(written(tmp_path, [{**PLAIN, "bbox": [1, 2, 3, 4]}])), Knower({}, least=90))
    assert (found.items, [left.why for left in found.left]) == ((), ["100x80 is too small to see"])


def test_what_broke_is_asked_again_by_the_next_call_and_nothing_else(tmp_path: Path) -> None:
    rows = [{**PLAIN, "bbox": [1, 2, 3, 4], "instruction": word} for word in ("one", "two")]
    items = read(written(tmp_path, rows)).items
    answers = {"one": "nothing", "two": "break"}
    with Kept(tmp_path / "out", order(items)) as kept:
        for mark in evaluate(Pointer(Knower(answers)), kept.missing(items)):
            kept.add(mark)
    assert [mark.attempt for mark in kept.marks] == [1, 1, 2, 3]
    with Kept(tmp_path / "out", order(items)) as kept:
        assert [item.number for item in kept.missing(items)] == [2]
        for mark in evaluate(Pointer(Knower({**answers, "two": corner(items[1], 0.5)})), kept.missing(items)):
            kept.add(mark)
    found = read_evaluation(tmp_path / "out")
    assert [(mark.key[1], mark.ended) for mark in found.marks] == [(1, "nowhere"), (2, "hit")]


def test_what_data_and_models_wrote_is_text_in_the_report() -> None:
    mark = Pointed(
        file="x.json",
        item=1,
        picture="<i>",
        instruction="<script>alert(1)</script>",
        platform="<b>\x1b[31m",
        type="{{ 1 + 1 }}",
        box=(0, 0, 1, 1),
        answer="miss",
        success=False,
        seconds=0,
        stop="finished",
    )
    page = render(order([]).sheet([mark]))
    assert not [each for each in ("<script", "<b>", "<i>", "\x1b", "http://") if each in page]
    assert "{{ 1 + 1 }}" in page


WRONG = {
    "no such data": (["--data", "none"], "--data: none: holds no .json or .jsonl file"),
    "no such form": (["--data", "x", "--boxes", "auto"], "--boxes auto: expected one of xywh, xyxy, fields"),
    "no place for the instruction": (["--data", "x", "--wording", "it"], "--wording it: expected one {}"),
    "no such images": (["--data", "x", "--images", "none"], "--images none: expected a folder"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_usage_is_told_before_a_model_is_asked(name: str) -> None:
    words, message = WRONG[name]
    code, out, problems = invoke("eval", "ground", *words)
    assert (code, out) == (2, "")
    assert message in problems
