"""Whatever a page, a browser or a server does, a run ends in time, with a whole record, and leaves no process.

The first action presses the left top corner of the page, where the fault is; the second one says that it is done.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from agent_runs import ROOT, click, script, until
from hostile_pages import Hostile, serve_hostile

from actions import Action, Finish, Key, Navigate, Point, Type
from agent.episode import ignore
from agent.limits import Limits
from agent.manifest import describe
from agent.perform import Job, perform
from agent.policy import Scripted
from agent.reader import Run, read_run
from agent.record import Recorder
from agent.replay import replay
from agent.schema import EnvironmentEntry
from agent.step import Step
from env import Browser, BrowserOptions, EnvironmentBroken, Task
from env.watch import drivers, marked

pytestmark = pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="looks at processes in /proc")

USUAL = BrowserOptions(size=(400, 300))
HASTY = replace(USUAL, action_timeout=1.5, load_timeout=1.5, settle_cap=0.8)
PRESS, ENTER, DONE = click(100, 50), Key(keys=("enter",)), Finish()
BOUND = 15.0  # seconds that a step may take, whatever happens in it
WRITE = Type(text="a long text that takes its time " * 6, at=Point(x=100, y=130))


@pytest.fixture(scope="module")
def server() -> Iterator[Hostile]:
    with serve_hostile() as running:
        yield running


@pytest.fixture(scope="module")
def hasty() -> Iterator[Browser]:
    with Browser(HASTY) as browser:
        yield browser


Hook = Callable[[Step], None]


def endure(
    env: Browser, folder: Path, start: str, actions: Sequence[Action] = (PRESS, DONE), *, decided: Hook = ignore
) -> Run:
    """The record of a run that begins at `start`, found whole, and in time."""
    policy, entry = Scripted(actions), EnvironmentEntry(kind="browser", width=400, height=300)
    job = Job(Task("press", start), Limits(steps=20, repeats=None))
    with Recorder(folder, describe(job, policy, entry, name="fault")) as record:
        began = time.monotonic()
        perform(env, policy, job, record=record, decided=decided)
        assert time.monotonic() - began < BOUND * (len(actions) + 1)
    run = read_run(folder)
    assert run.manifest.stop is not None
    assert run.manifest.outcome is not None
    assert run.manifest.totals is not None
    assert run.manifest.totals.steps == len(run.lines)
    assert run.pending is None
    for line in run.lines:
        for look in (line.before, line.after):
            assert look is None or run.screen(look.screen).shape == (look.height, look.width, 3)
        assert line.timings.get("env", 0.0) < BOUND
    for last, following in zip(run.lines, run.lines[1:], strict=False):
        assert (last.after or last.before).screen == following.before.screen
    return run


def errors(run: Run) -> list[str]:
    """The kind of error of each step, empty where there was none."""
    return [line.error.partition(":")[0] for line in run.lines]


def reason(run: Run) -> str:
    """Why a run ended."""
    assert run.manifest.stop is not None
    return run.manifest.stop.reason


def close(env: Browser) -> None:
    """Close `env`, and assert that nothing is left of it: no process, no driver, no file."""
    folder = env.downloads.parent
    drove = drivers(str(folder))
    env.close()
    assert not marked(env.marker)
    assert not [process for process in drove if Path(f"/proc/{process}").exists()]
    assert not folder.exists()


PAGES = {
    "busy": {"timeout"},
    "moving": {""},
    "popups": {"", "timeout"},
    "reload": {""},
    "to never": {""},
    "to half": {""},
    "to drip": {""},
    "to round": {""},
    "to file": {""},
}
"""The page that is pressed, and what the step may say of it."""


ALIKE = ("moving", "to half", "to drip")
"""Pages that the usual run leaves out: the slow one has them all."""


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow) if name in ALIKE else name for name in PAGES]
)
def test_a_page_that_does_its_worst_is_a_step_that_ends(
    name: str, hasty: Browser, server: Hostile, tmp_path: Path
) -> None:
    run = endure(hasty, tmp_path, f"{server.url}/{name}")
    first, last = errors(run)
    assert first in PAGES[name]
    assert not last
    assert reason(run) == "finished"


PATIENT = {
    **PAGES,
    "huge": {""},
    "flood": {"", "timeout"},
    "later": {"timeout", "crash"},
    "bomb": {"timeout", "crash"},
}
"""Those that take their time besides."""


@pytest.mark.slow
@pytest.mark.parametrize("name", PATIENT)
def test_a_page_that_does_its_worst_is_a_step_that_ends_in_time_by_the_usual_options(
    name: str, server: Hostile, tmp_path: Path
) -> None:
    with Browser(USUAL) as env:
        run = endure(env, tmp_path, f"{server.url}/{name}")
        assert errors(run)[0] in PATIENT[name]
        assert reason(run) == "finished"
        close(env)


def test_dialogs_without_end_are_steps_each(hasty: Browser, server: Hostile, tmp_path: Path) -> None:
    run = endure(hasty, tmp_path, f"{server.url}/storm", [*[ENTER] * 6, DONE])
    assert [line.before.dialog for line in run.lines].count("alert: too") >= 2  # a look may come before the next one
    assert reason(run) == "finished"


def test_addresses_that_fail_are_mistakes_and_the_page_stays(hasty: Browser, server: Hostile, tmp_path: Path) -> None:
    places = [Navigate(url=f"{server.url}/{path}") for path in ("never", "round?0")]
    run = endure(hasty, tmp_path, server.url, [*places, DONE])
    assert errors(run) == ["url", "url", ""]
    assert {line.before.url for line in run.lines} == {f"{server.url}/"}


STARTS = ["never", "round?0", "born busy"]


@pytest.mark.parametrize("name", STARTS)
def test_a_start_that_never_comes_ends_the_run(name: str, hasty: Browser, server: Hostile, tmp_path: Path) -> None:
    run = endure(hasty, tmp_path, f"{server.url}/{name}")
    assert reason(run) == "environment"
    assert not run.lines


@pytest.mark.slow
@pytest.mark.parametrize("name", STARTS)
def test_a_start_that_never_comes_ends_the_run_in_time_by_the_usual_options(
    name: str, server: Hostile, tmp_path: Path
) -> None:
    with Browser(USUAL) as env:
        env.reset(Task())  # a start of the browser itself is not what is timed
        began = time.monotonic()
        run = endure(env, tmp_path, f"{server.url}/{name}")
        assert time.monotonic() - began < BOUND
        assert reason(run) == "environment"
        close(env)


def shoot(processes: set[int]) -> None:
    """Kill them at once."""
    assert processes
    for process in processes:
        os.kill(process, signal.SIGKILL)


def renderers(env: Browser) -> set[int]:
    """The processes that run the pages."""
    return {one for one in marked(env.marker) if b"--type=renderer" in Path(f"/proc/{one}/cmdline").read_bytes()}


VICTIMS: dict[str, Callable[[Browser], set[int]]] = {
    "browser": lambda env: marked(env.marker),
    "renderer": renderers,
    "driver": lambda env: drivers(str(env.downloads.parent)),
}


@pytest.mark.parametrize("victim", VICTIMS)
def test_a_run_goes_on_after_a_process_died_in_an_action_and_does_it_no_second_time(
    victim: str, hasty: Browser, server: Hostile, tmp_path: Path
) -> None:
    server.did, server.effect = 0, lambda: shoot(VICTIMS[victim](hasty))
    try:
        run = endure(hasty, tmp_path, server.url, [PRESS, ENTER, DONE])
    finally:
        server.effect = lambda: None
    assert server.did == 1
    assert reason(run) == "finished"
    assert errors(run).count("crash") == 1
    broke = next(line for line in run.lines if line.error)
    assert broke.after is not None
    assert broke.after.url == f"{server.url}/"


def test_a_page_that_crashes_by_itself_is_a_step_that_goes_on(hasty: Browser, server: Hostile, tmp_path: Path) -> None:
    def crash(step: Step) -> None:
        if step.index == 1:
            session = hasty._open()
            asyncio.run_coroutine_threadsafe(session.current.cdp.send("Page.crash"), hasty._worker._loop)
            until(lambda: session.broken is not None, 10)

    run = endure(hasty, tmp_path, server.url, decided=crash)
    assert errors(run) == ["crash", ""]
    assert "was not carried out" in run.lines[0].error
    assert reason(run) == "finished"
    again = replay(run, hasty)
    assert again.outcome == "stopped"
    assert "step 1 broke the screen" in again.detail
    assert again.actions == 0


def befall(env: Browser, server: Hostile, folder: Path, seed: int) -> Run:
    """The record of a run whose browser is killed before, in or after an action, by chance."""
    chance, timers = random.Random(seed), []
    victim, delay = chance.randint(1, 3), chance.choice([0.0, chance.uniform(0, 0.1), chance.uniform(0.1, 0.5)])

    def decided(step: Step) -> None:
        if step.index == victim:
            timers.append(threading.Timer(delay, env._ownership.kill))
            timers[-1].start()
            if not delay:
                timers[-1].join()

    server.did = 0
    run = endure(env, folder, server.url, [PRESS, WRITE, PRESS, DONE], decided=decided)
    for timer in timers:
        timer.join()
    return run


def judge(run: Run, server: Hostile) -> None:
    """Assert that a run went on after its browser was killed, and did nothing twice."""
    assert reason(run) == "finished"
    assert set(errors(run)) <= {"", "crash"}
    assert server.did <= 2
    for line in run.lines:
        assert not line.error or (line.after is not None and line.after.url == f"{server.url}/")


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (1, 2))])
def test_a_run_goes_on_after_its_browser_was_killed_by_chance(
    seed: int, hasty: Browser, server: Hostile, tmp_path: Path
) -> None:
    judge(befall(hasty, server, tmp_path, seed), server)


@pytest.mark.slow
def test_a_run_goes_on_after_its_browser_was_killed_at_twenty_points(server: Hostile, tmp_path: Path) -> None:
    with Browser(USUAL) as env:
        runs = []
        for seed in range(20):
            runs.append(befall(env, server, tmp_path / str(seed), seed))
            judge(runs[-1], server)
        close(env)
    assert sum("crash" in errors(run) for run in runs) >= 15


def carrying(word: str) -> list[str]:
    """The commands of all processes with `word` among their variables or arguments."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            command = (entry / "cmdline").read_bytes()
            if word.encode() in command + (entry / "environ").read_bytes():
                found.append(command.decode(errors="replace"))
        except OSError:  # it ended meanwhile
            continue
    return found


