"""The doctor as a command: what it ends, and what it leaves alone."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from agent_runs import handeye

from actions import Action, ActionSpace, Click, Point, Type
from agent.doctor import DESKTOPS, SCREENS, aimed, clicks, hits
from agent.probe import PAGE, Acts, PageProbe, Probe
from agent.window import WindowProbe
from env import Browser, BrowserOptions, Desktop, DesktopOptions, EnvironmentBroken, Observation, Task
from env.desktop.layout import Layout
from env.desktop.probe import program
from env.owner import Owner
from env.process import Ownership

pytestmark = pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="looks at processes in /proc")


def test_reap_ends_what_a_dead_run_left_and_touches_no_living_one() -> None:
    gone = str(replace(Owner.me(), started=1))
    folder = Path(tempfile.mkdtemp(prefix=f"handeye-{gone}-"))
    (folder / "kept").write_text("x")
    run, left = Ownership(), {"HANDEYE_RUN": f"{gone}-0123abcd"}
    try:
        with (
            subprocess.Popen(["sleep", "300"], env=os.environ | run.variables) as living,
            subprocess.Popen(["sleep", "300"], env=os.environ | left) as dead,
        ):
            try:
                done = handeye("doctor", "--reap", "--json")
                assert dead.wait(5) < 0
                assert living.poll() is None
            finally:
                living.kill()
                dead.kill()
        assert done.returncode == 0
        said = json.loads(done.stdout)
        assert said["well"]
        assert [finding["name"] for finding in said["findings"]] == ["leftovers"]
        assert said["findings"][0]["detail"].startswith("ended ")
        assert not folder.exists()
        assert run.folder.exists()
    finally:
        run.close()


@dataclass(frozen=True)
class Distorted:
    """A screen behind a transform that is wrong."""

    env: Acts
    through: Callable[[Action], Action]

    @property
    def space(self) -> ActionSpace:
        return self.env.space

    def step(self, action: Action) -> Observation:
        return self.env.step(self.through(action))


def moved(place: Callable[[int], float]) -> Callable[[Action], Action]:
    """Clicks elsewhere, as `place` says for each coordinate."""

    def through(action: Action) -> Action:
        if not isinstance(action, Click) or action.at is None:
            return action
        x, y = (min(int(place(one)), most) for one, most in ((action.at.x, 559), (action.at.y, 279)))
        return action.model_copy(update={"at": Point(x=x, y=y)})

    return through


def german(action: Action) -> Action:
    """Types as on a keyboard on which z and y have changed places."""
    if not isinstance(action, Type):
        return action
    return action.model_copy(update={"text": action.text.translate(str.maketrans("zyZY", "yzYZ"))})


FAULTS: dict[str, Callable[[Action], Action]] = {
    "": lambda action: action,
    "scale": moved(lambda one: one * 0.8),
    "origin": moved(lambda one: one + 8),
    "rounding": moved(lambda one: one // 2 * 2),
    "layout": german,
}


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    file = tmp_path_factory.mktemp("probe") / "probe.html"
    file.write_text(PAGE, encoding="utf-8")
    with Browser(BrowserOptions(size=(560, 280))) as env:
        env.reset(Task(start=file.as_uri()))
        yield env


@pytest.mark.parametrize("fault", FAULTS)
def test_the_click_test_names_the_transform_that_is_wrong(fault: str, page: Browser) -> None:
    judge(PageProbe("page", Distorted(page, FAULTS[fault]), page, page.size), fault)


def judge(probe: Probe, fault: str) -> None:
    """Assert that the click test finds this fault and no other."""
    found = aimed(probe)
    assert found.well == (not fault), found.detail
    if fault:
        assert fault in found.detail
        assert found.remedy
    others = set(FAULTS) - {fault, ""}
    assert not [other for other in others if f": {other} (" in found.detail], found.detail


@dataclass(frozen=True)
class Shown:
    """A desktop with the probe window on it, and what that shows."""

    env: Desktop
    log: Path
    seen: Observation

    def probe(self, env: Acts) -> WindowProbe:
        return WindowProbe("window", env, self.log, self.seen.screenshot)


@pytest.fixture(scope="module")
def window(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shown]:
    log = tmp_path_factory.mktemp("window") / "log"
    with Desktop(DesktopOptions(size=(560, 280), program=program(log))) as env:
        yield Shown(env, log, env.reset(Task()))


@pytest.mark.parametrize("fault", FAULTS)
def test_the_click_test_of_a_window_names_the_transform_that_is_wrong(fault: str, window: Shown) -> None:
    judge(window.probe(Distorted(window.env, FAULTS[fault])), fault)


LAYOUTS: dict[str, Layout] = {
    "scale": Layout(0, 0, 448, 224, (560, 280)),
    "origin": Layout(-8, 0, 560, 280, (560, 280)),
}
"""What a desktop would believe of its screen, and be wrong."""


@pytest.mark.parametrize("fault", LAYOUTS)
def test_a_layout_of_a_desktop_that_is_wrong_is_found_out(fault: str, window: Shown) -> None:
    seat = window.env._seat
    assert seat is not None
    right, seat.layout = seat.layout, LAYOUTS[fault]
    try:
        judge(window.probe(window.env), fault)
    finally:
        seat.layout = right


def test_a_picture_at_another_scale_than_the_pointer_is_found_out(window: Shown) -> None:
    twice = window.seen.screenshot.repeat(2, axis=0).repeat(2, axis=1)
    probe = WindowProbe("window", window.env, window.log, twice)
    probe.size = window.seen.size  # so that all that is asked for lies on the screen
    judge(probe, "scale")


def test_a_window_that_another_one_covers_is_told_and_not_clicked_in(window: Shown) -> None:
    covered = window.seen.screenshot.copy()
    covered[:140] = 0
    with pytest.raises(EnvironmentBroken, match="not seen whole"):
        WindowProbe("window", window.env, window.log, covered)


def test_the_click_test_finds_all_right_in_windows_with_and_without_a_manager() -> None:
    findings = list(hits())
    assert [finding.name for finding in findings] == list(DESKTOPS)
    for finding in findings:
        assert finding.well, finding.detail
        assert "7 of 7 on the exact pixel" in finding.detail


def test_a_window_on_this_sessions_screen_is_asked_for_with_the_click_test_alone() -> None:
    done = handeye("doctor", "--real")
    assert done.returncode == 2
    assert "--click-test" in done.stderr


USUAL = ("page at scale 1.5", "page on a phone")


@pytest.mark.parametrize(
    "name", [name if name in USUAL else pytest.param(name, marks=pytest.mark.slow) for name in SCREENS]
)
def test_the_click_test_finds_all_right_on_every_kind_of_page(name: str) -> None:
    (finding,) = clicks({name: SCREENS[name]})
    assert finding.name == name
    assert finding.well, finding.detail
    assert "exact pixel" in finding.detail
