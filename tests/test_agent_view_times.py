"""Where the seconds of a step went, as the names that are recorded allow to say."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as some

from actions import Key
from agent.schema import FrameEntry, Line, Look, Said
from agent.view.times import PARTS, spent, together

LOOK = Look(screen="0" * 64, width=10, height=10)
FRAME = FrameEntry(width=10, height=10, model_width=10, model_height=10)
seconds = some.floats(0, 100)


def line(step: Mapping[str, float], reply: Mapping[str, float]) -> Line:
    said = Said(text="", timings=dict(reply))
    return Line(index=1, before=LOOK, frame=FRAME, reply=said, action=Key(keys=("a",)), timings=dict(step))


@given(some.lists(seconds, min_size=4, max_size=4), some.lists(seconds, min_size=3, max_size=3), seconds, seconds)
def test_the_parts_add_up_to_what_the_turn_took(
    model: list[float], screen: list[float], thinking: float, rest: float
) -> None:
    reply = dict(zip(("image", "vision", "prefill", "decode"), model, strict=True))
    parts = dict(zip(("act", "settle", "capture"), screen, strict=True))
    step = {"policy": sum(model) + thinking, "parse": 0.5, "env": sum(screen) + rest, **parts}
    found = spent(line(step, reply))
    assert found.total == pytest.approx(step["policy"] + step["parse"] + step["env"])
    assert found.seconds["encode"] == pytest.approx(reply["image"] + reply["vision"])
    assert found.seconds["other"] == pytest.approx(thinking + rest, abs=1e-6)
    assert not found.note
    bars = found.bars()
    assert sum(bar.length for bar in bars) == pytest.approx(1000)
    assert all(bar.start + bar.length <= 1000.001 for bar in bars)


def test_a_composed_policy_adds_planning_and_grounding() -> None:
    reply = {"plan prefill": 1.0, "ground prefill": 0.5, "plan decode": 2.0, "ground vision": 0.25}
    found = spent(line({"policy": 4.0}, reply)).seconds
    assert (found["prefill"], found["decode"], found["encode"], found["other"]) == (1.5, 2.0, 0.25, 0.25)


def test_a_server_that_tells_no_parts_counts_as_other() -> None:
    found = spent(line({"policy": 3.0, "env": 1.0, "act": 0.25}, {"server": 2.9}))
    assert found.seconds["other"] == 3.75
    assert found.seconds["prefill"] == found.seconds["decode"] == 0


def test_parts_that_were_spent_elsewhere_are_told_and_not_counted() -> None:
    found = spent(line({"policy": 0.1}, {"prefill": 5.0, "decode": 2.0}))
    assert found.total == pytest.approx(0.1)
    assert found.note == "the reply tells of 7.00 s, its turn took 0.10 s: it was made elsewhere"


def test_a_run_is_the_sum_of_its_steps() -> None:
    whole = together([spent(line({"policy": 1.0}, {})), spent(line({"env": 2.0, "settle": 1.5}, {}))])
    assert whole.total == 3.0
    assert set(whole.seconds) == set(PARTS)
    assert together([]).total == 0.0
    assert together([]).bars() == ()
