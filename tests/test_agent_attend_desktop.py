"""A person shows how it is done on a desktop. A second connection's XTEST events stand in for a person's hands."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from agent_runs import handeye
from desktop_probe import events, program, typed
from Xlib import XK, X
from Xlib.display import Display
from Xlib.ext import xtest

from actions import Click, Drag, Finish, Key, Point, Scroll, Type
from agent.attend import PAUSE, PERSON, UNLIMITED, attend
from agent.expect import Check
from agent.manifest import describe
from agent.outcome import Outcome
from agent.perform import Job
from agent.reader import read_run
from agent.record import Recorder
from agent.replay import replay
from agent.schema import EnvironmentEntry
from agent.stage import open_stage
from env import DesktopOptions, Task
from env.desktop.attended import AttendedDesktop

SIZE = (333, 217)


class Hands:
    """Pointer and keyboard of a program that is none of ours."""

    def __init__(self, name: str) -> None:
        self._display = Display(name)

    def close(self) -> None:
        self._display.close()

    def send(self, kind: int, detail: int = 0, x: int = 0, y: int = 0) -> None:
        xtest.fake_input(self._display, kind, detail, x=x, y=y)
        self._display.sync()

    def click(self, x: int, y: int, button: int = 1, count: int = 1) -> None:
        self.send(X.MotionNotify, 0, x, y)
        for _ in range(count):
            self.send(X.ButtonPress, button)
            self.send(X.ButtonRelease, button)

    def drag(self, *places: tuple[int, int]) -> None:
        self.send(X.MotionNotify, 0, *places[0])
        self.send(X.ButtonPress, 1)
        for place in places[1:]:
            self.send(X.MotionNotify, 0, *place)
        self.send(X.ButtonRelease, 1)

    def press(self, *names: str) -> None:
        codes = [self._display.keysym_to_keycode(XK.string_to_keysym(name)) for name in names]
        for code in codes:
            self.send(X.KeyPress, code)
        for code in reversed(codes):
            self.send(X.KeyRelease, code)


def test_what_is_done_on_a_desktop_is_recorded_and_replayed_to_the_last_pixel(tmp_path: Path) -> None:
    words = program(tmp_path / "log", "--title", "probe")
    entry = EnvironmentEntry(kind="desktop", width=SIZE[0], height=SIZE[1], program=words)
    job = Job(Task("show"), UNLIMITED, (Check(title="probe"),))
    with (
        AttendedDesktop(DesktopOptions(size=SIZE, program=words)) as env,
        Recorder(tmp_path / "run", describe(job, PERSON, entry, name="test")) as record,
    ):
        hands: list[Hands] = []

        def do(what: Callable[[Hands], None]) -> Callable[[], str]:
            return lambda: (what(hands[0]), "")[1]

        shown = [
            do(lambda hand: hand.click(50, 60)),
            do(
                lambda hand: (
                    [hand.press(*keys) for keys in (("a",), ("Shift_L", "b"), ("c",), ("BackSpace",), ("1",))] and None
                )
            ),
            do(lambda hand: hand.click(90, 100, count=2)),
            do(lambda hand: hand.click(120, 60, button=3)),
            do(lambda hand: hand.click(200, 100, button=5, count=3)),
            do(lambda hand: hand.drag((20, 150), (60, 150), (100, 190))),
            do(lambda hand: hand.press("Control_L", "s")),
            lambda: PAUSE,
            do(lambda hand: hand.click(300, 200)),
            lambda: PAUSE,
            do(lambda hand: hand.click(250, 150)),
            lambda: "shown",
        ]
        done, came = [0], [0]

        def stop() -> str:
            if not hands:
                hands.append(Hands(env.display))
            if not env.rested or (done[0] and env.arrived == came[0] and done[0] not in (8, 10)):
                return ""
            came[0] = env.arrived
            done[0] += 1
            return shown[done[0] - 1]()

        result = attend(env, record, job, stop=stop)
        hands[0].close()
    person = events(tmp_path / "log")
    run = read_run(tmp_path / "run")
    assert [line.action for line in run.lines if not isinstance(line.action, Finish)] == [
        Click(at=Point(x=50, y=60)),
        Type(text="aB1"),
        Click(at=Point(x=90, y=100), count=2),
        Click(at=Point(x=120, y=60), button="right"),
        Scroll(at=Point(x=200, y=100), dy=360),
        Drag(path=(Point(x=20, y=150), Point(x=60, y=150), Point(x=100, y=190))),
        Key(keys=("ctrl", "s")),
        Click(at=Point(x=250, y=150)),
    ]
    assert [line.index for line in run.lines if "the recording was paused before this" in line.reply.warnings] == [8]
    assert result.outcome is Outcome.VERIFIED
    assert run.lines[0].receipt is not None
    assert run.lines[0].receipt.target == 'window "probe" (Probe)'
    (tmp_path / "log").unlink()
    with open_stage(run.manifest.environment) as stage:
        again = replay(run, stage.env, to=7)
    assert (again.outcome, again.detail) == (Outcome.UNVERIFIED, "stopped after step 7, as asked")
    downs = [(event["x"], event["y"], event["button"]) for event in person if event["kind"] == "down"]
    assert downs[:8] == [
        (event["x"], event["y"], event["button"]) for event in events(tmp_path / "log") if event["kind"] == "down"
    ]
    assert typed(tmp_path / "log") == "aB1s"


def test_the_command_says_that_passwords_are_kept_on_a_desktop_and_refuses_what_it_cannot_do() -> None:
    for given, said in (
        ((), "give one of --url, --program and --display"),
        (("--url", "http://127.0.0.1:9", "--display", ":0"), "got --url, --display"),
        (("--program", "xterm", "--expect", "text=Hello"), "only title= can be expected"),
        (("--url", "nowhere.html"), "has no scheme"),
        (("--url", "http://127.0.0.1:9", "--expect", "colour=red"), "expected one of url=..., title="),
    ):
        done = handeye("record", *given)
        assert (done.returncode, said in done.stderr) == (2, True), (given, done.stderr)
    done = handeye("record", "--display", ":987")
    assert done.returncode == 5
    assert "passwords too" in done.stderr


@pytest.mark.slow
def test_a_private_screen_is_shown_in_a_window(tmp_path: Path) -> None:
    with AttendedDesktop(DesktopOptions(size=(600, 400))) as outer:
        outer.reset(Task())
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("DISPLAY", outer.display)
            with AttendedDesktop(DesktopOptions(size=SIZE, program=program(tmp_path / "log"), nested=True)) as inner:
                assert inner.reset(Task()).size == SIZE
                assert any("Xephyr" in name for name in outer.look().tabs)
                with closing(Hands(outer.display)) as hands:
                    hands.click(50, 60)
                end = time.monotonic() + 20
                while (deed := inner.deed(0.5)) is None:
                    assert time.monotonic() < end
                assert isinstance(deed.action, Click)
