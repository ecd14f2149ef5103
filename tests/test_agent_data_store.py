"""Training data on disk, and the texts in it."""

from __future__ import annotations

import ast
import json
import string
from pathlib import Path
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actions import ActionError, Click, Finish, Frame, Type, dialect
from agent.data import calls, forms, rollouts, tiles, words
from agent.data.__main__ import fill
from agent.data.seeds import JUDGING, training_seed
from agent.data.store import Record, Shard, Target, pictures, read, read_shard, shard_path
from model.train import samples

QWEN = dialect("qwen2.5")
FRAME = Frame(160, 208, 160, 208)
texts = st.text(st.sampled_from(string.printable[:95] + "äß日"), max_size=12)
boxes = st.tuples(st.integers(0, 150), st.integers(0, 200)).map(lambda at: (*at, at[0] + 9, at[1] + 7))
targets = st.builds(
    Target, texts, texts, texts, st.lists(texts, max_size=3).map(tuple), st.none() | boxes, st.tuples(boxes)
)
records = st.builds(
    Record,
    texts,
    st.lists(st.tuples(st.sampled_from("aZ~"), *[st.integers(0, 208)] * 4), max_size=3).map(tuple),
    st.lists(targets, max_size=2).map(tuple),
)


@given(st.lists(records, min_size=1, max_size=3), st.integers(0, 2**32 - 1))
def test_a_shard_reads_back_what_was_written(
    tmp_path_factory: pytest.TempPathFactory, kept: list[Record], seed: int
) -> None:
    path = tmp_path_factory.mktemp("shard") / "shard-00000.npz"
    noise = np.random.default_rng(seed)
    images = [noise.integers(0, 256, (208, 160, 3), np.uint8) for _ in kept]
    shard = Shard()
    for image, record in zip(images, kept, strict=True):
        shard.add(image, record)
    shard.save(path)
    assert pictures(path) == len(kept)
    for (image, record), (seen, told) in zip(zip(images, kept, strict=True), read_shard(path), strict=True):
        assert np.array_equal(image, seen)
        assert record == told
    assert [file.name for file in path.parent.iterdir()] == [path.name]


@settings(max_examples=30)
@given(st.lists(records, min_size=1, max_size=3))
def test_the_trainer_reads_the_same_from_a_shard(tmp_path_factory: pytest.TempPathFactory, kept: list[Record]) -> None:
    path = tmp_path_factory.mktemp("shard") / "shard-00000.npz"
    noise, shard = np.random.default_rng(0), Shard()
    for record in kept:
        shard.add(noise.integers(0, 256, (208, 160, 3), np.uint8), record)
    shard.save(path)
    for (image, record), taken in zip(read_shard(path), samples.read_shard(path), strict=True):
        assert np.array_equal(image, taken.pixels())
        assert (record.kind, record.glyphs) == (taken.kind, taken.glyphs)
        told = [(target.prompt, target.answer, target.box, target.boxes) for target in record.targets]
        assert told == [(turn.prompt, turn.answer, turn.box, turn.boxes) for turn in taken.turns]


def test_shards_that_are_there_are_not_made_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made: list[int] = []
    missing: list[int] = []

    def make(seed: int, path: Path, wanted: int) -> int:
        made.append(seed)
        missing.append(wanted)
        shard = Shard()
        for _ in range(2):
            shard.add(np.zeros((4, 4, 3), np.uint8), Record(str(seed)))
        shard.save(path)
        return 2

    fill(make, tmp_path, 4, 10)
    assert made == [10, 11]
    shard_path(tmp_path, 0).unlink()
    fill(make, tmp_path, 5, 10)
    assert made == [10, 11, 10, 12]
    assert missing == [4, 2, 5, 1]
    assert [record.kind for _, record in read(tmp_path)] == ["10", "10", "11", "11", "12", "12"]
    assert capsys.readouterr().out.count("\n") == 4


