"""SIGKILL at every step of a run and of a replay, with a real browser: the folder reads back, and the run goes on."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from agent_runs import ROOT, click, handeye, processes, script, until

from actions import Action, Type
from agent.expect import Check
from agent.manifest import describe
from agent.onward import resume
from agent.outcome import Outcome
from agent.perform import Job, perform
from agent.policy import Scripted
from agent.reader import Run, read_run
from agent.record import Recorder
from agent.replay import replay
from agent.schema import EnvironmentEntry
from agent.stage import Stage
from agent.step import Step
from env import Browser, BrowserOptions, Observation, Task

OPTIONS = BrowserOptions(size=(160, 208))
ENTRY = EnvironmentEntry(kind="browser", width=160, height=208)
PAGE = """<body style="margin:0;font:14px sans-serif">
<button type=button style="position:absolute;left:10px;top:10px;width:60px;height:30px"
  onclick="n.textContent = +n.textContent + 1">more</button>
<p style="position:absolute;left:90px;top:2px">times <b id=n>0</b></p>
<input style="position:absolute;left:10px;top:60px;width:120px;height:24px;caret-color:transparent"
  oninput="w.textContent = value">
<label style="position:absolute;left:10px;top:110px"><input type=checkbox
  onchange="c.textContent = checked"> ok</label>
<p style="position:absolute;left:10px;top:140px">typed <b id=w></b> ticked <b id=c></b></p>"""
DEEDS: tuple[Action, ...] = (click(30, 25), click(60, 72), Type(text="ada"), click(18, 120), click(30, 25))
DONE = (Check(text="times 2"), Check(text="typed ada ticked true"))
"""What holds once each deed was done, and none of them twice."""


class Mortal(Browser):
    """Its process is killed around the action that has this number."""

    def __init__(self, number: int, when: str) -> None:
        super().__init__(OPTIONS)
        self.left, self.when = number, when

    def step(self, action: Action) -> Observation:
        self.left -= 1
        die(self.left == 0 and self.when == "before")
        seen = super().step(action)
        die(self.left == 0 and self.when == "acted")
        return seen


def die(now: bool) -> None:
    """As if the machine had run out of memory."""
    if now:
        os.kill(os.getpid(), signal.SIGKILL)


def job(url: str) -> Job:
    """What the run has to do."""
    return Job(Task("do it", url), expect=DONE, until="expect")


def run_until(folder: str, url: str, number: int, when: str) -> None:
    """Die in step `number`: once it is decided, acted, or recorded."""

    def at(moment: str) -> Callable[[Step], None]:
        return lambda step: die(when == moment and step.index == number)

    env = Mortal(number, when)
    print(env.marker, flush=True)
    todo = job(url)
    with Recorder(Path(folder), describe(todo, Scripted(DEEDS), ENTRY, name="kill")) as record:
        perform(env, Scripted(DEEDS), todo, record=record, decided=at("decided"), watch=at("recorded"))


def replay_until(folder: str, number: int, when: str) -> None:
    """Die in a replay, around the action of step `number`."""
    env = Mortal(number, when)
    print(env.marker, flush=True)
    replay(read_run(Path(folder)), env)


def killed(call: str) -> None:
    """Make `call` in a process that dies of it, and see that it leaves no other behind."""
    code = f"import test_agent_kill as t; t.{call}"
    child = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT / "tests", capture_output=True, text=True, timeout=120
    )
    assert child.returncode == -signal.SIGKILL, child.stderr
    marker = child.stdout.strip()
    assert marker
    until(lambda: not processes(marker), 10)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with Browser(OPTIONS) as env:
        yield env


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> str:
    page = tmp_path_factory.mktemp("page") / "page.html"
    page.write_text(PAGE)
    return page.as_uri()


def goes_on(run: Run, browser: Browser, folder: Path) -> None:
    """What is left of a run is enough to go on from, and what comes of it needs it no more."""
    known = len(run.lines)
    result = resume(run, Stage(browser, ENTRY), Scripted(DEEDS), folder)
    assert (result.outcome, result.stop.reason, len(result.trajectory.steps)) == (Outcome.VERIFIED, "met", len(DEEDS))
    if run.pending:
        assert "not known whether" in result.trajectory.steps[known].before.notes[0]
    shutil.rmtree(run.folder)
    child = read_run(folder)
    assert child.manifest.parent is not None
    assert child.manifest.parent.step == known
    assert [line.action for line in child.lines] == list(DEEDS)
    again = replay(child, browser)
    assert (again.outcome, again.actions) == (Outcome.VERIFIED, len(DEEDS)), again.detail


def survives(number: int, when: str, url: str, browser: Browser, folder: Path) -> None:
    killed(f"run_until({str(folder / 'run')!r}, {url!r}, {number}, {when!r})")
    run = read_run(folder / "run")
    assert (run.manifest.stop, run.manifest.outcome) == (None, None)
    assert len(run.lines) == (number if when == "recorded" else number - 1)
    assert (run.pending is not None) == (when != "recorded")
    assert run.pending is None or run.pending.action == DEEDS[number - 1]
    goes_on(run, browser, folder / "on")


MOMENTS = ("decided", "acted", "recorded")
EVERY = [(number, when) for number in range(1, len(DEEDS) + 1) for when in MOMENTS]
SOME = [(1, "decided"), (3, "acted"), (5, "recorded")]
"""Every moment, from the first step to the last; the others are slow."""


@pytest.mark.parametrize(("number", "when"), SOME)
def test_a_run_that_is_killed_at_a_step_reads_back_and_goes_on(
    number: int, when: str, url: str, browser: Browser, tmp_path: Path
) -> None:
    survives(number, when, url, browser, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize(("number", "when"), [point for point in EVERY if point not in SOME])
def test_a_run_that_is_killed_at_any_step_reads_back_and_goes_on(
    number: int, when: str, url: str, browser: Browser, tmp_path: Path
) -> None:
    survives(number, when, url, browser, tmp_path)


@pytest.fixture(scope="module")
def whole(url: str, browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that nobody killed."""
    folder, todo = tmp_path_factory.mktemp("whole") / "run", job(url)
    with Recorder(folder, describe(todo, Scripted(DEEDS), ENTRY, name="whole")) as record:
        assert perform(browser, Scripted(DEEDS), todo, record=record).outcome is Outcome.VERIFIED
    return folder


