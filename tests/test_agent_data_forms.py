"""Form pages of our own: the ones that ship and the ones that are learnt from can be done by mouse and keyboard."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from random import Random
from typing import cast

import numpy as np
import pytest

from agent.data import forms
from agent.data.kinds import Contents, Goal
from agent.data.looks import Style
from agent.data.rollouts import Hand, Look
from agent.data.shipped import SHIPPED
from env import Browser, BrowserOptions, Task
from env.browser.script import Json
from env.miniwob import Expected, oracle
from env.miniwob.oracle import HEIGHT, WIDTH

PAGES = Path(__file__).resolve().parent.parent / "examples" / "pages"
SCRIPT = oracle.script() + files("agent.data").joinpath("forms.js").read_text("utf-8")
GOALS = {
    "greet": Goal("", ("Send",), "Hello, Tora", values=("Tora",)),
    "sign-in": Goal("", ("Sign in",), "Welcome, ada", values=("ada", "q7Zx")),
    "settings": Goal("", ("Save",), "Saved: Sound, Updates", checked=("Sound", "Updates")),
    "menu": Goal("", ("Cheese toast",), "You chose Cheese toast"),
    "confirm": Goal("", ("Delete", "Delete"), "You said Delete"),
    "tabs": Goal("", ("Alarm", "Snooze"), "You pressed Snooze"),
    "poll": Goal("", ("Vote",), "You voted for Night walk", checked=("Night walk",)),
    "search": Goal("", ("Search", "Glacier birds"), "You opened Glacier birds", values=("glacier",)),
    "basket": Goal("", (), "In the basket: Rye loaf, Poppy roll", checked=("Rye loaf", "Poppy roll")),
    "counter": Goal("", ("Book",), "Booked: 0 Adults, 2 Children", counts=(0, 2)),
}
QUICK = ("sign-in", "confirm", "basket")
"""The kinds that every run of the tests looks at; the others are slow, all together."""
EVERY = [kind if kind in QUICK else pytest.param(kind, marks=pytest.mark.slow) for kind in forms.KINDS]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with Browser(BrowserOptions(size=(WIDTH, HEIGHT))) as env:
        yield env


def advise(browser: Browser, goal: Goal) -> tuple[bool, Expected | None]:
    """Whether the page shows that the goal is reached, and what to do where it does not."""
    told: dict[str, Json] = {name: cast("Json", value) for name, value in goal.plain().items()}
    look = cast("Look", browser.evaluate("goal => forms.look(goal)", told))
    return look["done"], oracle.read_expected(look["expected"])


def solve(browser: Browser, page: Path, goal: Goal) -> tuple[bool, bool]:
    """Whether the page says, after the oracle's own actions, that the goal is reached, and whether that is seen."""
    browser.reset(Task(start=page.as_uri()))
    browser.evaluate(f"() => {{\n{SCRIPT}\n}}")
    for _ in range(forms.LONGEST):
        done, expected = advise(browser, goal)
        if expected is None:
            return goal.result in browser.page_text(), done
        browser.step(expected.action)
    return False, False


@pytest.mark.parametrize("kind", EVERY)
def test_the_oracle_gets_a_shipped_page_to_show_that_it_was_done(browser: Browser, kind: str) -> None:
    assert set(forms.KINDS) == set(GOALS) <= {page.stem for page in PAGES.glob("*.html")}
    assert solve(browser, PAGES / f"{kind}.html", GOALS[kind]) == (True, True)


@pytest.mark.parametrize("kind", EVERY)
def test_the_oracle_solves_variants_of_every_page(browser: Browser, kind: str, tmp_path: Path) -> None:
    random, page = Random(11), tmp_path / "page.html"
    solved = []
    for _ in range(3):
        made = forms.variant(kind, random)
        page.write_text(made.html, encoding="utf-8")
        said, _ = solve(browser, page, made.goal)
        solved.append(said)
        assert said or hidden(browser, page, made.goal), made.goal
    assert sum(solved) >= 2


def hidden(browser: Browser, page: Path, goal: Goal) -> bool:
    """Whether what is to be pressed first is named, and lies below what can be seen: nobody could press it."""
    browser.reset(Task(start=page.as_uri()))
    top = browser.evaluate(
        """caption => [...document.querySelectorAll("button, a")]
          .find((each) => each.textContent.trim() === caption)?.getBoundingClientRect().top""",
        goal.press[0] if goal.press else "",
    )
    return isinstance(top, int | float) and top >= HEIGHT - 8


def test_a_result_below_the_picture_is_not_learnt_as_the_end(browser: Browser, tmp_path: Path) -> None:
    page, choices = tmp_path / "page.html", ["one", "two", "three", "four", "five", "six"]
    contents: Contents = {**SHIPPED["menu"], "choices": choices, "buttons": True}
    page.write_text(forms.render("menu", contents, Style(pad=6, gap=9)), encoding="utf-8")
    assert solve(browser, page, Goal("", ("two",), "You chose two")) == (True, False)


@pytest.mark.parametrize("kind", EVERY)
def test_training_pictures_of_a_form_are_what_the_browser_shows(browser: Browser, kind: str) -> None:
    goal = GOALS[kind]
    with forms.open_pages((WIDTH, HEIGHT)) as (page, camera):
        hand = Hand(page)
        page.mouse.move(WIDTH - 1, HEIGHT - 1)
        page.set_content(forms.shipped(kind))
        page.evaluate(SCRIPT)
        seen = browser.reset(Task(start=(PAGES / f"{kind}.html").as_uri()))
        browser.evaluate(f"() => {{\n{SCRIPT}\n}}")
        for step in range(forms.LONGEST):
            assert np.array_equal(forms.shoot(page, camera), seen.screenshot), step
            done, expected = advise(browser, goal)
            if expected is None:
                break
            if expected.kind == "type":
                hand.type(expected.text)
            else:
                hand.click(expected.point, 3 if expected.kind == "triple_click" else 1)
            seen = browser.step(expected.action)
        assert done


def test_an_open_form_asks_for_the_wrong_text_to_be_replaced(browser: Browser) -> None:
    browser.reset(Task(start=(PAGES / "greet.html").as_uri()))
    browser.evaluate(f"() => {{\n{SCRIPT}\n}}")
    wrong = Goal("", ("Send",), "Hello, Toras", values=("Toras",))
    kinds = []
    for goal in (wrong, wrong, GOALS["greet"], GOALS["greet"], GOALS["greet"]):
        _, expected = advise(browser, goal)
        assert expected is not None
        kinds.append(expected.kind)
        browser.step(expected.action)
    assert kinds == ["click", "type", "triple_click", "type", "click"]
    assert advise(browser, GOALS["greet"]) == (True, None)
