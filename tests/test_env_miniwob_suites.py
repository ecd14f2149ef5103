"""The lists of tasks: what is in them can be played, by its seed and to a verdict of its own."""

from __future__ import annotations

import random
from collections.abc import Iterator

import numpy as np
import pytest

from actions import Action, ActionError, Click, Point, Select, Type
from env import Task
from env.miniwob import TASKS, MiniWoB
from env.miniwob.oracle import HEIGHT, WIDTH
from env.miniwob.site import page_names
from env.miniwob.suites import NAMES, budget, left_out, suite

SEED = 1_000_000
BUTTONS = """() => [...document.querySelectorAll('button, input[type=submit], .trash, .star')]
    .map(button => button.getBoundingClientRect())
    .filter(box => box.width && box.left >= 0 && box.top >= 0 && box.right <= 160 && box.bottom <= 208)
    .map(box => [Math.round(box.left + box.width / 2), Math.round(box.top + box.height / 2)])"""


@pytest.fixture(scope="module")
def screen() -> Iterator[MiniWoB]:
    with MiniWoB() as env:
        yield env


def click(x: int, y: int) -> Click:
    return Click(at=Point(x=x, y=y))


def test_every_list_holds_the_one_before_it_and_each_task_once() -> None:
    basic, easy, wide, every = (suite(name) for name in NAMES)
    assert (len(basic), len(easy), len(wide)) == (15, 20, 40)
    assert set(basic) < set(easy) < set(wide) < set(every)
    assert set(TASKS) == set(wide)
    assert all(len(set(tasks)) == len(tasks) for tasks in (basic, easy, wide, every))


def test_a_page_is_played_or_left_out_with_a_reason() -> None:
    reasons = left_out()
    assert set(suite("all")) | set(reasons) == page_names()
    assert not set(suite("all")) & set(reasons)
    assert all(len(reason) > 20 for reason in reasons.values())


def test_a_list_that_does_not_exist_is_named() -> None:
    with pytest.raises(ValueError, match="suite 'easy': expected one of basic15, easy20, wide40, all"):
        suite("easy")


def test_a_task_has_ten_actions_or_more() -> None:
    assert budget("click-test") == 10
    assert budget("click-checkboxes-large") == 25
    assert all(budget(task) >= 10 for task in page_names())


def blunder(env: MiniWoB, task: str) -> float:
    """The verdict on clicks at random: first on what looks like a button, then anywhere."""
    seen = env.reset(Task(start=task, seed=SEED))
    found = env._browser.evaluate(BUTTONS)
    assert isinstance(found, list)
    places = [(x, y) for y in range(58, HEIGHT, 12) for x in range(6, WIDTH, 12)]
    random.Random(0).shuffle(places)
    for x, y in [*found[:3], *places[:40]]:
        if seen.done:
            break
        try:
            seen = env.step(click(int(x), int(y)))
        except ActionError:
            continue
    assert seen.done, task
    assert seen.reward is not None
    return seen.reward


QUICK = (
    "choose-list",
    "email-inbox-delete",
    "login-user-popup",
    "simple-arithmetic",
    "form-sequence-3",
)


@pytest.mark.parametrize("task", QUICK)
def test_random_clicks_come_to_a_verdict(screen: MiniWoB, task: str) -> None:
    assert -1 <= blunder(screen, task) <= 1


SLOW_TO_END = {
    "click-collapsible-2",
    "email-inbox-important",
    "grid-coordinate",
    "click-link",
}  # a blunder costs nothing there


@pytest.mark.slow
@pytest.mark.parametrize("task", sorted(set(suite("wide40")) - SLOW_TO_END))
def test_random_clicks_come_to_a_verdict_on_every_task_of_wide40(screen: MiniWoB, task: str) -> None:
    assert -1 <= blunder(screen, task) <= 1


def same(env: MiniWoB, task: str) -> bool:
    first = env.reset(Task(start=task, seed=SEED))
    env.reset(Task(start=task, seed=SEED + 1))
    again = env.reset(Task(start=task, seed=SEED))
    assert first.instruction
    return first.instruction == again.instruction and np.array_equal(first.screenshot, again.screenshot)


@pytest.mark.slow
@pytest.mark.parametrize("task", suite("all"))
def test_the_seed_makes_up_every_task(screen: MiniWoB, task: str) -> None:
    assert same(screen, task)


def won(env: MiniWoB, task: str, actions: list[Action]) -> bool:
    env.reset(Task(start=task, seed=SEED))
    seen = [env.step(action) for action in actions]
    return seen[-1].done and seen[-1].reward == 1.0


def place(env: MiniWoB, selector: str, text: str = "") -> Click:
    """A click on the middle of the first element of the page that has this text in it."""
    found = env._browser.evaluate(
        """([selector, text]) => {
            const found = [...document.querySelectorAll(selector)].find(one => one.textContent.includes(text));
            const box = found.getBoundingClientRect();
            return [Math.round(box.left + box.width / 2), Math.round(box.top + box.height / 2)];
        }""",
        [selector, text],
    )
    assert isinstance(found, list)
    return click(int(str(found[0])), int(str(found[1])))


def test_a_password_is_entered_twice(screen: MiniWoB) -> None:
    password = Type(text=screen.reset(Task(start="enter-password", seed=SEED)).instruction.split('"')[1])
    first, second, submit = (place(screen, selector) for selector in ("#password", "#verify", "#subbtn"))
    assert won(screen, "enter-password", [first, password, second, password, submit])


def test_the_mail_of_a_person_is_marked(screen: MiniWoB) -> None:
    seen = screen.reset(Task(start="email-inbox-important", seed=SEED))
    name = seen.instruction.split("email by ")[1].split(" and")[0]
    row = place(screen, ".email-thread", name)
    star = place(screen, ".email-thread .star")
    assert row.at is not None
    assert star.at is not None
    top = place(screen, ".email-thread")
    assert top.at is not None
    assert won(screen, "email-inbox-important", [click(star.at.x, star.at.y + row.at.y - top.at.y)])


def test_a_date_is_entered(screen: MiniWoB) -> None:
    seen = screen.reset(Task(start="enter-date", seed=SEED))
    date = seen.instruction.split()[1].replace("/", "")
    field, submit = place(screen, "#tt"), place(screen, "#subbtn")
    assert field.at is not None
    assert won(screen, "enter-date", [click(field.at.x - 50, field.at.y), Type(text=date), submit])


def test_a_line_of_a_list_is_chosen(screen: MiniWoB) -> None:
    seen = screen.reset(Task(start="choose-list", seed=SEED))
    wanted = seen.instruction.removeprefix("Select ").split(" from the list")[0]
    chosen = place(screen, "select")
    assert chosen.at is not None
    submit = place(screen, "button")
    assert won(screen, "choose-list", [Select(at=chosen.at, label=wanted), submit])


def test_a_place_of_a_grid_is_clicked(screen: MiniWoB) -> None:
    seen = screen.reset(Task(start="grid-coordinate", seed=SEED))
    x, y = (int(number) for number in seen.instruction.split("(")[1].split(")")[0].split(","))
    assert won(screen, "grid-coordinate", [click(79 + 30 * x, 129 - 30 * y)])
