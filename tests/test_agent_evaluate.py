"""Scores: honest intervals, and marks that MiniWoB++ itself gives."""

from __future__ import annotations

import json
from collections.abc import Iterator

import numpy as np
import pytest
from agent_players import Solver
from agent_runs import handeye

from agent.evaluate import Chance, Mark, Table, compare, differences, evaluate, final, interval, mcnemar, plan, summary
from agent.evaluate.estimate import resampled
from agent.policy import Scripted
from env import MiniWoB

SEED = 1_000_000


def mark(
    task: str, success: bool, first: bool | None = True, seed: int = 0, stop: str = "done", attempt: int = 1
) -> Mark:
    return Mark.model_validate(
        {"task": task, "seed": seed, "success": success, "first": first, "steps": 2, "seconds": 1.0, "stop": stop}
        | {"attempt": attempt, "prompt_tokens": 10, "completion_tokens": 5}
    )


def test_the_interval_holds_the_mean_and_narrows_with_more_episodes() -> None:
    low, high = interval([[True, False] * 10])
    closer = interval([[True, False] * 1000])
    assert low < closer[0] < 0.5 < closer[1] < high
    assert interval([[True] * 5, [True] * 9]) == (1.0, 1.0)
    assert interval([[False] * 5]) == (0.0, 0.0)
    assert interval([[True, False] * 10]) == (low, high)


def test_redrawn_means_are_spread_as_theory_says() -> None:
    groups = [[1.0] * 30 + [0.0] * 10, [1.0] * 5 + [0.0] * 15]  # of 40 and of 20 episodes
    variance = (0.75 * 0.25 / 40 + 0.25 * 0.75 / 20) / 4
    means = resampled(groups, draws=50_000)
    assert means.mean() == pytest.approx(0.5, abs=0.002)
    assert means.var() == pytest.approx(variance, rel=0.03)
    low, high = interval(groups, draws=50_000)
    assert (high - low) / 2 == pytest.approx(1.96 * np.sqrt(variance), rel=0.05)


def test_episodes_are_redrawn_within_their_task_only() -> None:
    assert interval([[True] * 10, [False] * 10]) == (0.5, 0.5)


def test_a_seed_draws_the_same_again_and_another_one_does_not() -> None:
    group = [[True, False, False] * 7]
    assert np.array_equal(resampled(group, seed=1), resampled(group, seed=1))
    assert not np.array_equal(resampled(group, seed=1), resampled(group, seed=2))


def test_tasks_weigh_the_same_however_many_episodes_they_had() -> None:
    marks = [mark("a", True)] * 9 + [mark("b", False)]
    said = summary(marks, "m")
    assert (said["success"], said["episodes"], said["broken"]) == (0.5, 10, 0)
    assert summary([*marks, mark("b", False, stop="environment")], "m")["broken"] == 1


def test_a_first_action_that_nobody_can_judge_counts_neither_way() -> None:
    said = summary([mark("a", True), mark("b", True, first=None), mark("c", True, first=False)], "m")
    assert (said["first_action_correct"], said["first_action_known"]) == (0.5, 2)
    assert summary([mark("b", True, first=None)], "m")["first_action_correct"] is None
    assert said["tokens"] == {"prompt": 30, "image": 0, "completion": 15}


def test_the_last_mark_of_an_episode_counts_in_the_order_of_the_tasks() -> None:
    marks = [mark("b", False, stop="environment"), mark("a", True, seed=1), mark("b", True, attempt=2), mark("a", True)]
    assert [(m.task, m.seed, m.success) for m in final(marks, ["a", "b"])] == [
        ("a", 0, True),
        ("a", 1, True),
        ("b", 0, True),
    ]


