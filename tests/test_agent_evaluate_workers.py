"""Several processes play as one does: the same marks, whoever dies."""

from __future__ import annotations

import json
import pickle
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import agent_players
import psutil
import pytest
from agent_runs import handeye
from http_recorder import Answer, Asked, answering, chat, models
from http_recorder import told as said

from agent.choose import Ways
from agent.evaluate import Mark, Table, WorkerError, evaluate, final, plan, spread
from agent.evaluate.players import Chosen
from env import MiniWoB

SEED = 1_000_000
TASKS = ("click-test", "enter-text", "click-pie")


def told(marks: Sequence[Mark]) -> list[dict[str, object]]:
    """Marks without what no two runs share."""
    return [mark.model_dump(exclude={"seconds", "attempt"}) for mark in marks]


def alone() -> list[dict[str, object]]:
    with MiniWoB() as env:
        return told(list(evaluate(Table(env, agent_players.uneven(env)), plan(TASKS[:2], 2, SEED))))


def test_two_processes_mark_as_one_does_though_one_of_them_dies(tmp_path: Path) -> None:
    before = len(psutil.Process().children(recursive=True))
    dying = agent_players.Dying(tmp_path, SEED, lives=1)
    marks = list(spread(dying, plan(TASKS[:2], 2, SEED), 2))
    died = [mark for mark in marks if mark.broken]
    assert [(mark.seed, mark.stop, mark.attempt) for mark in died] == [(SEED, "error", 1)]
    assert max(mark.attempt for mark in marks) == 2
    assert told(final(marks, TASKS)) == alone()
    assert len(psutil.Process().children(recursive=True)) <= before + 1  # the tracker of shared resources stays


@pytest.mark.slow
def test_an_episode_that_always_kills_its_process_is_given_up(tmp_path: Path) -> None:
    marks = list(spread(agent_players.Dying(tmp_path, SEED, lives=99), plan(["click-test"], 2, SEED), 2))
    assert [mark.attempt for mark in marks if mark.seed == SEED] == [1, 2, 3]
    assert all(mark.broken == (mark.seed == SEED) for mark in marks)
    assert "process that played it died" in final(marks, TASKS)[0].detail


def test_a_bug_in_a_process_is_told_where_it_was_asked_for() -> None:
    with pytest.raises(WorkerError, match="a bug of the policy"):
        list(spread(agent_players.faulty, plan(["click-test"], 1, SEED), 2))


@pytest.mark.parametrize("ways", [Ways(), Ways(("key=MINE", "dtype=int8"), "b")])
def test_who_plays_is_sent_to_another_process_and_of_the_environment_what_it_needs(ways: Ways) -> None:
    environ = {"HANDEYE_API_KEY": "1", "MINE": "2", "HOME": "/home/a", "AWS_SECRET_ACCESS_KEY": "3"}
    sent = pickle.loads(pickle.dumps(Chosen("builtin", replace(ways, environ=environ))))
    assert (sent.model, sent.ways.options, sent.ways.grounder) == ("builtin", ways.options, ways.grounder)
    own = {"MINE", "HANDEYE_API_KEY"} if ways.options else {"HANDEYE_API_KEY"}
    assert set(sent.ways.environ) == {"HOME", *own}


def test_of_several_servers_each_worker_has_another_first_and_all_of_them() -> None:
    chosen = Chosen("http://a/v1,https://b/v1,http://c/v1#m", Ways(grounder="http://d/v1,http://e/v1"))
    assert [chosen.at(place).model for place in range(4)] == [
        "http://a/v1,https://b/v1,http://c/v1#m",
        "https://b/v1,http://c/v1,http://a/v1#m",
        "http://c/v1,http://a/v1,https://b/v1#m",
        "http://a/v1,https://b/v1,http://c/v1#m",
    ]
    assert [chosen.at(place).ways.grounder for place in (0, 1)] == [
        "http://d/v1,http://e/v1",
        "http://e/v1,http://d/v1",
    ]
    for one in ("builtin", "a,b/c", "oracle", "http://a/x,y/v1#m,http://n", "http://a/v1"):
        assert Chosen(one).at(1) == Chosen(one)


def test_nothing_to_play_starts_nothing() -> None:
    assert list(spread(agent_players.uneven, (), 2)) == []


THINKING = 0.5
"""Seconds that a large model elsewhere takes to answer."""


def elsewhere(asked: Asked) -> Answer:
    """A click, and then that it is done, as a server with processors of its own answers."""
    if asked.path == "/v1/models":
        return said(models("qwen2.5-vl"))
    time.sleep(THINKING)
    click, done = {"action": "left_click", "coordinate": [80, 120]}, {"action": "terminate", "status": "success"}
    call = click if b"Previous actions: None" in asked.body else done
    text = f"<tool_call>\n{json.dumps({'name': 'computer_use', 'arguments': call})}\n</tool_call>"
    return said(chat(text))


@pytest.mark.slow
def test_with_a_served_model_two_workers_are_nearly_twice_as_fast_as_one(tmp_path: Path) -> None:
    seconds = []
    with answering(elsewhere) as server:
        for workers in ("1", "2"):
            began = time.monotonic()
            where = ("--model", f"{server.url}/v1", "--out", tmp_path / workers)
            run = handeye("eval", "miniwob", *where, "--episodes", "6", "--workers", workers, "--json")
            seconds.append(time.monotonic() - began)
            assert run.returncode == 0, run.stderr
            assert json.loads(run.stdout)["episodes"] == 90
    print(f"one worker {seconds[0]:.1f} s, two {seconds[1]:.1f} s: {seconds[0] / seconds[1]:.2f} times as fast")
    assert seconds[0] >= 1.7 * seconds[1]
