"""Scores: honest intervals, and marks that MiniWoB++ itself gives."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import pytest
from agent_runs import click, handeye

from actions import Dialect, Finish, Frame
from agent.evaluate import Mark, evaluate, interval, summary
from agent.policy import Scripted
from agent.step import Reply, Step
from env import MiniWoB, Observation, Task


def mark(task: str, success: bool, first: bool = True, steps: int = 2, stop: str = "done") -> Mark:
    return Mark(task, 0, success, first, steps, 1.0, stop)


def test_the_interval_holds_the_mean_and_narrows_with_more_episodes() -> None:
    low, high = interval([[True, False] * 10])
    closer = interval([[True, False] * 1000])
    assert low < closer[0] < 0.5 < closer[1] < high
    assert interval([[True] * 5, [True] * 9]) == (1.0, 1.0)
    assert interval([[False] * 5]) == (0.0, 0.0)
    assert interval([[True, False] * 10]) == (low, high)


def test_tasks_weigh_the_same_however_many_episodes_they_had() -> None:
    marks = [mark("a", True)] * 9 + [mark("b", False)]
    said = summary(marks, "m")
    assert (said["success"], said["episodes"], said["broken"]) == (0.5, 10, 0)
    assert summary([*marks, mark("b", False, stop="environment")], "m")["broken"] == 1


@dataclass
class Oracle:
    """Does what the page itself says is right; `wrong` steps first go astray."""

    env: MiniWoB
    wrong: int = 0
    name: str = "oracle"
    script: Scripted = field(default_factory=lambda: Scripted([]))

    @property
    def dialect(self) -> Dialect:
        return self.script.dialect

    def frame(self, seen: Observation) -> Frame:
        return self.script.frame(seen)

    def reply(self, task: Task, history: Sequence[Step], seen: Observation) -> Reply:
        expected = self.env.solve()
        action = expected.action if expected else Finish()
        if len(history) < self.wrong:
            action = click(159, 1)
        return Reply(self.dialect.print(action, self.frame(seen)))


@pytest.fixture(scope="module")
def env() -> Iterator[MiniWoB]:
    with MiniWoB() as screen:
        yield screen


def test_an_oracle_wins_every_episode_and_its_first_action_is_right(env: MiniWoB) -> None:
    marks = list(evaluate(env, Oracle(env), ["click-button", "enter-text"], 2, 1_000_000))
    assert [(m.task, m.seed) for m in marks] == [
        ("click-button", 1_000_000),
        ("click-button", 1_000_001),
        ("enter-text", 1_000_000),
        ("enter-text", 1_000_001),
    ]
    assert all(m.success and m.first and m.stop == "done" for m in marks)
    json.dumps(summary(marks, "oracle"))


def test_a_first_action_that_misses_is_marked_though_the_episode_is_won(env: MiniWoB) -> None:
    (one,) = evaluate(env, Oracle(env, wrong=1), ["click-button"], 1, 1_000_000)
    assert (one.success, one.first) == (True, False)


def test_a_policy_that_does_nothing_scores_nothing(env: MiniWoB) -> None:
    (one,) = evaluate(env, Scripted([]), ["click-test"], 1, 1_000_000)
    assert (one.success, one.first, one.steps, one.stop) == (False, False, 1, "finished")


def test_the_built_in_model_is_scored_by_the_command() -> None:
    done = handeye("eval", "miniwob", "--tasks", "click-test", "--episodes", "1", "--json")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert (said["suite"], said["episodes"], said["model"], set(said["tasks"])) == (
        "miniwob",
        1,
        "builtin",
        {"click-test"},
    )
    assert said["confidence"][0] <= said["success"] <= said["confidence"][1]
    assert said["broken"] == 0
