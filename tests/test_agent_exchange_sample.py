"""Training samples of recorded runs: what a prompt shows, what is answered, what is left out."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from agent_runs import NAME, REMEMBER, SIGN_IN, TYPE_ADA, WIN, keep
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as Pillow
from pydantic import JsonValue

from actions import DIALECTS, Action, Click, Finish, Frame, Point, Type, Wait, points
from agent.canonical import Canonical
from agent.exchange import Manifest, Order, Style, export, gather
from agent.exchange.dictation import Dictation
from agent.exchange.manifest import Format
from agent.exchange.sample import IMAGE, Left, Sample, samples, thought, with_thought
from agent.prompt import call
from agent.reader import read_run
from agent.speaker import Question, Said
from agent.spoken import ModelPolicy
from env import Screens, Task

SMALL = Style(max_pixels=40_000)
HISTORIES = ("newest", "last:2", "chunk:4", "all")
MADE = (NAME, "no call at all", TYPE_ADA, REMEMBER, SIGN_IN)


class Reciter(Dictation):
    """A model that says what it was told to say, one reply a question, and remembers what it was asked."""

    def __init__(self, style: Style, replies: Sequence[str]) -> None:
        super().__init__(style)
        self.replies = list(replies)

    def say(self, question: Question, watch: Callable[[str], None] | None = None) -> Said:
        super().say(question, watch)
        return Said(self.replies.pop(0))


def spoken(style: Style, actions: Sequence[Action | str], said: str = "") -> list[str]:
    """The actions in the dialect, in the coordinates of the image that is seen of the sign-in screens."""
    with Screens() as env:
        width, height = env.reset(Task()).size
    frame = style.speech.frame(width, height, *style.size(width, height))
    return [
        each if isinstance(each, str) else with_thought(said, style.speech.print(each, frame), style.dialect)
        for each in actions
    ]


def recorded(folder: Path, style: Style, actions: Sequence[Action | str] = WIN, said: str = "") -> Reciter:
    """A run of the sign-in screens by a model of this style."""
    model = Reciter(style, spoken(style, actions, said))
    keep(folder, ModelPolicy(model))
    return model


def made(run: Path, style: Style) -> list[Sample | Left]:
    return list(samples(read_run(run), "run", style))


def flat(messages: Sequence[object]) -> list[tuple[str, str]]:
    """Messages as role and text, a picture being its mark."""
    told = []
    for message in messages:
        assert isinstance(message, dict)
        content = message["content"]
        parts = [content] if isinstance(content, str) else [part.get("text", IMAGE) for part in content]
        told.append((message["role"], "".join(parts)))
    return told


def rows(path: Path) -> list[dict[str, JsonValue]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def out(folder: Path, run: Path, format: Format, style: Style = SMALL, *, verified: bool = True) -> Manifest:
    return export(gather([run]), Order(format, folder, style, verified=verified, val=0.0))


@pytest.mark.parametrize("system", [True, False])
@pytest.mark.parametrize("history", HISTORIES)
@pytest.mark.parametrize("dialect", ["qwen2.5", "qwen2", "ui-tars-1.5"])
def test_a_prompt_is_what_the_model_was_asked(dialect: str, history: str, system: bool, tmp_path: Path) -> None:
    style = SMALL.model_copy(update={"dialect": dialect, "history": history, "system": system})
    model = recorded(tmp_path, style)
    found = made(tmp_path, style)
    assert len(found) == len(model.questions) == 4
    for sample, question, reply in zip(found, model.questions, spoken(style, WIN), strict=True):
        assert isinstance(sample, Sample)
        *asked, answer = [(turn.role, turn.text) for turn in sample.turns]
        assert asked == flat(question.messages)
        assert answer == ("assistant", reply)
        assert len(sample.screens) == len(question.images) == "".join(text for _, text in asked).count(IMAGE)


def test_a_mistake_is_told_of_in_the_next_prompt_and_is_learnt_in_none(tmp_path: Path) -> None:
    model = recorded(tmp_path, SMALL, MADE)
    first, mistake, *others = made(tmp_path, SMALL)
    assert isinstance(mistake, Left)
    assert mistake.step == 2
    assert "nothing was carried out" in mistake.why
    for sample, question in zip([first, *others], [model.questions[0], *model.questions[2:]], strict=True):
        assert isinstance(sample, Sample)
        assert [(turn.role, turn.text) for turn in sample.turns[:-1]] == flat(question.messages)
    assert isinstance(others[0], Sample)
    assert "error: " in others[0].turns[1].text


def test_no_turn_that_repeats_a_mistake_is_learnt(tmp_path: Path) -> None:
    recorded(tmp_path, SMALL, MADE)
    found = made(tmp_path, SMALL.model_copy(update={"history": "last:2"}))
    left = {each.step: each.why for each in found if isinstance(each, Left)}
    assert set(left) == {2, 3}, "the one that shows step 2 again"
    assert "the mistake of step 2" in left[3]


@pytest.mark.parametrize("dialect", ["qwen2.5", "qwen2", "ui-tars-1.5", "ui-tars-1.0", "pyautogui"])
def test_what_was_written_before_the_call_is_learnt_where_that_is_asked_for(dialect: str, tmp_path: Path) -> None:
    style = SMALL.model_copy(update={"dialect": dialect, "thoughts": True})
    recorded(tmp_path / "run", SMALL, said="The field\nis empty.")
    for sample, line in zip(made(tmp_path / "run", style), read_run(tmp_path / "run").lines, strict=True):
        assert isinstance(sample, Sample)
        assert (action := line.action) is not None
        answer = sample.turns[-1].text
        look = sample.screens[0]
        frame = style.speech.frame(look.width, look.height, *style.size(look.width, look.height))
        assert "The field" in answer
        assert answer.endswith(style.speech.print(action, frame))
        assert near(style.speech.parse(answer, frame), action, frame)
    plain = made(tmp_path / "run", SMALL)
    assert all("The field" not in sample.turns[-1].text for sample in plain if isinstance(sample, Sample))


def test_a_thought_that_reads_as_a_call_of_its_own_is_left_out(tmp_path: Path) -> None:
    tars = SMALL.model_copy(update={"dialect": "ui-tars-1.5"})
    recorded(tmp_path, tars, said=spoken(SMALL, [Wait(seconds=3)])[0])
    found = made(tmp_path, SMALL.model_copy(update={"thoughts": True}))
    assert [each.step for each in found if isinstance(each, Left)] == [1, 2, 3, 4]
    assert not [each for each in made(tmp_path, SMALL) if isinstance(each, Left)]


def near(one: Action, other: Action, frame: Frame) -> bool:
    """Whether two actions are alike but for what rounding to whole pixels of the image loses."""
    if (one.kind, len(points(one))) != (other.kind, len(points(other))):
        return False
    slack = (frame.width / frame.model_width / 2 + 1, frame.height / frame.model_height / 2 + 1)
    pairs = zip(points(one), points(other), strict=True)
    return all(abs(a.x - b.x) <= slack[0] and abs(a.y - b.y) <= slack[1] for a, b in pairs)


@given(st.integers(100, 4000), st.integers(100, 4000), st.integers(50_000, 4_000_000), st.data())
def test_an_answer_points_into_the_very_picture_that_goes_out(
    width: int, height: int, most: int, data: st.DataObject
) -> None:
    style = Style(max_pixels=most)
    at = Point(x=data.draw(st.integers(0, width - 1)), y=data.draw(st.integers(0, height - 1)))
    seen = style.kept(width, height)
    answer = style.speech.print(Click(at=at), style.speech.frame(width, height, *style.size(width, height)))
    assert style.size(*seen) == seen, "a reader with the same budget leaves it as it is"
    there = style.speech.parse(answer, Frame(*seen, *seen))
    assert isinstance(there, Click)
    assert there.at is not None
    assert abs((there.at.x + 0.5) / seen[0] - (at.x + 0.5) / width) <= 1 / seen[0] + 1 / width
    assert abs((there.at.y + 0.5) / seen[1] - (at.y + 0.5) / height) <= 1 / seen[1] + 1 / height


def test_sft_is_what_qwen_vl_finetune_reads(tmp_path: Path) -> None:
    recorded(tmp_path / "run", SMALL)
    style = SMALL.model_copy(update={"history": "last:2"})
    manifest = out(tmp_path / "data", tmp_path / "run", "sft", style)
    assert manifest.files == {"train.jsonl": 4}
    for number, row in enumerate(rows(tmp_path / "data" / "train.jsonl"), start=1):
        turns = row["conversations"]
        assert isinstance(turns, list)
        assert [turn["from"] for turn in turns] == ["human", "gpt"] * (len(turns) // 2)
        shown = row["image"] if isinstance(row["image"], list) else [row["image"]]
        assert isinstance(row["image"], list) == (number > 1)
        assert "".join(turn["value"] for turn in turns[::2]).count(IMAGE) == len(shown) == min(number, 2)
        assert turns[0]["value"].startswith("You are a helpful assistant."), "it knows no system turn"
        for name in shown:
            path = tmp_path / "data" / str(name)
            assert path.resolve().is_relative_to(tmp_path / "data")
            with Pillow.open(path) as picture:
                assert style.size(*picture.size) == picture.size
                assert picture.width * picture.height <= 40_000


def test_llamafactory_is_its_sharegpt_form_with_a_description(tmp_path: Path) -> None:
    recorded(tmp_path / "run", SMALL)
    out(tmp_path / "data", tmp_path / "run", "llamafactory")
    info = json.loads((tmp_path / "data" / "dataset_info.json").read_text())
    assert list(info) == ["handeye_train"]
    told = info["handeye_train"]
    assert told["formatting"] == "sharegpt"
    for row in rows(tmp_path / "data" / told["file_name"]):
        messages = row[told["columns"]["messages"]]
        images = row[told["columns"]["images"]]
        assert isinstance(messages, list)
        assert isinstance(images, list)
        tags = told["tags"]
        roles = [message[tags["role_tag"]] for message in messages]
        assert roles == [tags["system_tag"], tags["user_tag"], tags["assistant_tag"]]
        assert sum(message[tags["content_tag"]].count(IMAGE) for message in messages) == len(images) == 1
        assert (tmp_path / "data" / images[0]).is_file()


def test_the_same_runs_give_the_same_bytes(tmp_path: Path) -> None:
    recorded(tmp_path / "run", SMALL)
    for format in ("sft", "llamafactory", "osworld", "pyautogui", "uitars"):
        style = SMALL.model_copy(update={"dialect": "ui-tars-1.5"}) if format == "uitars" else SMALL
        trees = []
        for side in ("a", "b"):
            folder = tmp_path / format / side
            out(folder, tmp_path / "run", format, style)
            trees.append({path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()})
        assert trees[0] == trees[1]
        assert len(trees[0]) > 1


def test_captured_pictures_are_the_bytes_of_the_record(tmp_path: Path) -> None:
    recorded(tmp_path / "run", SMALL)
    out(tmp_path / "data", tmp_path / "run", "sft", SMALL.model_copy(update={"pictures": "captured"}))
    kept = {path.name: path.read_bytes() for path in (tmp_path / "run" / "blobs").iterdir()}
    gone = {path.name: path.read_bytes() for path in (tmp_path / "data" / "images").iterdir()}
    assert gone
    assert gone.items() <= kept.items()


def test_runs_that_nobody_verified_are_left_out_and_named(tmp_path: Path) -> None:
    keep(tmp_path / "runs" / "won")
    keep(tmp_path / "runs" / "lost", (NAME, Finish(success=False)))
    manifest = export(gather([tmp_path / "runs"]), Order("sft", tmp_path / "data", SMALL))
    assert [run.run for run in manifest.runs] == ["won"]
    assert [(left.run, left.step) for left in manifest.left_out] == [("lost", 0)]
    assert "failed" in manifest.left_out[0].why
    assert Manifest.model_validate_json((tmp_path / "data" / "manifest.json").read_bytes()) == manifest
    every = export(gather([tmp_path / "runs"]), Order("sft", tmp_path / "all", SMALL, verified=False))
    assert [run.run for run in every.runs] == ["lost", "won"]


@pytest.mark.parametrize("mark", ["<image>", "<video>", "<|im_end|>", "<|image_pad|>"])
def test_a_text_that_a_trainer_takes_for_more_than_text_is_left_out(mark: str, tmp_path: Path) -> None:
    keep(tmp_path / "run", task=Task(f"sign in {mark} now"))
    manifest = out(tmp_path / "data", tmp_path / "run", "sft")
    assert [left.step for left in manifest.left_out] == [1, 2, 3, 4]
    assert all(mark in left.why for left in manifest.left_out)
    assert not (tmp_path / "data" / "train.jsonl").exists()


def test_a_picture_that_is_gone_is_left_out_and_named(tmp_path: Path) -> None:
    keep(tmp_path / "run")
    gone = read_run(tmp_path / "run").lines[1].before.screen
    (tmp_path / "run" / "blobs" / f"{gone}.png").unlink()
    manifest = out(tmp_path / "data", tmp_path / "run", "sft")
    assert {left.step for left in manifest.left_out} == {2}
    assert gone in manifest.left_out[0].why


def test_the_name_of_a_secret_stays_a_name(tmp_path: Path) -> None:
    keep(tmp_path / "run", (NAME, Type(text="<secret:code>"), REMEMBER, SIGN_IN))
    out(tmp_path / "data", tmp_path / "run", "sft", verified=False)
    asked, typed, *later = [str(row["conversations"]) for row in rows(tmp_path / "data" / "train.jsonl")]
    assert "<secret:code>" not in asked
    assert all("<secret:code>" in row for row in (typed, *later))


def test_a_run_is_on_one_side_of_the_split_whatever_else_is_exported(tmp_path: Path) -> None:
    for number in range(8):
        keep(tmp_path / "runs" / f"run-{number}")
    sides = []
    for chosen in (range(8), range(4, 8)):
        folders = [tmp_path / "runs" / f"run-{number}" for number in chosen]
        manifest = export(gather(folders), Order("sft", tmp_path / f"data-{len(chosen)}", SMALL, val=0.5))
        sides.append({run.run: run.split for run in manifest.runs})
    assert sides[1].items() <= sides[0].items()
    assert set(sides[0].values()) == {"train", "val"}
    for name in ("train", "val"):
        told = {row["run"] for row in rows(tmp_path / "data-8" / f"{name}.jsonl")}
        assert told == {run for run, side in sides[0].items() if side == name}


@given(st.text(max_size=30), st.sampled_from(["qwen2.5", "ui-tars-1.5", "qwen2"]))
def test_a_thought_is_told_from_its_call(said: str, dialect: str) -> None:
    written = DIALECTS[dialect].print(Click(at=Point(x=1, y=2)), Frame(10, 10, 10, 10))
    if any(mark in said for mark in ("<tool_call>", "Action:", "*FUNCTION*")):
        return
    found = thought(with_thought(said.strip(), written, dialect))
    assert found.split() == said.strip().removeprefix("Thought:").split() or said.strip().startswith("Thought:")


def test_a_record_in_canonical_words_has_no_thought() -> None:
    frame = Frame(10, 10, 10, 10)
    assert thought(Canonical().print(Click(at=Point(x=1, y=2)), frame)) == ""


def test_turns_of_another_dialect_are_said_anew_in_that_of_the_data(tmp_path: Path) -> None:
    keep(tmp_path)
    style = SMALL.model_copy(update={"history": "all"})
    *_, last = made(tmp_path, style)
    assert isinstance(last, Sample)
    answers = [turn.text for turn in last.turns if turn.role == "assistant"]
    width, height = last.screens[0].width, last.screens[0].height
    frame = style.frame(width, height)
    played = [line.action for line in read_run(tmp_path).lines if line.action]
    assert last.edges == (frame.model_width, frame.model_height)
    for answer, action in zip(answers, played, strict=True):
        assert answer == style.speech.print(action, frame)
    assert last.earlier == tuple(call(answer) for answer in answers[:-1])