def outlives(number: int, when: str, whole: Path, browser: Browser, folder: Path) -> None:
    """A replay that dies there leaves the record as it was, no half of a report, and can be done again."""
    shutil.copytree(whole, folder / "run")
    killed(f"replay_until({str(folder / 'run')!r}, {number}, {when!r})")
    for path in whole.rglob("*"):
        there = folder / "run" / path.relative_to(whole)
        assert path.is_dir() or there.read_bytes() == path.read_bytes()
    again = replay(read_run(folder / "run"), browser)
    assert (again.outcome, again.actions) == (Outcome.VERIFIED, len(DEEDS)), again.detail
    assert [path.name for path in (folder / "run" / "replays").glob("*/*")] == ["report.json"]


AROUND = [(number, when) for number in range(1, len(DEEDS) + 1) for when in ("before", "acted")]


@pytest.mark.parametrize(("number", "when"), AROUND[::5])
def test_a_replay_that_is_killed_at_a_step_leaves_the_record_and_works_again(
    number: int, when: str, whole: Path, browser: Browser, tmp_path: Path
) -> None:
    outlives(number, when, whole, browser, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize(("number", "when"), [point for point in AROUND if point not in AROUND[::5]])
def test_a_replay_that_is_killed_at_any_step_leaves_the_record_and_works_again(
    number: int, when: str, whole: Path, browser: Browser, tmp_path: Path
) -> None:
    outlives(number, when, whole, browser, tmp_path)


@pytest.mark.slow
def test_the_command_goes_on_with_a_run_whose_process_was_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "page.html").write_text(PAGE)
    text = "name: t\nstart: page.html\ninstruction: do it\nuntil: expect\nparameters: {times: null}\nsecrets: [word]\n"
    text += "environment: {kind: browser, width: 160, height: 208, headers: {X-Key: told-nobody}}\n"
    text += 'expect: [{text: "times {{times}}"}]\nactions:\n'
    first = [DEEDS[0], DEEDS[1], Type(text="<secret:word>")]
    text += "".join(f"  - {deed.model_dump_json()}\n" for deed in first)
    task = script(tmp_path, f"{text}  - {{kind: wait, seconds: 50}}\n")
    run, on = tmp_path / "run", tmp_path / "on"
    monkeypatch.setenv("HANDEYE_SECRET_WORD", "sesame")
    child = subprocess.Popen(
        [sys.executable, "-m", "agent.cli", "run", task, "--model", "script", "--set", "times=2", "--out", run],
        cwd=ROOT,
        stderr=subprocess.DEVNULL,
    )
    pending = run / "pending.json"
    until(lambda: b'"index": 4' in pending.read_bytes(), 60)
    child.kill()
    child.wait()
    task.write_text(f"{text}  - {DEEDS[0].model_dump_json()}\n")
    done = handeye("run", "--resume", run, task, "--out", on, "--json")
    said = json.loads(done.stdout)
    assert (done.returncode, said["outcome"], said["steps"]) == (0, "verified", 4), done.stderr
    assert (said["parent"], said["folder"]) == (str(run), str(on))
    manifest = read_run(on).manifest
    assert (manifest.parameters, manifest.until) == ({"times": "2"}, "expect")
    assert manifest.environment.origin != read_run(run).manifest.environment.origin
    assert not [path for path in on.rglob("*") if path.is_file() and b"sesame" in path.read_bytes()]
    monkeypatch.delenv("HANDEYE_SECRET_WORD")
    for more, missing in (((task,), "secret word: has no value"), (("--model", "builtin"), "headers, which no record")):
        refused = handeye("run", "--resume", run, *more, "--out", tmp_path / "no")
        assert (refused.returncode, missing in refused.stderr) == (2, True), refused.stderr
        assert not (tmp_path / "no").exists()
