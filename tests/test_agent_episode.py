"""The loop: every mistake of the agent costs a step and is told, every end has its reason."""

from __future__ import annotations

import json
import os
import signal
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from agent_runs import NAME, TYPE_ADA, WIN, click, processes

from actions import DIALECTS, Action, Answer, AskUser, Back, Dialect, Finish, Frame, Key
from agent.canonical import Canonical
from agent.episode import episode, run
from agent.limits import Limits
from agent.policy import PolicyBroken, Scripted
from agent.prompt import write
from agent.step import Reply, Step, Stop, Usage
from env import Browser, BrowserOptions, Observation, Screens, Task

TASK = Task("sign in")


def test_the_actions_that_win_end_the_episode_with_the_reward_of_the_screen() -> None:
    with Screens() as env:
        trajectory = run(env, Scripted(WIN), TASK)
    assert [step.action for step in trajectory.steps] == list(WIN)
    assert (trajectory.stop.reason, trajectory.reward) == ("done", 1.0)
    assert [step.index for step in trajectory.steps] == [1, 2, 3, 4]
    for step, later in zip(trajectory.steps, trajectory.steps[1:], strict=False):
        assert step.after is later.before


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        ("no JSON at all", "Invalid JSON"),
        ('{"kind": "jump"}', "jump"),
        ('{"kind": "click", "at": {"x": 900, "y": 10}}', "(900, 10)"),
        (Back(), "first screen"),
        (AskUser(question="who?"), "nobody is here"),
    ],
)
def test_a_mistake_costs_a_step_changes_nothing_and_is_told(reply: Action | str, said: str) -> None:
    with Screens() as env:
        trajectory = run(env, Scripted([reply, NAME]), TASK)
    first, second = trajectory.steps[:2]
    assert said in first.error
    assert first.after is None
    assert second.before is first.before
    assert not second.error


def test_actions_that_nobody_carries_out_are_told_of_in_the_record_of_the_step() -> None:
    click, text = {"type": "click", "x": 200, "y": 68}, {"type": "type", "text": "ada"}
    several = json.dumps({"type": "computer_call", "actions": [click, *[text] * 7]})
    one = json.dumps({"type": "computer_call", "action": click})
    with Screens() as env:
        trajectory = run(env, Scripted([several, one], dialect=DIALECTS["openai"]), TASK, limits=Limits(steps=2))
    first, second = trajectory.steps
    assert first.action == second.action == NAME
    assert first.reply.warnings == (
        "ignored, as the first action of a reply counts: 7 more ('type', 'type', 'type', 'type', 'type' ...)",
    )
    assert second.reply.warnings == ()


def test_an_answer_reaches_the_user_and_not_the_screen() -> None:
    with Screens() as env:
        trajectory = run(env, Scripted([Answer(text="42"), Finish(success=False, text="no more")]), TASK)
    assert trajectory.answers == ("42",)
    assert not trajectory.steps[0].error
    assert (trajectory.stop.reason, trajectory.stop.detail) == ("finished", "no more")


@dataclass
class Clock:
    """Goes on by a second a look."""

    now: float = 0.0

    def __call__(self) -> float:
        self.now += 1.0
        return self.now


@dataclass
class Spender:
    """Presses tab for ever, at ten tokens a reply."""

    inner: Scripted = field(default_factory=lambda: Scripted([Key(keys=("tab",))] * 100))
    name: str = "spender"

    @property
    def dialect(self) -> Dialect:
        return self.inner.dialect

    def frame(self, seen: Observation) -> Frame:
        return self.inner.frame(seen)

    def reply(self, task: Task, history: Sequence[Step], seen: Observation) -> Reply:
        return replace(self.inner.reply(task, history, seen), usage=Usage(7, 5, 3))


@pytest.mark.parametrize(
    ("limits", "reason", "steps"),
    [
        (Limits(steps=2), "steps", 2),
        (Limits(tokens=20), "tokens", 2),
        (Limits(seconds=0.0), "seconds", 0),
        (Limits(seconds=10.0, clock=Clock()), "seconds", 2),
    ],
)
def test_a_spent_budget_ends_the_episode_by_its_name(limits: Limits, reason: str, steps: int) -> None:
    with Screens() as env:
        trajectory = run(env, Spender(), TASK, limits=limits)
    assert (trajectory.stop.reason, len(trajectory.steps)) == (reason, steps)


def test_the_same_action_on_a_screen_that_does_not_change_is_a_loop() -> None:
    nowhere = click(1, 1)
    with Screens() as env:
        assert run(env, Scripted([nowhere] * 9), TASK).stop.reason == "loop"
        assert len(run(env, Scripted([nowhere] * 9), TASK, limits=Limits(repeats=4)).steps) == 4
        assert len(run(env, Scripted(["?"] * 9), TASK).steps) == 3


