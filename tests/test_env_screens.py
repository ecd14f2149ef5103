"""Screens declared as data behave as declared."""

from __future__ import annotations

import numpy as np
import pytest

from actions import ActionError, Back, Click, Key, Point, Scroll, Type, Wait
from env import Screens, Task
from env.screens import APP, SIGN_IN, App, Goal
from env.widgets import Button, Field, Screen, Text

NAME, REMEMBER, SIGN, HELP = Point(x=150, y=68), Point(x=109, y=107), Point(x=145, y=155), Point(x=255, y=155)


def test_signing_in_as_asked_ends_the_episode_with_reward() -> None:
    with Screens() as env:
        assert env.reset(Task()).reward == 0
        assert env.step(Click(at=NAME)).focus == 'text field "name"'
        env.step(Type(text="adx"))
        env.step(Key(keys=("backspace",)))
        env.step(Type(text="a"))
        assert env.step(Click(at=REMEMBER)).reward == 0
        seen = env.step(Click(at=SIGN))
        assert seen.receipt is not None
        assert (seen.done, seen.reward, seen.title) == (True, 1, "welcome")
        assert (seen.receipt.target, seen.receipt.navigated) == ('button "Sign in"', True)
        with pytest.raises(ActionError, match="over"):
            env.step(Wait(seconds=0))


def test_text_goes_where_it_is_told_to_and_in_the_place_of_what_stood_there() -> None:
    with Screens() as env:
        env.reset(Task())
        env.step(Type(text="someone", at=NAME))
        env.step(Key(keys=("backspace",), count=3))
        env.step(Type(text="x"))
        env.step(Type(text="ada", at=NAME, replace=True))
        env.step(Click(at=REMEMBER, hold=1))
        assert env.step(Click(at=SIGN)).reward == 1


def test_a_key_is_pressed_as_often_as_it_says() -> None:
    with Screens() as env:
        env.reset(Task())
        env.step(Type(text="adaxyz", at=NAME))
        env.step(Key(keys=("backspace",), count=3))
        env.step(Click(at=REMEMBER))
        assert env.step(Click(at=SIGN)).reward == 1


def test_signing_in_as_someone_else_earns_nothing() -> None:
    with Screens() as env:
        env.reset(Task())
        env.step(Click(at=REMEMBER))
        assert env.step(Click(at=SIGN)).reward == 0


def test_the_keyboard_alone_reaches_the_goal() -> None:
    with Screens() as env:
        env.reset(Task())
        assert env.step(Type(text="\tada\t \t\n")).done


def test_each_tick_changes_pixels_and_two_change_none() -> None:
    with Screens() as env:
        env.reset(Task())
        once = env.step(Click(at=REMEMBER))
        twice = env.step(Click(at=REMEMBER, count=2))
        assert once.receipt is not None
        assert once.receipt.pixels_changed > 0
        assert np.array_equal(once.screenshot, twice.screenshot)


def test_back_returns_to_the_screen_before_and_no_further() -> None:
    with Screens() as env:
        first = env.reset(Task())
        env.step(Click(at=HELP))
        assert np.array_equal(env.step(Back()).screenshot, first.screenshot)
        with pytest.raises(ActionError, match="first screen"):
            env.step(Back())


def test_a_tall_screen_scrolls_to_its_end_and_no_further() -> None:
    below = Button("Below", (10, 400, 100, 430), to="end")
    app = App((Screen("tall", (below,), height=500), Screen("end", (Text("End", 5, 5),))), Goal("end"))
    with Screens(app) as env:
        env.reset(Task())
        deep = env.step(Scroll(at=Point(x=50, y=50), dy=10_000))
        assert deep.receipt is not None
        assert deep.receipt.pixels_changed > 0
        assert env.step(Click(at=Point(x=50, y=410 - 248))).done


def test_a_task_may_start_on_any_screen_but_not_on_one_that_is_not_there() -> None:
    with Screens() as env:
        assert env.reset(Task(start="help")).title == "help"
        with pytest.raises(ValueError, match="nowhere"):
            env.reset(Task(start="nowhere"))


def test_an_app_that_leads_nowhere_is_refused() -> None:
    with pytest.raises(ValueError, match="lost"):
        App((Screen("only", (Button("Go", (0, 0, 9, 9), to="lost"),)),), Goal())


def test_unicode_is_typed_as_it_is() -> None:
    app = App((Screen("one", (Field("f", (5, 5, 200, 30)),)),), Goal(fields={"f": "é ß 日本 <A>"}))
    with Screens(app) as env:
        env.reset(Task())
        env.step(Click(at=Point(x=10, y=10)))
        assert env.step(Type(text="é ß 日本 <A>")).done


def test_the_demo_says_what_it_wants() -> None:
    with Screens() as env:
        assert env.reset(Task()).instruction == SIGN_IN.instruction != ""


def test_an_app_survives_being_written_as_json() -> None:
    again = APP.validate_json(APP.dump_json(SIGN_IN))
    assert again == SIGN_IN
    with Screens(SIGN_IN) as one, Screens(again) as other:
        assert np.array_equal(one.reset(Task()).screenshot, other.reset(Task()).screenshot)


def test_an_app_that_is_no_app_is_refused_where_it_is_read() -> None:
    with pytest.raises(ValueError, match="kind"):
        APP.validate_json('{"screens": [{"name": "a", "widgets": [{"label": "b"}]}], "goal": {}}')