def test_flips_are_counted_and_what_broke_is_left_out() -> None:
    wins = [(True, True)] * 4 + [(True, False)] + [(False, True)] * 3 + [(False, False)] * 2
    first = [mark("a", won, seed=seed) for seed, (won, _) in enumerate(wins)]
    second = [mark("a", won, seed=seed) for seed, (_, won) in enumerate(wins)]
    first.append(mark("a", False, seed=50, stop="environment"))
    second += [mark("a", True, seed=50), mark("a", True, seed=60)]
    said = differences(compare(first, second))
    assert (said["both"], said["first_only"], said["second_only"], said["neither"]) == (4, 1, 3, 2)
    assert (said["pairs"], said["broken"], said["alone"]) == (10, 1, 1)
    assert (said["difference"], said["success"]) == (0.2, [0.5, 0.7])
    assert said["p"] == 0.625
    flips = said["flips"]
    assert isinstance(flips, list)
    assert [(flip["seed"], flip["won_by"]) for flip in flips] == [
        (4, "first"),
        (5, "second"),
        (6, "second"),
        (7, "second"),
    ]


def test_pairs_tell_more_than_the_two_intervals_do() -> None:
    first = [mark("a", seed % 2 == 0, seed=seed) for seed in range(40)]
    second = [mark("a", seed % 2 == 0 or seed < 12, seed=seed) for seed in range(40)]
    low = differences(compare(first, second))["confidence"]
    assert isinstance(low, list)
    assert low[0] > 0
    assert interval([[m.success for m in first]])[1] > interval([[m.success for m in second]])[0]


def test_the_sign_test_is_exact() -> None:
    assert [mcnemar(0, 0), mcnemar(1, 0), mcnemar(0, 5), mcnemar(3, 3)] == [1.0, 1.0, 0.0625, 1.0]
    assert mcnemar(10, 2) == pytest.approx(0.03857421875)  # 2 * (1 + 12 + 66) / 4096
    assert mcnemar(0, 3000) == 0.0


def test_evaluations_without_a_common_episode_are_not_compared() -> None:
    with pytest.raises(ValueError, match="nothing to compare: 0 of 1 and 1"):
        compare([mark("a", True)], [mark("b", True)])


@pytest.fixture(scope="module")
def env() -> Iterator[MiniWoB]:
    with MiniWoB() as screen:
        yield screen


def test_an_oracle_wins_every_episode_and_its_first_action_is_right(env: MiniWoB) -> None:
    marks = list(evaluate(Table(env, Solver(env)), plan(["click-button", "enter-text"], 2, SEED)))
    assert [(m.task, m.seed) for m in marks] == [
        ("click-button", SEED),
        ("click-button", SEED + 1),
        ("enter-text", SEED),
        ("enter-text", SEED + 1),
    ]
    assert all(m.success and m.first and m.stop == "done" for m in marks)
    json.dumps(summary(marks, "oracle"))


def test_a_first_action_that_misses_is_marked_though_the_episode_is_won(env: MiniWoB) -> None:
    one = Table(env, Solver(env, wrong=1))(Chance("click-button", SEED, 10))
    assert (one.success, one.first) == (True, False)


def test_a_policy_that_does_nothing_scores_nothing(env: MiniWoB) -> None:
    one = Table(env, Scripted([]))(Chance("click-test", SEED, 10))
    assert (one.success, one.first, one.steps, one.stop) == (False, False, 1, "finished")


def test_nobody_says_what_is_right_first_on_a_task_without_answers(env: MiniWoB) -> None:
    one = Table(env, Scripted([]))(Chance("click-pie", SEED, 10))
    assert (one.success, one.first) == (False, None)


def test_what_broke_is_begun_anew_but_not_for_ever() -> None:
    stops = iter(["environment", "model", "done", "error", "error", "error", "done"])
    played: list[int] = []

    def play(chance: Chance) -> Mark:
        played.append(chance.seed)
        return mark(chance.task, False, seed=chance.seed, stop=next(stops))

    marks = list(evaluate(play, plan(["click-test"], 3, 0)))
    assert played == [0, 0, 0, 1, 1, 1, 2]
    assert [m.attempt for m in marks] == [1, 2, 3, 1, 2, 3, 1]
    assert summary(final(marks, ["click-test"]), "m")["broken"] == 1


@pytest.mark.parametrize("stop", ["steps", "finished", "loop", "done"])
def test_a_failure_of_the_agent_is_never_begun_anew(stop: str) -> None:
    assert len(list(evaluate(lambda chance: mark(chance.task, False, stop=stop), plan(["a"], 1, 0)))) == 1


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
    assert said["tokens"]["prompt"] > said["tokens"]["image"] > 0