@pytest.mark.parametrize("name", ["alone", "with its group"])
def test_a_command_that_is_killed_leaves_its_record_and_nothing_else(
    name: str, server: Hostile, tmp_path: Path
) -> None:
    place = Path(tempfile.mkdtemp(prefix="place-"))  # the name of a browser's socket has to be short
    task = script(
        tmp_path,
        f"name: t\nstart: {server.url}\ninstruction: press\n"
        "actions: [{kind: click, at: {x: 100, y: 50}}, {kind: wait, seconds: 50}]\n",
    )
    command = [sys.executable, "-m", "agent.cli", "run", task, "--model", "script", "--out", tmp_path / "run"]
    with subprocess.Popen(
        command, cwd=ROOT, env=os.environ | {"TMPDIR": str(place)}, stderr=subprocess.DEVNULL, start_new_session=True
    ) as child:
        pending = tmp_path / "run" / "pending.json"
        until(lambda: pending.exists() and b'"index": 2' in pending.read_bytes(), 30)  # the second step waits
        assert list(place.iterdir())
        assert len(carrying(str(place))) > 3
        (os.kill if name == "alone" else os.killpg)(child.pid, signal.SIGKILL)
        child.wait()
    until(lambda: not carrying(str(place)), 10)
    until(lambda: not list(place.iterdir()), 5)
    place.rmdir()
    run = read_run(tmp_path / "run")
    assert run.manifest.stop is None
    assert len(run.lines) == 1
    assert run.pending is not None
    assert run.pending.index == 2


def test_nothing_is_left_of_a_browser_that_went_through_all_this(hasty: Browser, server: Hostile) -> None:
    hasty.reset(Task(start=server.url))
    shoot(renderers(hasty))
    with pytest.raises(EnvironmentBroken):
        hasty.step(PRESS)
    hasty.recover()
    close(hasty)
