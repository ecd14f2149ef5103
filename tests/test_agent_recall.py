"""Steps that are read back from a record: recorded once more they are the same lines, and nothing of them is lost."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from agent_runs import NAME, SCREENS, WIN, keep
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from actions import Answer, Click, Drag, Finish, Frame, Point, Type
from agent.manifest import describe
from agent.perform import Job
from agent.policy import Scripted
from agent.reader import RecordError, read_run
from agent.recall import recall
from agent.record import Recorder
from agent.step import Chance, Reply, Step, Usage
from env import Download, Evidence, Observation, Receipt, Task
from env.observation import freeze

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
TEXTS = st.lists(TEXT, max_size=2).map(tuple)
COUNT = st.integers(0, 9)
SECONDS = st.floats(0, 1e6)
BOX = st.none() | st.tuples(COUNT, COUNT, COUNT, COUNT)
VALUES = st.sampled_from(["", "empty", "filled", "checked", "unchecked"])
TIMINGS = st.dictionaries(TEXT, SECONDS, max_size=2)
IMAGES = st.sampled_from([0, 80, 255]).map(lambda shade: freeze(np.full((4, 6, 3), shade, np.uint8)))
FILES = st.builds(Download, TEXT, TEXT, st.just("0" * 64), COUNT)
EVIDENCE = st.builds(Evidence, TEXT, TEXT, TEXT, TEXT, BOX, TEXTS)
RECEIPTS = st.builds(
    Receipt,
    target=TEXT,
    window=TEXT,
    pixels_changed=COUNT,
    changed_box=BOX,
    navigated=st.booleans(),
    dialog=TEXT,
    downloads=TEXTS,
    files=st.lists(FILES, max_size=2).map(tuple),
    url=TEXT,
    focus=TEXT,
    value=VALUES,
    evidence=st.lists(EVIDENCE, max_size=2).map(tuple),
)
LOOKS = st.builds(
    Observation,
    IMAGES,
    url=TEXT,
    title=TEXT,
    tabs=TEXTS,
    dialog=TEXT,
    focus=TEXT,
    value=VALUES,
    downloads=TEXTS,
    refused=TEXTS,
    notes=TEXTS,
    time=SECONDS,
    receipt=st.none() | RECEIPTS,
    done=st.booleans(),
    reward=st.none() | st.floats(-1, 1),
)
PLACES = st.builds(Point, x=COUNT, y=COUNT)
ACTIONS = (
    st.builds(Click, at=st.none() | PLACES)
    | st.builds(Type, text=TEXT)
    | st.builds(Drag, path=st.lists(PLACES, min_size=1, max_size=3))
    | st.builds(Finish, text=TEXT)
)
REPLIES = st.builds(
    Reply,
    TEXT,
    st.builds(Usage, COUNT, COUNT, COUNT, st.none() | COUNT),
    TIMINGS,
    TEXTS,
    st.none() | st.builds(Chance, st.floats(-9, 0), st.none() | st.floats(-9, 0), st.booleans()),
)
STEPS = st.builds(
    Step,
    st.just(1),
    LOOKS,
    REPLIES,
    st.builds(Frame, *[st.integers(1, 99)] * 4),
    st.none() | ACTIONS,
    TEXT,
    st.none() | LOOKS,
    st.none() | st.integers(1, 3),
    TIMINGS,
)


def put(folder: Path, steps: tuple[Step, ...]) -> bytes:
    """The lines of these steps as a record keeps them."""
    with Recorder(folder, describe(Job(Task()), Scripted([]), SCREENS, name="x")) as record:
        for step in steps:
            record.add(step)
    return (folder / "steps.jsonl").read_bytes()


@given(step=STEPS)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_was_recorded_and_read_back_gives_the_same_line(
    step: Step, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("once")
    line = put(folder / "a", (step,))
    again = recall(read_run(folder / "a"))
    assert put(folder / "b", again) == line
    assert again[0].before.screenshot.tobytes() == step.before.screenshot.tobytes()
    assert (again[0].action, again[0].reply.text) == (step.action, step.reply.text)


def test_a_whole_run_reads_back_with_each_screen_once_and_the_receipt_that_led_to_it(tmp_path: Path) -> None:
    result = keep(tmp_path / "a", [NAME, "?!", Answer(text="hm"), *WIN])
    steps = recall(read_run(tmp_path / "a"))
    assert put(tmp_path / "b", steps) == (tmp_path / "a" / "steps.jsonl").read_bytes()
    for ours, theirs in zip(steps, result.trajectory.steps, strict=True):
        assert ours.before.receipt == theirs.before.receipt
        assert (ours.before.screenshot == theirs.before.screenshot).all()
    assert steps[0].after is not None
    assert steps[1].before.screenshot is steps[0].after.screenshot


def test_a_screen_that_is_gone_is_named(tmp_path: Path) -> None:
    keep(tmp_path)
    run = read_run(tmp_path)
    blob = run.blob(run.lines[1].before.screen)
    blob.unlink()
    with pytest.raises(RecordError, match=blob.name):
        recall(run)
