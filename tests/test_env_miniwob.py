"""MiniWoB++ as an environment, with its own oracle for an agent."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator

import numpy as np
import pytest
from agent_runs import processes

from actions import ActionError, Click, Finish, Navigate, Point, Scroll, Select, Type
from agent.data.rollouts import LOOK, Hand, open_task
from env import EnvironmentBroken, Recoverable, Task
from env.miniwob import TASKS, MiniWoB, oracle
from env.miniwob.chromium import Camera, open_page
from env.miniwob.oracle import HEIGHT, VIEWPORT, WIDTH, Expected
from env.miniwob.site import html_folder, page_names, serve

FIRST = 1_000_000  # judging seeds: these are episodes that no training has seen
LIMIT = 20


@pytest.fixture(scope="module")
def screen() -> Iterator[MiniWoB]:
    with MiniWoB() as env:
        yield env


def solve(env: MiniWoB, task: Task) -> float:
    """The reward of the oracle's own actions, done by mouse and keyboard."""
    seen = env.reset(task)
    for _ in range(LIMIT):
        expected = env.solve()
        if expected is None:
            break
        assert expected.accepts(expected.action)
        seen = env.step(expected.action)
    assert seen.done
    assert seen.reward is not None
    return seen.reward


SOME = ("choose-list", "click-button-sequence", "click-collapsible-2", "enter-date", "form-sequence-3", "login-user")


@pytest.mark.parametrize("task", SOME)
def test_the_oracle_wins_tasks_of_many_kinds(screen: MiniWoB, task: str) -> None:
    assert solve(screen, Task(start=task, seed=FIRST)) == 1.0


@pytest.mark.slow
@pytest.mark.parametrize("task", TASKS)
def test_the_oracle_wins_every_task_twenty_times(screen: MiniWoB, task: str) -> None:
    assert [solve(screen, Task(start=task, seed=FIRST + i)) for i in range(20)] == [1.0] * 20


def test_an_episode_whose_browser_died_is_over_and_the_next_one_begins(screen: MiniWoB) -> None:
    screen.reset(Task(start="click-test", seed=FIRST))
    for process in processes(screen._browser.marker):
        os.kill(process, signal.SIGKILL)
    with pytest.raises(EnvironmentBroken):
        screen.step(Click(at=Point(x=5, y=60)))
    assert not isinstance(screen, Recoverable)
    assert solve(screen, Task(start="click-test", seed=FIRST)) == 1.0


@pytest.mark.parametrize("tasks", [("click-link", "login-user"), pytest.param(TASKS, marks=pytest.mark.slow)], ids=len)
def test_the_same_seed_gives_the_same_request_and_pixels(screen: MiniWoB, tasks: tuple[str, ...]) -> None:
    for task in tasks:
        first = screen.reset(Task(start=task, seed=FIRST))
        other = screen.reset(Task(start=task, seed=FIRST + 1))
        again = screen.reset(Task(start=task, seed=FIRST))
        assert np.array_equal(first.screenshot, again.screenshot)
        assert first.instruction == again.instruction
        assert not np.array_equal(first.screenshot, other.screenshot)
        assert first.size == (WIDTH, HEIGHT)
        assert (first.done, first.reward, first.receipt) == (False, 0.0, None)


def test_an_episode_in_a_tab_that_was_used_is_that_of_a_fresh_one(screen: MiniWoB) -> None:
    task = Task(start="click-dialog-2", seed=FIRST)
    for seed in range(FIRST, FIRST + 3):  # the pointer is left where something lies, and the keyboard was used
        solve(screen, Task(start="login-user", seed=seed))
    used, known = screen.reset(task), screen.solve()
    with MiniWoB() as other:
        fresh = other.reset(task)
        assert (used.instruction, used.focus, known) == (fresh.instruction, fresh.focus, other.solve())
        assert np.array_equal(used.screenshot, fresh.screenshot)
        assert used.time < 2.0  # of this episode alone
        assert known is not None
        assert screen.step(known.action).reward == other.step(known.action).reward == 1.0


