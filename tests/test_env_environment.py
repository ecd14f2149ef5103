"""The contract that every environment keeps. To join, add a factory to FACTORIES."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from desktop_probe import program

from actions import ActionError, Answer, Click, Finish, Key, Move, Point, Wait
from env import (
    Browser,
    BrowserOptions,
    Desktop,
    DesktopOptions,
    Environment,
    EnvironmentBroken,
    MiniWoB,
    Screens,
    Task,
)
from env.observation import changed


def small_desktop() -> Desktop:
    """A screen of odd sides with a window manager and a program on it."""
    words = program(Path(os.devnull))
    return Desktop(DesktopOptions(size=(333, 217), program=words, window_manager=True))


FACTORIES: dict[str, Callable[[], Environment]] = {
    "screens": Screens,
    "browser": Browser,
    "desktop": Desktop,
    "small desktop": small_desktop,
    "browser at 1.5": lambda: Browser(BrowserOptions(size=(336, 252), device_scale_factor=1.5)),
    "browser at 2": lambda: Browser(BrowserOptions(size=(336, 252), device_scale_factor=2)),
    "phone": lambda: Browser(BrowserOptions(device="iPhone SE")),
}
if importlib.util.find_spec("miniwob"):
    FACTORIES["miniwob"] = MiniWoB

ALIKE = {"browser at 1.5", "browser at 2", "phone", "small desktop"}
"""Those that the usual run leaves to the slow one."""

EVERY = [pytest.param(name, marks=pytest.mark.slow) if name in ALIKE else name for name in sorted(FACTORIES)]


@pytest.fixture(scope="module", params=EVERY)
def env(request: pytest.FixtureRequest) -> Iterator[Environment]:
    with FACTORIES[request.param]() as made:
        yield made


def test_two_resets_of_one_task_show_equal_pixels(env: Environment) -> None:
    first, second = env.reset(Task(seed=3)), env.reset(Task(seed=3))
    assert np.array_equal(first.screenshot, second.screenshot)
    assert first.instruction == second.instruction
    assert second.receipt is None


def test_a_screenshot_is_rgb_of_the_size_it_says_and_read_only(env: Environment) -> None:
    seen = env.reset(Task())
    assert seen.screenshot.dtype == np.uint8
    assert seen.screenshot.shape == (seen.size[1], seen.size[0], 3)
    with pytest.raises(ValueError, match="read-only"):
        seen.screenshot[0, 0, 0] = 1


def test_an_action_beside_the_screen_is_refused_and_changes_nothing(env: Environment) -> None:
    before = env.reset(Task(seed=1))
    width, height = before.size
    for x, y in ((width, 0), (0, height), (-1, 0), (0, -1), (10**9, 10**9)):
        with pytest.raises(ActionError, match=f"{width}x{height}"):
            env.step(Click(at=Point(x=x, y=y)))
    after = env.step(Wait(seconds=0))
    assert changed(before.screenshot, after.screenshot) == (0, None)


def test_the_last_pixel_belongs_to_the_screen(env: Environment) -> None:
    width, height = env.reset(Task()).size
    last = Point(x=width - 1, y=height - 1)
    assert env.step(Move(at=last) if "move" in env.space.kinds else Click(at=last)).receipt is not None


@pytest.mark.parametrize("action", [Finish(), Answer(text="42")])
def test_words_to_the_user_are_not_done_to_the_screen(env: Environment, action: Finish | Answer) -> None:
    env.reset(Task())
    with pytest.raises(ActionError, match=action.kind):
        env.step(action)


def test_a_key_that_does_not_exist_is_the_agents_mistake(env: Environment) -> None:
    env.reset(Task())
    with pytest.raises(ActionError, match="hyper"):
        env.step(Key(keys=("hyper", "x")))


def test_time_begins_with_the_episode_and_never_runs_back(env: Environment) -> None:
    first = env.reset(Task())
    second = env.step(Wait(seconds=0))
    assert 0 <= first.time <= second.time
    assert env.reset(Task()).time <= second.time + 10


def test_timings_are_seconds_by_part(env: Environment) -> None:
    env.reset(Task())
    timings = env.step(Wait(seconds=0)).timings
    assert {"act", "capture"} <= set(timings)
    assert all(seconds >= 0 for seconds in timings.values())


@pytest.mark.parametrize("name", EVERY)
def test_after_close_every_call_breaks_as_closed(name: str) -> None:
    made = FACTORIES[name]()
    made.close()
    made.close()
    with pytest.raises(EnvironmentBroken) as first:
        made.reset(Task())
    with pytest.raises(EnvironmentBroken) as second:
        made.step(Wait(seconds=0))
    assert first.value.reason == second.value.reason == "closed"


@pytest.mark.parametrize("name", EVERY)
def test_a_step_before_the_first_reset_breaks_as_closed(name: str) -> None:
    with FACTORIES[name]() as made, pytest.raises(EnvironmentBroken) as broken:
        made.step(Wait(seconds=0))
    assert broken.value.reason == "closed"


def test_importing_env_loads_no_browser_and_no_imaging_library() -> None:
    code = "import env, sys; print([m for m in ('playwright', 'PIL', 'torch', 'mss', 'Xlib') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_changed_counts_pixels_and_boxes_them() -> None:
    before = np.zeros((10, 20, 3), np.uint8)
    after = before.copy()
    after[2, 3], after[5, 11, 1] = 1, 7
    assert changed(before, after) == (2, (3, 2, 12, 6))
    assert changed(before, before) == (0, None)
    assert changed(before, after[:5]) == (100, (0, 0, 20, 5))


def test_a_broken_environment_says_why_in_its_text() -> None:
    assert str(EnvironmentBroken("crash", "the page died")) == "crash: the page died"
