"""A person at the terminal: short words or JSON, mistakes cost nothing, and no page moves the cursor."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from agent_runs import NAME, REMEMBER, ROOT, SCREENS_TASK, SIGN_IN, TYPE_ADA, WIN, click, handeye, keep
from typer.testing import CliRunner

from actions import (
    ADAPTER,
    Action,
    ActionError,
    Answer,
    Back,
    Click,
    Drag,
    Finish,
    Frame,
    Key,
    Move,
    Navigate,
    Point,
    Scroll,
    Select,
    Tab,
    Type,
    Wait,
)
from agent.cli import app
from agent.limits import Limits
from agent.outcome import Outcome
from agent.picture import decode
from agent.reader import read_run
from agent.terminal import HELP, WORDS, Terminal, read
from env import Screens, Task

FRAME = Frame(336, 252, 336, 252)
AT = Point(x=80, y=104)

SAID: dict[str, Action] = {
    "click 80 104": Click(at=AT),
    "CLICK 80, 104\n": Click(at=AT),
    "double 80 104": Click(at=AT, count=2),
    "right 80 104": Click(at=AT, button="right"),
    "move 80 104": Move(at=AT),
    "drag 80 104 1 2": Drag(path=(AT, Point(x=1, y=2))),
    "type <b> 5 + 5": Type(text="<b> 5 + 5"),
    "key ctrl+a": Key(keys=("ctrl+a",)),
    "scroll -30": Scroll(dy=-30),
    "scroll 30 80 104": Scroll(dy=30, at=AT),
    "select 80 104 New York": Select(at=AT, label="New York"),
    "open http://a.b/c": Navigate(url="http://a.b/c"),
    "back": Back(),
    "tab 1": Tab(index=1),
    "wait 0.5": Wait(seconds=0.5),
    "answer it is 7": Answer(text="it is 7"),
    "finish": Finish(),
    "fail no such page": Finish(success=False, text="no such page"),
}


@pytest.mark.parametrize("line", SAID)
def test_a_word_is_the_action_that_it_names_and_its_json_is_the_same(line: str) -> None:
    assert read(line, FRAME) == SAID[line]
    assert read(ADAPTER.dump_json(SAID[line]).decode(), FRAME) == SAID[line]


def test_the_help_names_every_word() -> None:
    assert {line.split()[0].lower() for line in SAID} == set(WORDS)
    assert all(word in HELP for word in WORDS)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("", "nothing: no such action"),
        ("clik 1 2", "click X Y"),
        ("click 1", "click: expected 2 whole numbers"),
        ("click a b", "click: expected 2 whole numbers"),
        ("scroll 1 2", "scroll: expected 1 or 3"),
        ("scroll 99999999", "scroll: dy"),
        ("select 1", "select: expected 2"),
        ("key", "key: keys.0"),
        ("wait long", "wait: seconds"),
        ("tab -1", "tab: index"),
        ('{"kind": "click", "at": {"x": 1}}', "at.y"),
        ("{", "JSON"),
    ],
)
def test_what_cannot_be_read_says_what_would_be_right(line: str, said: str) -> None:
    with pytest.raises(ActionError, match=said.replace(".", r"\.")):
        read(line, FRAME)


def typing(lines: Sequence[str], picture: Path | None = None) -> tuple[Terminal, list[str]]:
    """A person who types these lines and leaves, and what is shown."""
    shown: list[str] = []
    left: Iterator[str] = iter(lines)

    def ask(prompt: str) -> str:
        shown.append(prompt)
        try:
            return next(left)
        except StopIteration:
            raise EOFError from None

    return Terminal(ask, shown.append, picture=picture), shown


def test_mistakes_are_asked_again_and_are_no_steps(tmp_path: Path) -> None:
    lines = ["click 999 9", "open http://x/", "click 200 68", "type ada", "hm", "click 109 107", "click 145 155"]
    policy, shown = typing(lines)
    result = keep(tmp_path, policy)
    assert (result.outcome, [step.action for step in result.trajectory.steps]) == (Outcome.VERIFIED, list(WIN))
    assert any("navigate: not possible here" in line for line in shown)
    assert any("outside" in line or "999" in line for line in shown)


def test_a_person_who_leaves_stops_the_run(tmp_path: Path) -> None:
    result = keep(tmp_path, typing(["click 200 68"])[0])
    assert (result.stop.reason, result.outcome.code, len(result.trajectory.steps)) == ("person", 4, 1)
    assert read_run(tmp_path).pending is None


def test_what_a_page_wrote_is_shown_as_one_plain_line_and_the_screen_as_a_picture(tmp_path: Path) -> None:
    policy, shown = typing(["finish"], tmp_path / "screen.png")
    with Screens() as env:
        seen = env.reset(Task())
    loud = replace(seen, title="\x1b[2J\nrm", dialog="alert: \x07", notes=("look",))
    policy.reply(Task("do it"), (), loud)
    text = "".join(shown)
    assert "\x1b" not in text
    assert "\x07" not in text
    assert "look" in text
    assert "a dialog is open" in text
    assert (decode((tmp_path / "screen.png").read_bytes()) == seen.screenshot).all()


def test_a_person_takes_over_a_replay_at_the_terminal(tmp_path: Path) -> None:
    assert handeye("run", SCREENS_TASK, "--model", "script", "--out", tmp_path / "a").returncode == 0
    command = ["replay", tmp_path / "a", "--to", "2", "--then", "person", "--out", tmp_path / "b", "--json"]
    done = subprocess.run(
        [sys.executable, "-m", "agent.cli", *map(str, command)],
        cwd=ROOT,
        input="click 109 107\nclick 145 155\n",
        capture_output=True,
        text=True,
        timeout=120,
    )
    said = json.loads(done.stdout)
    assert (done.returncode, said["outcome"], said["steps"], said["parent"]) == (0, "verified", 4, str(tmp_path / "a"))
    child = read_run(tmp_path / "b")
    assert [line.action for line in child.lines] == [NAME, TYPE_ADA, REMEMBER, SIGN_IN]
    assert child.manifest.model.name == "person"
    assert child.manifest.parent is not None
    assert (child.manifest.parent.step, child.manifest.parent.model.name) == (2, "script")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("replay", "RUN", "--to", "9", "--then", "person"), "no step 9"),
        (("replay", "RUN", "--to", "2", "--then", "script"), "stand in no record"),
        (("replay", "RUN", "--to", "2", "--out", "x"), "go with --then"),
        (("run", "--resume", "RUN"), "ended by itself"),
        (("run", "--resume", "CUT"), "stand in no record"),
        (("run", "--resume", "ELSEWHERE"), "say --model again"),
        (("run", "--resume", "CUT", "--set", "a=b"), "goes with a script"),
        (("run", "--resume", "CUT", "OTHER"), "the run is of 'test'"),
        (("run", "--resume", "CUT", "OTHER", "OTHER"), "its script alone"),
        (("run", "--resume", "CUT", "--allow", "any"), "--allow any"),
        (("run",), "--resume RUN"),
        (("run", "OTHER", "--again"), "goes with --resume"),
    ],
)
def test_what_cannot_go_on_is_refused_and_nothing_is_written(
    arguments: tuple[str, ...], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    keep(tmp_path / "a")
    keep(tmp_path / "cut", [click(1, 1), NAME], limits=Limits(steps=2))
    shutil.copytree(tmp_path / "cut", tmp_path / "elsewhere")
    cut = tmp_path / "cut" / "run.json"
    cut.write_text(cut.read_text().replace('"name": "scripted"', '"name": "script"'))
    there = {"RUN": tmp_path / "a", "CUT": cut.parent, "ELSEWHERE": tmp_path / "elsewhere", "OTHER": SCREENS_TASK}
    done = CliRunner().invoke(app, [str(there.get(word, word)) for word in arguments])
    assert (done.exit_code, done.stdout) == (2, ""), done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "runs").exists() or not list((tmp_path / "runs").iterdir())