@pytest.mark.slow
def test_training_pictures_are_what_the_environment_shows_from_the_first_step_to_the_last(screen: MiniWoB) -> None:
    with serve() as address, open_page(*VIEWPORT) as page:
        camera = Camera(page, WIDTH, HEIGHT)
        for task in TASKS:
            open_task(page, address, task)
            hand = Hand(page)
            page.mouse.move(VIEWPORT[0] - 1, VIEWPORT[1] - 1)
            page.evaluate("seed => oracle.begin(seed)", 5)
            seen = screen.reset(Task(start=task, seed=5))
            while (expected := screen.solve()) is not None:
                assert np.array_equal(camera.shoot(), seen.screenshot), (task, expected)
                hand.follow(expected, expected.point)
                page.evaluate(LOOK, task)
                seen = screen.step(expected.action)
            assert seen.reward == 1.0, task


def test_the_icons_of_a_dialog_are_loaded_before_its_episode_begins() -> None:
    loaded: list[str] = []
    with serve() as address, open_page(*VIEWPORT) as page:
        page.on("requestfinished", lambda request: loaded.append(request.url) if ".png" in request.url else None)
        page.goto(f"{address}/miniwob/click-dialog.html")
        page.evaluate(oracle.script())
        page.evaluate("oracle.ready()")
        before = set(loaded)
        page.evaluate("seed => oracle.begin(seed)", 1)
        Camera(page, WIDTH, HEIGHT).shoot()
        page.wait_for_load_state("networkidle")
    assert any("ui-icons" in url for url in before)
    assert set(loaded) == before


def test_a_wrong_text_is_told_to_be_corrected(screen: MiniWoB) -> None:
    screen.reset(Task(start="enter-text", seed=FIRST))
    first = screen.solve()
    assert first is not None
    screen.step(first.action)
    right = screen.solve()
    assert right is not None
    assert right.kind == "type"
    screen.step(Type(text="wrong"))
    again = screen.solve()
    assert again is not None
    assert again.kind == "triple_click"
    screen.step(again.action)
    assert screen.solve() == right
    screen.step(right.action)
    last = screen.solve()
    assert last is not None
    assert screen.step(last.action).reward == 1.0


def expect(env: MiniWoB, task: str, seed: int) -> Expected:
    env.reset(Task(start=task, seed=seed))
    return now(env)


def now(env: MiniWoB) -> Expected:
    expected = env.solve()
    assert expected is not None
    return expected


def test_the_oracle_opens_sections_in_turn_and_knows_no_more_than_what_shows(screen: MiniWoB) -> None:
    closed = expect(screen, "click-collapsible-2", FIRST + 1)
    assert len(closed.boxes) == 3
    opened = []
    for _ in range(4):
        opened.append(now(screen))
        if screen.step(now(screen).action).done:
            break
    assert [len(each.boxes) for each in opened[:2]] == [3, 1]


def test_an_open_list_is_used_by_clicks_and_a_closed_one_by_name(screen: MiniWoB) -> None:
    closed = expect(screen, "choose-list", FIRST + 2)
    assert closed.kind == "select"
    assert closed.accepts(closed.action)
    x, y = closed.point
    assert not closed.accepts(Select(at=Point(x=x, y=y), label=closed.text + "x"))
    assert not closed.accepts(Select(at=Point(x=x, y=y + 60), label=closed.text))
    screen.step(Click(at=Point(x=x, y=y)))
    line = now(screen)
    assert line.kind == "click"
    screen.step(line.action)
    assert screen.step(now(screen).action).reward == 1.0


def test_a_date_that_went_wrong_is_typed_again_from_its_first_part(screen: MiniWoB) -> None:
    first = expect(screen, "enter-date", FIRST)
    screen.step(first.action)
    right = now(screen)
    screen.step(Type(text="01/02/2003"))
    assert now(screen) == first
    screen.step(first.action)
    assert now(screen) == right
    screen.step(right.action)
    assert screen.step(now(screen).action).reward == 1.0


