"""Scripts that are played again, held against pictures, and checked by code of their author and of nobody else."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from agent_runs import TYPE_ADA, handeye, keep, script

from agent.approve import Approval, Caution, Request
from agent.care import Care
from agent.outcome import Outcome
from agent.picture import decode, encode
from agent.play import Granted, play
from agent.reader import read_run
from agent.replay import replay
from agent.script import ScriptError, read_script
from env import Screens

SIGN_IN = """\
name: sign in
start: sign in
environment: screens
instruction: Sign in.
retries: 2
expect:
  - python: checks.py:holds
actions:
  - {kind: click, at: {x: 200, y: 68}}
  - {kind: type, text: ada}
  - {kind: click, at: {x: 109, y: 107}}
  - {kind: click, at: {x: 145, y: 155}}
"""
UPDATE = Care(update=True)
COUNTING = """
from pathlib import Path
COUNT = Path(__file__).with_name("count")

def holds(ending):
    tried = int(COUNT.read_text()) if COUNT.exists() else 0
    COUNT.write_text(str(tried + 1))
    assert ending.seen.url == "screen:welcome"
    assert tried >= 1, f"not at attempt {tried + 1}"
"""


def test_a_run_that_failed_is_begun_anew_and_called_flaky_once_it_is_verified(tmp_path: Path) -> None:
    (tmp_path / "checks.py").write_text(COUNTING)
    junit = tmp_path / "junit.xml"
    done = handeye("run", script(tmp_path, SIGN_IN), "--model", "script", "--out", tmp_path / "run", "--json",
                   "--junit", junit)  # fmt: skip
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert (said["attempt"], said["flaky"], said["folder"]) == (2, True, str(tmp_path / "run" / "retries" / "2"))
    first, second = read_run(tmp_path / "run"), read_run(tmp_path / "run" / "retries" / "2")
    assert (first.manifest.outcome, first.manifest.attempt) == ("failed", 1)
    assert first.manifest.verdicts[0].found == "not at attempt 1"
    assert (second.manifest.outcome, second.manifest.attempt) == ("verified", 2)
    assert len(first.lines) == len(second.lines) == 4
    assert "attempt 2: flaky" in junit.read_text()


def test_a_run_is_begun_anew_no_more_often_than_the_script_says(tmp_path: Path) -> None:
    (tmp_path / "checks.py").write_text("def holds(ending): return False")
    result = play(read_script(script(tmp_path, SIGN_IN)), None, tmp_path / "run")
    assert (result.outcome, result.attempt, result.flaky) == (Outcome.FAILED, 3, False)
    assert sorted(path.name for path in (tmp_path / "run" / "retries").iterdir()) == ["2", "3"]


def test_what_a_person_stopped_is_not_begun_anew(tmp_path: Path) -> None:
    (tmp_path / "checks.py").write_text("def holds(ending): raise KeyboardInterrupt")
    result = play(read_script(script(tmp_path, SIGN_IN)), None, tmp_path / "run")
    assert (result.stop.reason, result.attempt) == ("person", 1)


@pytest.mark.parametrize(
    ("granted", "risks", "noted"), [(True, True, True), (True, False, False), (False, True, False)]
)
def test_what_a_person_approved_of_is_noted_so_that_it_is_not_done_again(
    granted: bool, risks: bool, noted: bool
) -> None:
    watched = Granted(Caution(lambda request: Approval(granted)))
    assert watched.caution is not None
    watched.caution.approve(Request(TYPE_ADA, "", "", ("submit",) if risks else ()))
    assert watched.any is noted


@pytest.mark.parametrize(
    ("code", "outcome", "found"),
    [
        ("def holds(ending): return True", Outcome.VERIFIED, "True"),
        ("def holds(ending): pass", Outcome.VERIFIED, "True"),
        ("def holds(ending): return False", Outcome.FAILED, "False"),
        ("def holds(ending): assert ending.answers, 'nothing was told'", Outcome.FAILED, "nothing was told"),
        ("def holds(ending): return 'yes'", Outcome.BROKEN, "expected True, False, nothing or an assertion; got 'yes'"),
        ("def holds(ending): 1 / 0", Outcome.BROKEN, "checks.py:holds: ZeroDivisionError"),
    ],
)
def test_a_check_in_python_holds_fails_or_breaks(tmp_path: Path, code: str, outcome: Outcome, found: str) -> None:
    (tmp_path / "checks.py").write_text(code)
    result = play(read_script(script(tmp_path, SIGN_IN.replace("retries: 2", "retries: 0"))), None, tmp_path / "run")
    assert result.outcome is outcome
    assert found in (result.verdicts[0].found if result.verdicts else result.stop.detail)


@pytest.mark.parametrize(
    ("code", "python", "said"),
    [
        (
            "def holds(ending): pass",
            "checks.py:hold",
            "task.yaml:7: expect.0.python: python checks.py:hold: there is no",
        ),
        ("holds = 1", "checks.py:holds", "there is no function 'holds'"),
        ("def holds(:", "checks.py:holds", "SyntaxError"),
        ("import nothing_of_that_name", "checks.py:holds", "ModuleNotFoundError"),
        ("", "other.py:holds", "there is no file"),
        ("", "no.such.module:holds", "ModuleNotFoundError"),
        ("", "'{{who}}.py:holds'", "no parameter chooses which code is run"),
        ("", "checks.py", "expect.0.python: String should match pattern"),
    ],
)
def test_code_that_cannot_be_had_is_named_before_anything_starts(
    tmp_path: Path, code: str, python: str, said: str
) -> None:
    (tmp_path / "checks.py").write_text(code)
    text = SIGN_IN.replace("checks.py:holds", python) + "parameters: {who: checks}\n"
    with pytest.raises(ScriptError) as caught:
        play(read_script(script(tmp_path, text)), None, tmp_path / "run")
    assert said in str(caught.value)
    assert not (tmp_path / "run").exists()


def test_a_record_runs_no_code_whatever_it_names(tmp_path: Path) -> None:
    (tmp_path / "checks.py").write_text("from pathlib import Path\nPath(__file__).with_name('ran').touch()\n"
                                        "def holds(ending): pass")  # fmt: skip
    play(read_script(script(tmp_path, SIGN_IN)), None, tmp_path / "run")
    (tmp_path / "ran").unlink()
    (tmp_path / "run" / "checks.py").write_text((tmp_path / "checks.py").read_text())
    with Screens() as env:
        result = replay(read_run(tmp_path / "run"), env)
    assert (result.outcome, result.verdicts) == (Outcome.UNVERIFIED, ())
    assert "their script alone" in result.detail
    assert not list(tmp_path.rglob("ran"))


LOOK = SIGN_IN.replace("python: checks.py:holds", "screenshot: shots/welcome.png\n    box: [20, 10, 120, 50]").replace(
    "retries: 2", "retries: 0"
)


def test_a_picture_is_written_once_and_then_held_against_the_screen(tmp_path: Path) -> None:
    path, picture = script(tmp_path, LOOK), tmp_path / "shots" / "welcome.png"
    arguments = ("run", path, "--model", "script", "--json", "--out")
    none = handeye(*arguments, tmp_path / "none")
    assert (none.returncode, (tmp_path / "none").exists()) == (2, False)
    assert "task.yaml:7: expect.0.screenshot: there is no picture" in none.stderr
    assert handeye(*arguments, tmp_path / "first", "--update-screenshots").returncode == 0
    assert decode(picture.read_bytes()).shape == (40, 100, 3)
    assert handeye(*arguments, tmp_path / "second").returncode == 0
    changed = decode(picture.read_bytes()).copy()
    changed[3:5, 10:14] ^= 7
    picture.write_bytes(encode(changed))
    third = handeye(*arguments, tmp_path / "third")
    (verdict,) = json.loads(third.stdout)["verdicts"]
    assert (third.returncode, verdict["found"]) == (1, "8 of 4000 pixels differ, within (30, 13, 34, 15)")
    for more in ("tolerance: 7", "pixels: 8"):
        loaded = read_script(script(tmp_path, LOOK.replace("box:", f"{more}\n    box:")))
        assert play(loaded, None, tmp_path / more[:5]).outcome is Outcome.VERIFIED


def test_a_record_keeps_the_pictures_that_it_was_held_against(tmp_path: Path) -> None:
    loaded = read_script(script(tmp_path, LOOK))
    play(loaded, None, tmp_path / "first", care=UPDATE)
    play(loaded, None, tmp_path / "run")
    (tmp_path / "shots" / "welcome.png").unlink()
    moved = (tmp_path / "run").rename(tmp_path / "moved")
    with Screens() as env:
        result = replay(read_run(moved), env)
    assert (result.outcome, result.verdicts[0].held) == (Outcome.VERIFIED, True)


@pytest.mark.parametrize(
    ("old", "new", "outcome", "found"),
    [
        ("  - screenshot", "  - url: screen:help\n  - screenshot", Outcome.FAILED, "something else does not hold"),
        ("at: {x: 145, y: 155}", "at: {x: 1, y: 1}", Outcome.FAILED, "written"),
        ("[20, 10, 120, 50]", "[20, 10, 1200, 50]", Outcome.FAILED, "reaches beyond"),
    ],
)
def test_a_picture_is_written_only_where_all_else_holds(
    tmp_path: Path, old: str, new: str, outcome: Outcome, found: str
) -> None:
    result = play(read_script(script(tmp_path, LOOK.replace(old, new, 1))), None, tmp_path / "run", care=UPDATE)
    assert result.outcome is outcome
    assert found in result.verdicts[-1].found


@pytest.mark.parametrize("data", [b"", b"GIF89a", encode(np.zeros((3, 3, 3), np.uint8))])
def test_a_picture_that_is_none_or_of_another_size_does_not_hold(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "shots").mkdir()
    (tmp_path / "shots" / "welcome.png").write_bytes(data)
    result = play(read_script(script(tmp_path, LOOK)), None, tmp_path / "run")
    assert result.outcome is Outcome.FAILED
    assert "picture" in result.verdicts[0].found


def test_a_run_of_before_there_were_steps_is_still_read(tmp_path: Path) -> None:
    keep(tmp_path)
    path = tmp_path / "run.json"
    data = {name: value for name, value in json.loads(path.read_bytes()).items()
            if name not in ("legs", "attempt", "values")}  # fmt: skip
    path.write_text(json.dumps(data))
    lines = (tmp_path / "steps.jsonl").read_text().replace('"leg":null,', "")
    (tmp_path / "steps.jsonl").write_text(lines)
    run = read_run(tmp_path)
    assert (run.manifest.attempt, run.manifest.legs, run.lines[0].leg) == (1, (), None)
