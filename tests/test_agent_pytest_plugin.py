"""The pytest plugin: in a pytest of its own, with a real browser, and with every warning an error."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path

import pytest
from agent_runs import ROOT, keep
from PIL import Image as Pillow

from agent.play import play
from agent.script import read_script
from agent.trial import told
from env import Screens

PAGE = "<title>t</title><p>Hello, <b id=who>Ada</b></p><button style='position:absolute;left:20px;top:60px'>go</button>"
TASK = """\
name: look
start: page.html
environment: {width: 160, height: 208}
instruction: Look.
parameters: {who: Ada}
expect: [{text: "Hello, {{who}}", within: 0}]
extract: {who: {element: "#who"}}
actions: [{kind: click, at: {x: 30, y: 70}}]
"""
TESTS = """
import sys
import pytest

@pytest.mark.handeye("task.yaml", model="script")
def test_good(handeye):
    assert handeye.result.values == {"who": "Ada"}

@pytest.mark.handeye("task.yaml", set={"who": "Bob"}, model="script")
def test_bad():
    print("the body of the test ran")

@pytest.mark.handeye("task.yaml", model="script", mod="x")
def test_misspelt(): pass

@pytest.mark.handeye("none.yaml", model="script")
def test_missing(): pass

def test_unmarked(handeye): pass

def test_replayed(handeye_replay):
    assert handeye_replay("runs/page").steps == 2

def test_differs(handeye_replay):
    handeye_replay("runs/other")

def test_found_again(handeye_replay):
    assert handeye_replay("runs/other", mode="ladder").outcome == "verified"

def test_no_such_mode(handeye_replay):
    handeye_replay("runs/page", mode="guess")

def test_no_run(handeye_replay):
    handeye_replay("runs/none")
"""


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What a pytest says of those tests."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "page.html").write_text(PAGE)
    (folder / "task.yaml").write_text(TASK)
    (folder / "test_pages.py").write_text(TESTS)
    for name in ("page", "other"):
        play(read_script(folder / "task.yaml"), None, folder / "runs" / name)
    site = folder / "moved"
    site.mkdir()
    (site / "page.html").write_text(PAGE.replace("top:60px", "top:90px"))
    path = folder / "runs" / "other" / "run.json"
    path.write_text(path.read_text().replace(f'"site":"{folder}"', f'"site":"{site}"').replace(
        f'"site": "{folder}"', f'"site": "{site}"'))  # fmt: skip
    return pytests(folder, "-W", "error")


def pytests(folder: Path, *arguments: str) -> str:
    """What pytest prints in `folder`, with this plugin and no others."""
    environ = {**os.environ, "PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "COLUMNS": "300"}
    words = [sys.executable, "-m", "pytest", "-p", "agent.pytest_plugin", "-p", "no:cacheprovider", "-rA", "-q"]
    done = subprocess.run([*words, "--basetemp", folder / "base", *arguments], cwd=folder, env=environ,
                          capture_output=True, text=True, timeout=240)  # fmt: skip
    return done.stdout + done.stderr


def part(said: str, name: str) -> str:
    """What is said of one test that failed."""
    return re.split(r"\n_{3,}", said.partition(f" {name} __")[2])[0].partition("\n=====")[0]


def test_a_marked_script_is_played_and_its_result_is_at_hand(said: str) -> None:
    for name in ("test_good", "test_replayed", "test_found_again"):
        assert f"PASSED test_pages.py::{name}" in said, said
    assert "3 passed" in said
    assert "6 failed" in said
    assert "1 error" in said  # the fixture without a mark


def test_a_script_that_is_not_verified_fails_with_its_verdicts_a_picture_and_a_report(said: str) -> None:
    failed = part(said, "test_bad")
    assert "failed: finished: end of the script" in failed
    assert '✗ text "Hello, Bob" (found: Hello, Ada go)' in failed
    assert "the body of the test ran" not in said
    picture = Path(re.findall(r"picture: (.*)", failed)[0])
    with Pillow.open(picture) as image:
        assert image.size == (160, 208)
        assert image.convert("RGB").getpixel((30, 70)) == (255, 40, 40)  # where the click went
    assert Path(re.findall(r"report: (.*)", failed)[0]).read_text().startswith("<!doctype html>")
    assert "Traceback" not in failed


def test_a_replay_that_differs_fails_with_a_picture_of_the_difference(said: str) -> None:
    failed = part(said, "test_differs")
    assert "stopped: halted: before step 1 the screen differs" in failed
    with Pillow.open(re.findall(r"picture: (.*)", failed)[0]) as image:
        assert image.size == (160 * 2 + 2, 208)
        red = [at for at in range(162, 322) if image.convert("RGB").getpixel((at, 100)) == (230, 0, 0)]
    assert red


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("test_misspelt", ["unexpected keyword argument 'mod'", "handeye(script, *"]),
        ("test_missing", ["none.yaml", "No such file"]),
        ("test_unmarked", ["this fixture is for tests with @pytest.mark.handeye(SCRIPT)"]),
        ("test_no_such_mode", ["mode 'guess': expected 'exact' or 'ladder'"]),
        ("test_no_run", ["run.json", "No such file"]),
    ],
)
def test_what_is_asked_for_and_is_not_there_is_told_without_a_traceback(said: str, name: str, words: list[str]) -> None:
    failed = part(said, name)
    assert "Traceback" not in failed
    for word in words:
        assert word in failed


def test_the_plugin_loads_nothing_until_it_is_used(tmp_path: Path) -> None:
    (tmp_path / "test_plain.py").write_text(
        "import sys\ndef test_plain():\n"
        "    loaded = {'torch', 'playwright', 'PIL', 'pydantic', 'numpy', 'agent.play', 'yaml'} & set(sys.modules)\n"
        "    assert not loaded\n"
    )
    assert "1 passed" in pytests(tmp_path, "--strict-markers")
    listed = pytests(tmp_path, "--markers")
    assert "@pytest.mark.handeye(script, *, set={}" in listed


def test_the_plugin_is_announced_to_pytest_under_its_name() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert import_module(project["entry-points"]["pytest11"]["handeye"]).__doc__


def test_a_run_that_broke_before_its_first_screen_has_no_picture_and_tells_why(tmp_path: Path) -> None:
    env = Screens()
    env.close()
    text = told(keep(tmp_path / "run", env=env))
    assert text.startswith("broken: environment: closed")
    assert "picture" not in text
    assert "report: " in text
