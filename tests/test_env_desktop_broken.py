"""Servers and programs that die or hang: bounded, told, cured by the next reset, and nothing of them is left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from agent_runs import broken_by, until
from desktop_probe import program

from actions import Click, Key, Point, Type, Wait
from env import Desktop, DesktopOptions, Task
from env.watch import marked

AT = Point(x=50, y=20)
OPTIONS = DesktopOptions(
    size=(400, 300), program=program(Path(os.devnull)), start_timeout=5, action_timeout=1, settle_cap=0.5
)


@pytest.fixture(scope="module")
def desktop() -> Iterator[Desktop]:
    with Desktop(OPTIONS) as made:
        yield made


def called(env: Desktop, name: str) -> list[int]:
    """Its processes with `name` among their arguments."""
    return [process for process in marked(env.marker) if name in words(process)]


def words(process: int) -> str:
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes().decode()
    except OSError:
        return ""


def works(env: Desktop) -> bool:
    """Whether the next reset brings a screen with the program on it, and a click arrives."""
    env.reset(Task())
    receipt = env.step(Click(at=AT)).receipt
    return receipt is not None and receipt.pixels_changed == 100


@pytest.mark.parametrize("name", ["Xvfb", "desktop_probe"])
def test_what_is_killed_between_two_steps_is_told_and_the_next_reset_works(desktop: Desktop, name: str) -> None:
    desktop.reset(Task())
    for process in called(desktop, name):
        os.kill(process, signal.SIGKILL)
    broken = broken_by(lambda: desktop.step(Click(at=AT)), 5)
    assert broken.reason == "crash"
    again = broken_by(lambda: desktop.step(Click(at=AT)), 1)
    assert "reset first" in str(again)
    assert works(desktop)


@pytest.mark.parametrize("name", ["Xvfb", "desktop_probe"])
def test_what_is_killed_during_an_action_is_told_and_the_next_reset_works(desktop: Desktop, name: str) -> None:
    desktop.reset(Task())
    (process,) = called(desktop, name)
    with subprocess.Popen(["sh", "-c", f"sleep 0.3; kill -9 {process}"]):
        assert broken_by(lambda: desktop.step(Click(at=AT, hold=1.5)), 8).reason == "crash"
    assert works(desktop)


@pytest.mark.slow
def test_a_server_that_hangs_is_a_timeout_and_the_next_reset_works(desktop: Desktop) -> None:
    desktop.reset(Task())
    (process,) = called(desktop, "Xvfb")
    os.kill(process, signal.SIGSTOP)
    assert broken_by(lambda: desktop.step(Key(keys=("a",))), 15).reason == "timeout"
    assert not called(desktop, "Xvfb")
    assert works(desktop)


@pytest.mark.slow
def test_a_server_that_hangs_between_episodes_holds_no_reset_up(desktop: Desktop) -> None:
    desktop.reset(Task())
    (process,) = called(desktop, "Xvfb")
    os.kill(process, signal.SIGSTOP)
    start = time.monotonic()
    assert works(desktop)
    assert time.monotonic() - start < 15


def test_a_program_that_hangs_is_looked_at_all_the_same(desktop: Desktop) -> None:
    desktop.reset(Task())
    (process,) = called(desktop, "desktop_probe")
    os.kill(process, signal.SIGSTOP)
    start = time.monotonic()
    receipt = desktop.step(Click(at=AT)).receipt
    assert time.monotonic() - start < 5
    assert receipt is not None
    assert receipt.pixels_changed == 0
    os.kill(process, signal.SIGCONT)
    assert desktop.step(Wait(seconds=0)).receipt is not None


def test_a_program_that_fails_at_once_is_told_with_its_last_words() -> None:
    with Desktop(DesktopOptions(size=(64, 64), program=("sh", "-c", "echo no such file >&2; exit 3"))) as env:
        broken = broken_by(lambda: env.reset(Task()), 10)
    assert broken.reason == "crash"
    assert broken.message == "the program sh ended with code 3: no such file"


def test_a_program_that_opens_no_window_is_given_up() -> None:
    with Desktop(DesktopOptions(size=(64, 64), program=("sleep", "60"), start_timeout=0.5)) as env:
        broken = broken_by(lambda: env.reset(Task()), 10)
        assert (broken.reason, "no window" in broken.message) == ("unreachable", True)
        assert not called(env, "sleep")


def test_a_program_that_was_closed_has_not_failed() -> None:
    with Desktop(DesktopOptions(size=(400, 300), program=("xterm", "-e", "sh"), window_manager=True)) as env:
        assert env.reset(Task()).tabs
        env.step(Type(text="exit\n", at=Point(x=100, y=100)))
        until(lambda: not env.step(Wait(seconds=0)).tabs, 5)


def test_a_real_display_that_is_not_there_is_unreachable() -> None:
    with Desktop(DesktopOptions(display=":98765")) as env:
        assert broken_by(lambda: env.reset(Task()), 5).reason == "unreachable"


def test_close_ends_every_process_that_was_started_and_removes_its_files() -> None:
    before = set(Path("/tmp/.X11-unix").iterdir())
    env = Desktop(DesktopOptions(size=(400, 300), program=("xterm", "-e", "setsid sleep 600 & sleep 600")))
    env.reset(Task())
    until(lambda: len(called(env, "sleep")) >= 2, 5)
    folder = env._ownership.folder
    env.close()
    assert not marked(env.marker)
    assert not folder.exists()
    assert not set(Path("/tmp/.X11-unix").iterdir()) - before


def test_twenty_resets_leave_one_server() -> None:
    with Desktop(DesktopOptions(size=(64, 64))) as env:
        files = len(os.listdir("/proc/self/fd"))
        for _ in range(20):
            env.reset(Task())
        assert len(called(env, "Xvfb")) == 1
        assert len(os.listdir("/proc/self/fd")) < files + 10


CHILD = """
import sys
from env import Desktop, DesktopOptions, Task
desktop = Desktop(DesktopOptions(size=(64, 64), program=tuple(sys.argv[1:])))
desktop.reset(Task())
print(desktop.marker, flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("kill", [os.kill, os.killpg], ids=["alone", "with its group"])
def test_nothing_outlives_a_process_that_is_killed(kill: Callable[[int, int], None]) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", CHILD, "xterm", "-e", "sleep 600"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as child:
        assert child.stdout is not None
        marker = child.stdout.readline().strip()
        assert len(marked(marker)) >= 2
        kill(child.pid, signal.SIGKILL)
        child.wait()
        until(lambda: not marked(marker), 5)


def test_a_private_screen_is_open_to_this_user_alone() -> None:
    from Xlib import X
    from Xlib.display import Display

    with Desktop(DesktopOptions(size=(64, 64))) as env:
        env.reset(Task())
        display = Display(env.display)
        try:
            allowed = display.list_hosts()
        finally:
            display.close()
    assert allowed.mode == X.EnableAccess
    (host,) = allowed.hosts
    assert (host.family, bytes(host.name)) == (X.FamilyServerInterpreted, b"localuser\0#%d" % os.getuid())