@given(st.integers())
def test_only_seeds_below_those_for_judging_train(seed: int) -> None:
    if 0 <= seed < JUDGING:
        assert training_seed(seed) == seed
    else:
        with pytest.raises(ValueError, match="judging only"):
            training_seed(seed)


@pytest.mark.parametrize("make", [tiles.make_shard, rollouts.make_shard, forms.make_shard])
def test_no_generator_takes_a_seed_that_is_for_judging(make: object, tmp_path: Path) -> None:
    assert callable(make)
    with pytest.raises(ValueError, match="judging only"):
        make(JUDGING, tmp_path / "shard-00000.npz")
    with pytest.raises(ValueError, match="judging only"):
        fill(make, tmp_path, 1, JUDGING)
    assert not list(tmp_path.iterdir())


def test_no_generator_writes_down_a_number_that_could_be_a_judging_seed() -> None:
    files = list((Path(__file__).resolve().parent.parent / "agent" / "data").rglob("*.py"))
    assert files
    for file in files:
        numbers = [
            node.value for node in ast.walk(ast.parse(file.read_text("utf-8"))) if isinstance(node, ast.Constant)
        ]
        large = [number for number in numbers if isinstance(number, int) and number >= JUDGING]
        assert large == ([JUDGING] if file.name == "seeds.py" else []), file


@given(st.integers(0, 159), st.integers(0, 207))
def test_an_answer_with_a_click_is_what_the_dialect_prints(x: int, y: int) -> None:
    said = calls.answer(calls.click((x, y)))
    action = QWEN.parse(said, FRAME)
    assert isinstance(action, Click)
    assert action.at is not None
    assert (action.at.x, action.at.y) == (x, y)
    assert QWEN.print(action, FRAME) == said


@given(texts.filter(bool))
def test_an_answer_with_a_text_is_what_the_dialect_prints(text: str) -> None:
    said = calls.answer(calls.typing(text))
    assert QWEN.parse(said, FRAME) == Type(text=text)
    assert QWEN.print(Type(text=text), FRAME) == said


def test_the_other_calls_are_what_the_dialect_prints() -> None:
    triple = calls.answer(calls.call("triple_click", at=(3, 4)))
    selected, scrolled = calls.answer(calls.selecting((3, 4), "a b")), calls.answer(calls.scrolling((3, 4), 100))
    for said in (triple, selected, scrolled, calls.answer(calls.FINISH)):
        assert QWEN.print(QWEN.parse(said, FRAME), FRAME) == said
    assert isinstance(QWEN.parse(calls.answer(calls.FINISH), FRAME), Finish)
    with pytest.raises(ActionError):
        QWEN.parse(calls.answer(calls.click((400, 0))), FRAME)


@given(st.lists(st.integers(0, 9), max_size=20))
def test_a_prompt_tells_the_last_steps_with_the_numbers_they_had(made: list[int]) -> None:
    history = [calls.click((x, x)) for x in made]
    lines = calls.prompt("Do it.", history).split("\n")
    assert lines[0] == "Instruction: Do it."
    assert lines[-1] == ""
    if not made:
        assert lines[1:-1] == ["Previous actions: None"]
        return
    assert lines[1] == "Previous actions:"
    first = max(len(made) - calls.STEPS, 0)
    assert lines[2:-1] == [f"Step {i + 1}: {history[i]}" for i in range(first, len(made))]
    assert all(json.loads(line.partition(": ")[2]) for line in lines[2:-1])


def test_most_texts_to_be_read_make_no_sense() -> None:
    random = Random(0)
    drawn = [words.string_of(random) for _ in range(2000)]
    known = {*words.ENGLISH, *words.LATIN, *words.NAMES}
    senseless = [text for text in drawn if text not in known and text.lower() not in known]
    assert len(senseless) > len(drawn) / 2
    assert all(1 <= len(text) <= 16 and text.isascii() and text.isprintable() for text in drawn)
