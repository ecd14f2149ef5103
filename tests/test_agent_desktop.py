"""Scripts on a desktop: run, recorded and replayed, and refused before anything starts where they cannot work."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from agent_runs import ROOT, handeye, script

from agent.script import ScriptError, read_script
from agent.stage import StageError, ready

EXAMPLE = ROOT / "examples" / "desktop.yaml"
GOOD = """\
name: ask
environment: {kind: desktop, width: 400, height: 300, program: [xterm, -fa, Mono]}
instruction: Wait.
expect:
  - title: "Hello*"
"""


def test_the_example_greets_and_replays_to_the_last_pixel(tmp_path: Path) -> None:
    done = handeye("run", EXAMPLE, "--model", "script", "--out", tmp_path / "run", "--json")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert (said["outcome"], said["verdicts"][0]["found"]) == ("verified", "Hello, Zoë 日本 😀")
    first, *_ = (json.loads(line) for line in (tmp_path / "run" / "steps.jsonl").read_text().splitlines())
    assert first["receipt"]["target"].endswith("(XTerm)")
    assert first["after"]["tabs"] == ["sh — XTerm"]
    again = handeye("replay", tmp_path / "run")
    assert again.returncode == 0, again.stdout + again.stderr
    assert "starts xterm -fa Mono" in again.stderr


def test_another_greeting_fails_and_says_which_title_was_found(tmp_path: Path) -> None:
    text = EXAMPLE.read_text().replace("title: Hello, {{who}}", "title: Goodbye*").replace("until: expect\n", "")
    path = script(tmp_path, text.replace("programs/greeter.sh", str(EXAMPLE.parent / "programs" / "greeter.sh")))
    done = handeye("run", path, "--model", "script", "--out", tmp_path / "run", "--set", "who=Ada", "--json")
    assert done.returncode == 1, done.stderr
    assert json.loads(done.stdout)["verdicts"][0]["found"] == "Hello, Ada"


def test_a_program_that_dies_breaks_the_run_with_its_record_whole(tmp_path: Path) -> None:
    text = GOOD.replace("[xterm, -fa, Mono]", "[sh, -c, 'echo lost its way; exit 7']")
    path = script(tmp_path, text + "actions: [{kind: wait, seconds: 0}]\n")
    done = handeye("run", path, "--model", "script", "--out", tmp_path / "run", "--json")
    assert done.returncode == 5
    assert "ended with code 7: lost its way" in json.loads(done.stdout)["detail"]
    assert json.loads((tmp_path / "run" / "run.json").read_text())["outcome"] == "broken"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (", program: [xterm, -fa, Mono]", "", "task.yaml:2: environment: program: missing"),
        ("[xterm, -fa, Mono]", "xterm -fa Mono", "task.yaml:2: environment.program"),
        ("[xterm, -fa, Mono]", "[xterm, 12]", "task.yaml:2: environment.program.1"),
        ("kind: desktop", "kind: browser", "program: only a desktop has one, not browser"),
        ("name: ask", "name: ask\nstart: page.html", "start: a desktop starts the program"),
        ('title: "Hello*"', "text: Hello", "only title, screenshot, python can be expected"),
        ("instruction: Wait.\n", "", "instruction: missing"),
    ],
)
def test_a_script_that_fits_no_desktop_is_refused(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert old in GOOD
    with pytest.raises(ScriptError) as caught:
        read_script(script(tmp_path, GOOD.replace(old, new, 1)))
    assert said in str(caught.value)


@pytest.mark.parametrize("name", ["no-such-program", "./no-such-program", '"xte\\0rm"'])
def test_a_program_that_is_not_there_is_refused_before_anything_starts(tmp_path: Path, name: str) -> None:
    with pytest.raises(StageError, match=r"environment\.program: there is no program"):
        ready(read_script(script(tmp_path, GOOD.replace("xterm,", f"{name},"))))
