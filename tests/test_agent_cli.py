"""The command: every exit code, one JSON object on standard output, and records that are complete."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from agent_runs import ROOT, SCREENS_TASK, handeye, script, until

from agent.reader import read_run

SCREENS = "name: t\nstart: sign in\nenvironment: screens\n"
WIN = """actions:
  - {kind: click, at: {x: 200, y: 68}}
  - {kind: type, text: ada}
  - {kind: click, at: {x: 109, y: 107}}
  - {kind: click, at: {x: 145, y: 155}}
"""
PAGE = "name: t\nstart: page.html\ninstruction: look\nenvironment: {kind: browser, width: 160, height: 208}\n"
WAIT = "actions: [{kind: wait, seconds: 0}, {kind: wait, seconds: 50}]\n"

CODES = {
    "verified": (0, SCREENS + WIN + "expect: [{url: 'screen:welcome'}]\n"),
    "failed: an expectation": (1, SCREENS + WIN + "expect: [{url: 'screen:help'}]\n"),
    "failed: the agent says so": (1, SCREENS + "actions: [{kind: finish, success: false}]\n"),
    "unverified": (3, PAGE + "actions: [{kind: finish}]\n"),
    "stopped: steps": (4, SCREENS + WIN + "limits: {steps: 2}\n"),
    "stopped: a loop": (4, SCREENS + "actions: [" + "{kind: click, at: {x: 1, y: 1}}, " * 5 + "]\n"),
    "broken": (5, PAGE.replace("page.html", "http://127.0.0.1:9/") + "actions: [{kind: finish}]\n"),
}


@pytest.mark.parametrize("name", CODES)
def test_every_end_has_its_exit_code_and_a_complete_record(name: str, tmp_path: Path) -> None:
    code, text = CODES[name]
    (tmp_path / "page.html").write_text("<p>here</p>")
    done = handeye("run", script(tmp_path, text), "--model", "script", "--out", tmp_path / "run", "--json")
    assert done.returncode == code, done.stderr
    said = json.loads(done.stdout)
    assert done.stdout.count("\n") == 1
    assert said["code"] == code
    assert said["outcome"] == name.partition(":")[0]
    manifest = read_run(tmp_path / "run").manifest
    assert manifest.stop is not None
    assert (manifest.outcome, manifest.stop.reason) == (said["outcome"], said["stop"])


def test_several_scripts_give_all_their_runs_and_the_worst_code(tmp_path: Path) -> None:
    bad = script(tmp_path, CODES["failed: an expectation"][1])
    good = SCREENS_TASK
    done = handeye("run", good, bad, good, "--model", "script", "--out", tmp_path / "runs", "--json")
    assert done.returncode == 1
    said = json.loads(done.stdout)
    assert set(said) == {"runs"}
    assert [run["code"] for run in said["runs"]] == [0, 1, 0]
    assert len({run["folder"] for run in said["runs"]}) == 3


BAD = {
    "an unknown key": (PAGE + "limit: {}\n", [], ["task.yaml:5: limit: unknown key", "'limits'"]),
    "a missing page": (PAGE.replace("page.html", "none.html"), [], ["task.yaml:2: start:", "none.html"]),
    "an unknown screen": (SCREENS.replace("sign in", "sign up"), [], ["task.yaml:2: start:", "'sign up'", "sign in"]),
    "an unknown task": ("name: t\nstart: no-such\nenvironment: miniwob\n", [], ["task.yaml:2: start:", "no-such"]),
    "a bad address": (PAGE.replace("page.html", "http:///x"), [], ["task.yaml:2: start:", "http:///x"]),
    "an unknown parameter": (PAGE, ["--set", "who=x"], ["--set who"]),
    "a malformed setting": (PAGE, ["--set", "who"], ["--set who", "NAME=VALUE"]),
    "no actions": (PAGE, [], ["--model script", "has none"]),
    "no such model": (PAGE, ["--model", "nowhere"], ["--model nowhere", "folder"]),
    "no such option": (PAGE, ["--mdoel", "x"], ["--mdoel"]),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_usage_is_told_and_nothing_is_started(name: str, tmp_path: Path) -> None:
    text, more, parts = BAD[name]
    (tmp_path / "page.html").write_text("<p>here</p>")
    out = tmp_path / "run"
    done = handeye("run", script(tmp_path, text), "--model", "script", "--out", out, "--json", *more)
    assert done.returncode == 2
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    for part in parts:
        assert part in done.stderr
    assert not out.exists()


def test_a_folder_that_holds_a_run_is_refused(tmp_path: Path) -> None:
    arguments = ("run", SCREENS_TASK, "--model", "script", "--out", tmp_path)
    assert handeye(*arguments).returncode == 0
    again = handeye(*arguments)
    assert again.returncode == 2
    assert "already holds a run" in again.stderr
    assert handeye(*arguments[:-1], "/proc/nowhere").returncode == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("replay", "/nowhere"), "/nowhere"),
        (("view", "/nowhere"), "/nowhere"),
        (("replay", "/nowhere", "--mode", "mend"), "mend"),
        (("do", "Click.", "--url", "example.com", "--model", "script"), "none"),
        (("do", "Click.", "--url", "ftp://x", "--size", "10"), "10"),
        (("eval", "miniwob", "--tasks", "click-tset"), "click-test"),
    ],
)
def test_other_commands_refuse_bad_usage(arguments: tuple[str, ...], said: str) -> None:
    done = handeye(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_checkpoint_that_cannot_be_loaded_is_a_broken_model_with_a_complete_record(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    done = handeye("run", SCREENS_TASK, "--model", folder, "--out", tmp_path / "run", "--json")
    assert done.returncode == 5, done.stderr
    manifest = read_run(tmp_path / "run").manifest
    assert manifest.stop is not None
    assert (manifest.stop.reason, manifest.outcome, manifest.model.hash) == ("model", "broken", "")


@pytest.mark.parametrize("group", [False, True])
def test_ctrl_c_stops_a_run_with_a_complete_record(group: bool, tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("<p>here</p>")
    task = script(tmp_path, PAGE + WAIT)
    child = subprocess.Popen(
        [sys.executable, "-m", "agent.cli", "run", task, "--model", "script", "--out", tmp_path / "run", "--json"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    pending = tmp_path / "run" / "pending.json"
    until(lambda: pending.exists() and b'"index": 2' in pending.read_bytes(), 30)  # the second step waits
    if group:  # as a terminal does it
        os.killpg(child.pid, signal.SIGINT)
    else:
        child.send_signal(signal.SIGINT)
    out, _ = child.communicate(timeout=30)
    assert child.returncode == 4
    said = json.loads(out)
    assert (said["code"], said["stop"]) == (4, "person")
    run = read_run(tmp_path / "run")
    assert run.manifest.stop is not None
    assert (run.manifest.stop.reason, run.manifest.outcome, len(run.lines)) == ("person", "stopped", 1)


def test_view_prints_where_the_page_is(tmp_path: Path) -> None:
    handeye("run", SCREENS_TASK, "--model", "script", "--out", tmp_path)
    done = handeye("view", tmp_path)
    assert done.returncode == 0
    assert Path(done.stdout.strip()).read_text().startswith("<!doctype html>")


def test_what_a_page_is_called_cannot_move_the_cursor_of_a_terminal(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("<button style='width:99px;height:99px'>\x1b[31mred[bold]</button>")
    text = PAGE.replace("look", "look [bold]\\x1b") + "actions: [{kind: click, at: {x: 30, y: 30}}]\n"
    done = handeye("run", script(tmp_path, text), "--model", "script", "--out", tmp_path / "run")
    assert done.returncode == 3
    assert "\x1b" not in done.stderr
    assert "[bold]" in done.stderr