def test_the_same_action_on_a_screen_that_changes_is_no_loop() -> None:
    with Screens() as env:
        trajectory = run(env, Scripted([NAME, *[Key(keys=("a",))] * 6, Finish()]), TASK)
    assert trajectory.stop.reason == "finished"


class Gone(Scripted):
    """Breaks at its third reply."""

    def reply(self, task: Task, history: Sequence[Step], seen: Observation) -> Reply:
        if len(history) == 2:
            raise PolicyBroken("the server is gone")
        return super().reply(task, history, seen)


def test_a_policy_that_breaks_ends_the_episode_with_what_was_done() -> None:
    with Screens() as env:
        trajectory = run(env, Gone(WIN), TASK)
    assert (trajectory.stop.reason, trajectory.stop.detail) == ("model", "the server is gone")
    assert len(trajectory.steps) == 2


class Confused(Scripted):
    """Has a fault of ours."""

    def reply(self, task: Task, history: Sequence[Step], seen: Observation) -> Reply:
        raise ZeroDivisionError


def test_an_error_of_ours_travels_up_untouched() -> None:
    with Screens() as env, pytest.raises(ZeroDivisionError):
        run(env, Confused(WIN), TASK)


def test_a_step_is_told_before_its_action_is_carried_out_and_can_be_prevented() -> None:
    def veto(step: Step) -> None:
        if step.action == TYPE_ADA:
            raise PermissionError("not that")

    with Screens() as env:
        turns = episode(env, Scripted(WIN), TASK, decided=veto)
        before = next(turns).after
        with pytest.raises(PermissionError):
            next(turns)
        after = env.step(Key(keys=("shift",)))
    assert before is not None
    assert (before.screenshot == after.screenshot).all()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def test_a_start_that_cannot_be_opened_is_the_environments_fault() -> None:
    with Browser(BrowserOptions(size=(160, 208))) as env:
        trajectory = run(env, Scripted([]), Task("look", f"http://127.0.0.1:{free_port()}/"))
    assert trajectory.stop.reason == "environment"
    assert "unreachable" in trajectory.stop.detail


def shot(env: Browser, index: int) -> Callable[[Step], None]:
    """Kills every process of `env` once the action of this step is decided."""

    def shoot(step: Step) -> None:
        if step.index == index:
            for process in processes(env.marker):
                os.kill(process, signal.SIGKILL)

    return shoot


def played(env: Browser, page: Path, actions: Sequence[Action], limits: Limits, *, die: int) -> tuple[list[Step], Stop]:
    """The steps and the end of an episode whose browser is killed before the action of the step `die`."""
    page.write_text("<body style='margin:0'><button style='width:99px;height:99px'>here</button>")
    turns = episode(env, Scripted(actions), Task("look", page.as_uri()), limits=limits, decided=shot(env, die))
    steps = []
    while True:
        try:
            steps.append(next(turns))
        except StopIteration as end:
            stop: Stop = end.value
            return steps, stop


def test_a_browser_that_dies_ends_the_episode_where_no_recovery_is_allowed(tmp_path: Path) -> None:
    with Browser(BrowserOptions(size=(160, 208))) as env:
        steps, stop = played(env, tmp_path / "page.html", [click(5, 5)] * 4, Limits(recoveries=0), die=2)
    assert [step.index for step in steps] == [1, 2]
    assert steps[1].error
    assert steps[1].after is None
    assert stop.reason == "environment"


def test_an_episode_goes_on_after_its_browser_died_and_is_told_and_does_nothing_again(tmp_path: Path) -> None:
    with Browser(BrowserOptions(size=(160, 208))) as env:
        actions = [click(5, 5), click(6, 6), Key(keys=("tab",)), Finish()]
        steps, stop = played(env, tmp_path / "page.html", actions, Limits(), die=2)
    assert stop.reason == "finished"
    assert [step.recovered for step in steps] == [False, True, False, False]
    lost = steps[1]
    assert lost.error.startswith("crash: ")
    assert "not" in lost.error
    assert lost.after is steps[2].before
    assert lost.after is not None
    assert lost.after.receipt is None
    assert lost.after.url == (tmp_path / "page.html").as_uri()
    assert {"policy", "env", "capture"} <= set(lost.timings)
    prompt = write("look", steps[:2], Canonical(), lost.frame)
    assert '"x":6' in prompt.replace(" ", "")
    assert lost.error in prompt


class Doomed(Browser):
    """A browser that dies at every step."""

    def step(self, action: Action) -> Observation:
        for process in processes(self.marker):
            os.kill(process, signal.SIGKILL)
        return super().step(action)


def test_an_episode_goes_on_only_as_often_as_it_may(tmp_path: Path) -> None:
    with Doomed(BrowserOptions(size=(160, 208))) as env:
        actions = [click(place, 5) for place in range(9)]
        steps, stop = played(env, tmp_path / "page.html", actions, Limits(recoveries=1), die=0)
    assert [step.recovered for step in steps] == [True, False]
    assert steps[1].error
    assert stop.reason == "environment"