def test_a_line_that_does_not_show_is_scrolled_to(screen: MiniWoB) -> None:
    seed = next(
        seed
        for seed in range(FIRST, FIRST + 9)
        if "6 ft" in screen.reset(Task(start="form-sequence-3", seed=seed)).instruction
    )
    screen.step(expect(screen, "form-sequence-3", seed).action)
    hidden = now(screen)
    assert hidden.kind == "scroll"
    at = hidden.action.at
    assert hidden.accepts(Scroll(at=at, dy=30))
    assert not hidden.accepts(Scroll(at=at, dy=-30))
    assert not hidden.accepts(Click(at=at))
    screen.step(hidden.action)
    assert now(screen).kind == "click"


def test_a_wrong_click_ends_badly_and_nothing_follows(screen: MiniWoB) -> None:
    screen.reset(Task(start="click-test-2", seed=FIRST))
    expected = screen.solve()
    assert expected is not None
    other = next(at for at in grid() if not expected.accepts(at) and wrong(screen, at))
    assert other.at is not None
    assert screen.solve() is None
    with pytest.raises(ActionError, match="the episode is over"):
        screen.step(other)


def grid() -> list[Click]:
    return [Click(at=Point(x=x, y=y)) for y in range(60, HEIGHT, 12) for x in range(4, WIDTH, 12)]


def wrong(screen: MiniWoB, click: Click) -> bool:
    seen = screen.step(click)
    assert seen.reward is not None
    return seen.reward < 0


def test_only_what_can_be_seen_of_a_covered_button_is_right(screen: MiniWoB) -> None:
    covered = 0
    for seed in range(FIRST, FIRST + 12):
        screen.reset(Task(start="click-test-2", seed=seed))
        expected = screen.solve()
        assert expected is not None
        x0, y0, x1, y1 = expected.boxes[0]
        covered += (x1 - x0, y1 - y0) != (40, 40)
        corner = Click(at=Point(x=x1 - 1, y=y0))
        assert screen.step(corner).reward == 1.0, seed
    assert covered


def test_an_expected_click_accepts_every_pixel_of_its_boxes_and_no_other() -> None:
    expected = Expected("click", ((10, 10, 20, 20), (30, 30, 40, 40)))
    for x, y, right in ((10, 10, True), (19, 19, True), (20, 19, False), (35, 35, True), (5, 5, False)):
        assert expected.accepts(Click(at=Point(x=x, y=y))) is right
    assert not expected.accepts(Click(at=Point(x=12, y=12), button="right"))
    assert not expected.accepts(Click(at=Point(x=12, y=12), count=2))
    assert not expected.accepts(Type(text="a"))
    assert Expected("type", ((0, 0, 1, 1),), "a").accepts(Type(text="a"))
    assert not Expected("type", ((0, 0, 1, 1),), "a").accepts(Type(text="A"))


def test_there_is_nowhere_to_navigate_to(screen: MiniWoB) -> None:
    screen.reset(Task(seed=FIRST))
    with pytest.raises(ActionError, match="navigate: not possible here"):
        screen.step(Navigate(url="http://127.0.0.1/"))
    assert "finish" in screen.space.kinds
    assert screen.space.check(Finish())


def test_a_task_that_does_not_exist_is_named(screen: MiniWoB) -> None:
    for name in ("click-nothing", "../core/core", ""):
        with pytest.raises(ValueError, match="MiniWoB\\+\\+ has"):
            MiniWoB(name)
    assert set(TASKS) < page_names()


def test_a_task_without_an_oracle_can_be_played_all_the_same(screen: MiniWoB) -> None:
    seen = screen.reset(Task(start="click-pie", seed=FIRST))
    assert seen.instruction
    with pytest.raises(ValueError, match="answers are known for"):
        screen.solve()


def test_a_missing_package_is_told_with_the_line_that_brings_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "miniwob", None)
    with pytest.raises(EnvironmentBroken, match=r'pip install "handeye\[miniwob\]"') as caught:
        html_folder()
    assert caught.value.reason == "missing"
