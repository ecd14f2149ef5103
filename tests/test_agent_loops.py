"""Loops as a pure value, and what an episode makes of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from agent_runs import click
from hypothesis import given
from hypothesis import strategies as st

from actions import Action, Finish, Key
from agent.episode import run
from agent.limits import Limits
from agent.loops import LONGEST, Cycle, Mark, Trail, fingerprint
from agent.policy import Scripted
from agent.step import Reply, Step
from env import EnvironmentBroken, Observation, Recovery, Screens, Task

STATES = st.sampled_from("abcd")


def walk(text: str) -> Trail:
    """A trail through the screens that `text` names, each step done by the way it takes."""
    trail = Trail()
    for before, after in pairwise(text):
        trail = trail.then(Mark(f"{before}>{after}", before, after))
    return trail


@pytest.mark.parametrize(
    ("screens", "cycle"),
    [
        ("", None),
        ("a", None),
        ("aa", None),
        ("aaa", Cycle(1, 2)),
        ("aaaa", Cycle(1, 3)),
        ("abcaaa", Cycle(1, 2)),
        ("aaab", None),
        ("abab", None),
        ("ababa", Cycle(2, 2)),
        ("abababa", Cycle(2, 3)),
        ("abcabca", Cycle(3, 2)),
        ("abcdabcda", None),
        ("abcabcabca", Cycle(3, 3)),
    ],
)
def test_a_loop_is_what_comes_back_to_its_screen_by_the_same_deeds(screens: str, cycle: Cycle | None) -> None:
    assert walk(screens).cycle() == cycle


def test_the_same_deed_on_screens_that_go_on_changing_is_no_loop() -> None:
    trail = Trail()
    for number in range(9):
        trail = trail.then(Mark("scroll", str(number), str(number + 1)))
    assert trail.cycle() is None


def test_other_deeds_on_one_screen_are_no_loop() -> None:
    trail = Trail()
    for number in range(9):
        trail = trail.then(Mark(f"click {number}", "a", "a"))
    assert trail.cycle() is None


@given(st.lists(STATES, min_size=1, max_size=12), st.lists(STATES, min_size=1, max_size=LONGEST), st.integers(2, 4))
def test_a_way_that_is_gone_often_enough_is_found_whatever_came_before(
    start: list[str], way: list[str], times: int
) -> None:
    found = walk("".join([*start, *way * times, way[0]])).cycle()
    assert found is not None
    assert found.times >= times
    assert found.length <= len(way)


@given(st.lists(STATES, max_size=30))
def test_what_is_called_a_loop_did_stand_there_so_often(screens: list[str]) -> None:
    trail = walk("".join(screens))
    found = trail.cycle()
    if found is not None:
        last = trail.marks[-found.length :]
        assert trail.marks[-found.length * found.times :] == last * found.times
        assert last[0].before == last[-1].after


def test_a_screen_is_told_apart_by_one_pixel_and_by_its_dialog() -> None:
    pixels = np.zeros((4, 6, 3), np.uint8)
    other = pixels.copy()
    other[3, 5, 2] = 1
    seen = Observation(pixels)
    assert fingerprint(seen) == fingerprint(Observation(pixels.copy(), title="clock 12:01"))
    looks = (seen, Observation(other), replace(seen, dialog="alert: one"), Observation(pixels.reshape(6, 4, 3)))
    assert len({fingerprint(look) for look in looks}) == 4


class Listening(Scripted):
    """Keeps what it was told of each screen."""

    def __init__(self, replies: Sequence[object]) -> None:
        super().__init__(replies)  # type: ignore[arg-type]
        self.notes: list[tuple[str, ...]] = []

    def reply(self, task: Task, history: Sequence[Step], seen: Observation) -> Reply:
        self.notes.append(seen.notes)
        return super().reply(task, history, seen)


def test_a_loop_is_told_once_and_then_ends_the_episode() -> None:
    policy = Listening([click(1, 1)] * 9)
    with Screens() as env:
        trajectory = run(env, policy, Task("sign in"))
    assert (trajectory.stop.reason, len(trajectory.steps)) == ("loop", 3)
    assert trajectory.stop.detail == "the same action 3 times on a screen that does not change"
    assert [bool(notes) for notes in policy.notes] == [False, False, True]
    assert "2 times" in policy.notes[2][0]


def test_who_heeds_the_warning_goes_on_and_is_not_told_again() -> None:
    policy = Listening([click(1, 1), click(1, 1), Key(keys=("tab",)), Finish()])
    with Screens() as env:
        trajectory = run(env, policy, Task("sign in"))
    assert trajectory.stop.reason == "finished"
    assert [bool(notes) for notes in policy.notes] == [False, False, True, False]


def test_going_there_and_back_is_a_loop() -> None:
    help_, back = click(255, 155), click(72, 75)
    with Screens() as env:
        trajectory = run(env, Scripted([help_, back] * 9), Task("sign in"))
    assert (trajectory.stop.reason, len(trajectory.steps)) == ("loop", 6)
    with Screens() as env:
        assert run(env, Scripted([help_, back] * 9), Task("x"), limits=Limits(repeats=None)).stop.reason == "finished"


def test_a_screen_that_breaks_again_and_again_by_the_same_deed_is_a_loop_and_the_policy_is_warned() -> None:
    class Breaking(Screens):
        def step(self, action: Action) -> Observation:
            raise EnvironmentBroken("crash", "gone")

        def recover(self) -> Recovery:
            return Recovery(self.reset(Task("sign in")), "A fresh screen.")

    found = run(Breaking(), Scripted([click(5, 5)] * 9), Task("sign in"), limits=Limits(recoveries=None))
    assert found.stop.reason == "loop"
    assert [step.recovered for step in found.steps] == [True] * 3
    assert [bool(step.before.notes) for step in found.steps] == [False, False, True]
