"""Cassettes: a run plays back without its model, a miss shows what differs, and no secret is on the tape."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from agent_runs import SCREENS_TASK, handeye

from agent.cassette import Played, Recorded
from agent.choose import ModelError, Ways, choose
from agent.engine import Engine
from agent.policy import PolicyBroken
from agent.reader import read_run
from agent.speaker import Question
from agent.tape import Tape, TapeError, content, fingerprint

IMAGE = np.full((208, 160, 3), 255, dtype=np.uint8)
WORDS = {"type": "text", "text": "Instruction: Click OK.\nPrevious actions: None\n"}
ASKED = Question(({"role": "user", "content": [WORDS, {"type": "image"}]},), (IMAGE,), max_tokens=6)


@pytest.fixture(scope="module")
def tape(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built-in model, asked once."""
    path = tmp_path_factory.mktemp("tapes") / "tape.jsonl"
    speaker = Recorded(Engine(), Tape.blank(path))
    assert speaker.size(160, 208) == (160, 208)
    assert speaker.count(ASKED) > 130
    assert speaker.say(ASKED).text
    return path


def test_what_was_recorded_is_played_without_the_model(tape: Path) -> None:
    engine, played = Engine(), Played(Tape.read(tape))
    pieces: list[str] = []
    said = played.say(ASKED, pieces.append)
    assert replace(said, timings={}) == replace(engine.say(ASKED), timings={})
    assert pieces == [said.text]
    assert (played.size(160, 208), played.count(ASKED)) == ((160, 208), engine.count(ASKED))
    assert (played.name, played.hash, played.room) == ("builtin", engine.hash, 4096)
    assert played.settings == engine.settings


def test_a_miss_shows_the_difference_to_the_nearest_question(tape: Path) -> None:
    other = np.array(IMAGE)
    other[0, 0] = 0
    text = [{"type": "text", "text": "Instruction: Click Cancel.\nPrevious actions: None\n"}, {"type": "image"}]
    asked = replace(ASKED, messages=({"role": "user", "content": text},), images=(other,))
    with pytest.raises(PolicyBroken) as miss:
        Played(Tape.read(tape)).say(asked)
    said = str(miss.value)
    assert "\n-messages[0].content[0].text: Instruction: Click OK." in said
    assert "\n+messages[0].content[0].text: Instruction: Click Cancel." in said
    assert "\n-messages[0].content[1].sha256: " in said
    assert "max_tokens" not in said
    with pytest.raises(PolicyBroken, match="images of 3x4 pixels were not shown; shown were 160x208"):
        Played(Tape.read(tape)).size(3, 4)


def test_every_part_of_a_question_counts(tape: Path) -> None:
    others = [
        replace(ASKED, max_tokens=7),
        replace(ASKED, stop=("x",)),
        replace(ASKED, images=(IMAGE[:, ::-1, :] // 2,)),
        replace(ASKED, tools=({"type": "function"},)),
        replace(ASKED, schema={"type": "object"}),
    ]
    keys = {fingerprint(content(each)) for each in (ASKED, *others)}
    assert len(keys) == 6
    assert fingerprint(content(replace(ASKED, images=(IMAGE.copy(),)))) in keys


def test_answers_to_the_same_question_come_in_their_order_and_the_last_one_stays(tape: Path, tmp_path: Path) -> None:
    lines = tape.read_text().splitlines()
    last = json.loads(lines[-1])
    path = tmp_path / "two.jsonl"
    path.write_text("\n".join((*lines, json.dumps({**last, "text": "second"}), "")) + '{"cut off')
    played = Played(Tape.read(path))
    assert [played.say(ASKED).text for _ in range(3)] == [last["text"], "second", "second"]


@pytest.mark.parametrize(
    ("text", "said"), [("", "empty"), ("{}\n", ":1: "), ('{"kind": "size", "part": "x"}\n', ":1: Field required")]
)
def test_a_file_that_is_no_cassette_is_refused(text: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "t").write_text(text)
    with pytest.raises(TapeError, match=said):
        Tape.read(tmp_path / "t")
    with pytest.raises(ModelError, match="No such file"):
        choose("builtin", ways=Ways((f"replay={tmp_path / 'none'}",)))
    with pytest.raises(ModelError, match="expected a new file"):
        choose("builtin", ways=Ways((f"record={tmp_path / 't'}",)))


def test_the_command_plays_a_run_back_step_by_step_and_a_changed_task_breaks_it(tmp_path: Path) -> None:
    tape, script, other = tmp_path / "t.jsonl", tmp_path / "task.yaml", tmp_path / "other.yaml"
    script.write_text(SCREENS_TASK.read_text() + "limits: {steps: 2}\n")
    other.write_text(script.read_text().replace('"ada"', '"eve"'))
    first = handeye("run", script, "--with", f"record={tape}", "--out", tmp_path / "a", "--json")
    again = handeye("run", script, "--model", "a/b", "--with", f"replay={tape}", "--out", tmp_path / "b", "--json")
    assert (first.returncode, again.returncode) == (4, 4), first.stderr + again.stderr
    one, two = read_run(tmp_path / "a"), read_run(tmp_path / "b")
    assert [line.action for line in one.lines] == [line.action for line in two.lines]
    assert one.manifest.model == two.manifest.model
    missed = handeye("run", other, "--with", f"replay={tape}", "--out", tmp_path / "c", "--json")
    assert missed.returncode == 5
    assert '+messages[0].content[0].text: Instruction: Sign in as "eve"' in json.loads(missed.stdout)["detail"]
