"""An episode on a desktop goes on after its screen or its program died: it is told, and nothing is done twice."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from agent_runs import broken_by, until
from desktop_probe import events, program
from test_env_desktop_broken import called

from actions import Click, Finish, Key, Point
from agent.episode import episode
from agent.limits import Limits
from agent.policy import Scripted
from agent.step import Step, Stop
from env import Desktop, DesktopOptions, Recoverable, Task

FIRST, HELD, LAST = Click(at=Point(x=50, y=20)), Click(at=Point(x=60, y=30), hold=1.5), Click(at=Point(x=70, y=40))


def options(folder: Path) -> DesktopOptions:
    return DesktopOptions(size=(400, 300), program=program(folder / "log"), start_timeout=5, action_timeout=2)


def places(folder: Path) -> list[object]:
    """Where the buttons of the mouse went down in the program, or in those that came after it."""
    return [event["x"] for event in events(folder / "log") if event["kind"] == "down"]


def kill(env: Desktop, name: str) -> None:
    """Kill its processes of this name."""
    found = called(env, name)
    assert found
    for process in found:
        os.kill(process, signal.SIGKILL)
    for process in found:  # its end can be asked for once all of its threads are gone; whoever started it still may
        os.waitid(os.P_PID, process, os.WEXITED | os.WNOWAIT)
    until(lambda: not called(env, name), 5)


def played(env: Desktop, decided: Callable[[Step], None], limits: Limits | None = None) -> tuple[list[Step], Stop]:
    """The steps and the end of an episode of three clicks."""
    turns = episode(env, Scripted([FIRST, HELD, LAST, Finish()]), Task("x"), limits=limits, decided=decided)
    steps = []
    while True:
        try:
            steps.append(next(turns))
        except StopIteration as end:
            stop: Stop = end.value
            return steps, stop


@pytest.mark.parametrize("moment", ["before", "during"])
@pytest.mark.parametrize("name", ["Xvfb", "desktop_probe"])
def test_an_episode_goes_on_after_what_was_killed_and_does_nothing_twice(
    name: str, moment: str, tmp_path: Path
) -> None:
    watchers: list[threading.Thread] = []

    def later() -> None:
        until(lambda: places(tmp_path) == [50, 60], 20)
        kill(env, name)

    def decided(step: Step) -> None:
        if step.index == 2 and moment == "before":
            kill(env, name)
        elif step.index == 2:
            watchers.append(threading.Thread(target=later))
            watchers[-1].start()

    with Desktop(options(tmp_path)) as env:
        steps, stop = played(env, decided)
        for watcher in watchers:
            watcher.join()
        assert [len(called(env, one)) for one in ("Xvfb", "desktop_probe")] == [1, 1]
    assert stop.reason == "finished"
    assert [step.recovered for step in steps] == [False, True, False, False]
    assert places(tmp_path) == ([50, 70] if moment == "before" else [50, 60, 70])
    lost = steps[1]
    assert lost.error.startswith("crash: ")
    assert ("was not carried out" in lost.error) == (moment == "before")
    assert ("not known" in lost.error) == (moment == "during")
    assert "This is a new screen" in lost.error
    assert lost.after is steps[2].before
    assert lost.before.time < lost.after.time < steps[3].before.time
    assert lost.after.title == "probe"
    assert (lost.after.screenshot == 255).all()  # a fresh window: what was drawn is gone


def test_an_episode_ends_where_no_recovery_is_allowed_and_where_none_is_to_be_had(tmp_path: Path) -> None:
    once = (
        "sh",
        "-c",
        f"test ! -e {tmp_path / 'been'} && touch {tmp_path / 'been'} && exec {' '.join(program(tmp_path / 'log'))}",
    )
    for words, limits in ((program(tmp_path / "log"), Limits(recoveries=0)), (once, Limits())):
        with Desktop(DesktopOptions(size=(400, 300), program=words, start_timeout=5)) as env:
            steps, stop = played(env, lambda step: kill(env, "Xvfb") if step.index == 2 else None, limits)
        assert (len(steps), steps[1].after, stop.reason) == (2, None, "environment")
        assert stop.detail.startswith("crash: ")


def test_a_server_that_hangs_is_replaced_and_a_key_that_was_sent_is_not_known_to_have_come(tmp_path: Path) -> None:
    with Desktop(replace(options(tmp_path), action_timeout=1, settle_cap=0.5, animation_cap=0.1)) as env:
        env.reset(Task())
        (process,) = called(env, "Xvfb")
        os.kill(process, signal.SIGSTOP)
        assert broken_by(lambda: env.step(Key(keys=("a",))), 15).reason == "timeout"
        fresh = env.recover()
        assert not Path(f"/proc/{process}").exists()
        assert fresh.seen.title == "probe"
        assert env.step(FIRST).receipt is not None


def test_on_a_display_that_is_somebody_elses_only_the_program_is_started_anew(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    with Desktop(options(tmp_path)) as person:
        person.reset(Task())
        words = program(tmp_path / "mine" / "log", "--title", "mine")
        with Desktop(DesktopOptions(display=person.display, program=words)) as env:
            env.reset(Task())
            env.step(Click(at=Point(x=0, y=0)))  # the agent itself leaves the pointer in a corner
            kill(env, "desktop_probe")
            assert broken_by(lambda: env.step(FIRST), 5).begun is False
            fresh = env.recover()
            assert "same screen" in fresh.told
            assert any("mine" in tab for tab in fresh.seen.tabs)
            assert any("probe" in tab for tab in fresh.seen.tabs)
            assert env.step(FIRST).receipt is not None
            kill(person, "Xvfb")
            broken_by(lambda: env.step(FIRST), 5)
            assert broken_by(env.recover, 10).reason == "unreachable"


def test_there_is_nothing_to_recover_from_where_nothing_broke(tmp_path: Path) -> None:
    with Desktop(options(tmp_path)) as env:
        assert isinstance(env, Recoverable)
        assert broken_by(env.recover, 1).reason == "closed"
        env.reset(Task())
        assert broken_by(env.recover, 1).reason == "closed"
    assert broken_by(env.recover, 1).reason == "closed"
