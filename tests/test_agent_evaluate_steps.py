"""`handeye eval steps`: the true past is shown, and what is right is written down."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from agent_runs import NAME, REMEMBER, SIGN_IN, TYPE_ADA, WIN, click, keep
from PIL import Image
from test_agent_ask import invoke

from actions import (
    DIALECTS,
    Action,
    Answer,
    Back,
    Click,
    Dialect,
    Drag,
    Finish,
    Frame,
    Key,
    Navigate,
    Point,
    Scroll,
    Select,
    Type,
    Wait,
)
from agent.evaluate import EvaluationError, Kept, LeftOut, estimate, evaluate, read_evaluation
from agent.evaluate.steps import Ask, Matched, Matcher, Matching, Recording, Rules, Truth, episodes, match, recordings
from agent.exchange import Wrong
from agent.policy import PolicyBroken, Scripted
from agent.reader import RecordError
from agent.schema import ModelEntry
from agent.step import Reply, Step
from env import Observation, Task

AT = Point(x=50, y=50)
BOX = ((40.0, 40.0, 60.0, 60.0),)

RULES: dict[str, tuple[Action, Action, tuple[bool, bool]]] = {
    "the same click": (click(50, 50), click(50, 50), (True, True)),
    "inside the box, on its border": (click(50, 50), click(60, 40), (True, True)),
    "beside the box, however near": (click(50, 50), click(61, 50), (True, False)),
    "another button": (click(50, 50), Click(at=AT, button="right"), (True, False)),
    "twice": (click(50, 50), Click(at=AT, count=2), (True, False)),
    "for long": (click(50, 50), Click(at=AT, hold=1), (True, False)),
    "as long, more or less": (Click(at=AT, hold=2), Click(at=AT, hold=1), (True, True)),
    "without a place": (click(50, 50), Click(), (True, False)),
    "another kind": (click(50, 50), Type(text="a"), (False, False)),
    "other capitals and spaces": (Type(text="Ada  L"), Type(text=" ada l"), (True, True)),
    "another text": (Type(text="ada"), Type(text="adam"), (True, False)),
    "spaces that are all": (Type(text=" "), Type(text="  "), (True, False)),
    "a text in a place of its own": (Type(text="a"), Type(text="a", at=AT), (True, True)),
    "a text without its place": (Type(text="a", at=AT), Type(text="a"), (True, False)),
    "a line break is the enter key": (Key(keys=("Enter",)), Type(text="\n"), (True, True)),
    "keys in other capitals": (Key(keys=("Control", "a")), Key(keys=("control", "A")), (True, True)),
    "keys in another order": (Key(keys=("a", "b")), Key(keys=("b", "a")), (True, False)),
    "farther the same way": (Scroll(at=AT, dy=100), Scroll(dy=700), (True, True)),
    "the other way": (Scroll(dy=100), Scroll(dy=-100), (True, False)),
    "sideways": (Scroll(dy=100), Scroll(dx=400, dy=100), (True, False)),
    "a drag is no scroll": (Scroll(dy=100), Drag(path=(AT, Point(x=50, y=10))), (False, False)),
    "a path between the same ends": (
        Drag(path=(AT, Point(x=5, y=5), Point(x=55, y=55))),
        Drag(path=(AT, Point(x=56, y=54))),
        (True, True),
    ),
    "a longer wait": (Wait(seconds=1), Wait(seconds=5), (True, True)),
    "back": (Back(), Back(), (True, True)),
    "an address with a slash more": (Navigate(url="http://a/b"), Navigate(url="http://a/b/"), (True, True)),
    "another option": (Select(at=AT, label="a"), Select(at=AT, label="b"), (True, False)),
    "an end that gives up": (Finish(success=True), Finish(success=False), (True, False)),
    "an end in other words": (Finish(text="done"), Finish(text="did it"), (True, True)),
    "another answer": (Answer(text="7"), Answer(text="8"), (True, False)),
}


@pytest.mark.parametrize("name", RULES)
def test_what_is_right_is_as_it_is_written_down(name: str) -> None:
    wanted, given, expected = RULES[name]
    truth = Truth(wanted, 100, 100, (BOX, BOX) if isinstance(wanted, Drag) else (BOX,))
    found = match(truth, given, Rules())
    assert (found.kind, found.correct) == expected


@pytest.mark.parametrize(
    ("given", "boxes", "right"),
    [
        (click(64, 50), (), True),  # 0.14 of the width
        (click(65, 50), (), False),
        (click(50, 78), (), True),  # 0.14 of the height, which is twice as much
        (click(60, 70), (), False),  # 0.14 of both together
        (click(64, 50), (((0.0, 0.0, 100.0, 200.0),),), True),  # a box of everything is none of an element
        (click(65, 50), (((0.0, 0.0, 100.0, 200.0),),), False),
        (click(64, 50), (((0.0, 0.0, 9.0, 9.0),),), True),  # a box that the recorded click is not in
    ],
)
def test_where_no_box_is_known_the_distance_counts(given: Action, boxes: tuple[object, ...], right: bool) -> None:
    assert match(Truth(click(50, 50), 100, 200, boxes), given, Rules()).correct == right  # type: ignore[arg-type]
    assert not match(Truth(click(50, 50), 100, 200), click(51, 50), Rules(tolerance=0.005)).correct


def test_on_a_touch_screen_a_swipe_up_scrolls_down() -> None:
    swipe = Drag(path=(Point(x=50, y=80), Point(x=52, y=20)))
    assert match(Truth(Scroll(dy=1), 100, 100, touch=True), swipe, Rules()).correct
    assert not match(Truth(Scroll(dy=-1), 100, 100, touch=True), swipe, Rules()).correct
    assert match(Truth(swipe, 100, 100, touch=True), Scroll(dy=9), Rules()).correct
    assert not match(Truth(Scroll(dy=1), 100, 100, touch=True), click(50, 50), Rules()).kind


def test_exact_texts_have_to_be_the_same() -> None:
    assert not match(Truth(Type(text="Ada"), 9, 9), Type(text="ada"), Rules(text="exact")).correct


@dataclass
class Witness:
    """Plays a list, and remembers which past it was told of."""

    replies: Sequence[Action | str]
    name: str = "witness"
    dialect: Dialect = DIALECTS["qwen2.5"]
    told: list[tuple[str, tuple[Step, ...]]] = field(default_factory=list)

    def frame(self, seen: Observation) -> Frame:
        width, height = seen.size
        return Frame(width, height, width * 2, height * 2)

    def reply(self, task: Task, history: Sequence[Step], seen: Observation) -> Reply:
        self.told.append((task.instruction, tuple(history)))
        said = self.replies[len(history)]
        if said == "break":
            raise PolicyBroken("gone")
        return Reply(said if isinstance(said, str) else self.dialect.print(said, self.frame(seen)))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recorded run that signs in, with a reply between that nobody could read."""
    folder = tmp_path_factory.mktemp("runs") / "sign-in"
    result = keep(folder, (NAME, TYPE_ADA, "no call at all", REMEMBER, SIGN_IN))
    assert result.outcome.value == "verified"
    return folder


def played(folder: Path, policy: Witness | Scripted) -> list[Matched]:
    sources = [each for each in recordings([folder], verified=True) if isinstance(each, Recording)]
    matcher = Matcher(policy, {each.name: each for each in sources})
    return list(evaluate(matcher, [ask for each in sources for ask in each.asks]))


def order(names: Sequence[str]) -> Matching:
    return Matching(
        suite="steps",
        model=ModelEntry(name="witness", dialect="qwen2.5"),
        versions={},
        runs=dict.fromkeys(names, "0"),
        tolerance=0.14,
        text="normalised",
        told="goal",
    )


def test_a_policy_that_is_right_on_some_steps_scores_just_these(run: Path) -> None:
    witness = Witness([NAME, Type(text="bob"), "-", "???", click(1, 1)])
    marks = played(run, witness)
    assert [(mark.step, mark.ended) for mark in marks] == [
        (1, "right"),
        (2, "other text"),
        (4, "unreadable"),
        (5, "other place"),
    ]
    said = order(["sign-in"]).summary(marks)
    assert (said["step_correct"], said["kind_correct"], said["first_step_correct"]) == (0.25, 0.75, 1.0)
    assert (said["place_correct"], said["unreadable"], said["steps"], said["runs"]) == (0.5, 1, 4, 1)


def test_the_past_that_is_shown_is_the_recorded_one_in_the_words_of_the_model(run: Path) -> None:
    witness = Witness([click(1, 1)] * 5)
    played(run, witness)
    instructions, pasts = zip(*witness.told, strict=True)
    assert set(instructions) == {"sign in"}
    assert [len(past) for past in pasts] == [0, 1, 3, 4]
    last = pasts[-1]
    assert [step.action for step in last] == [NAME, TYPE_ADA, None, REMEMBER]
    assert last[2].error
    assert last[0].frame == Frame(336, 252, 672, 504)
    assert "[400, 136]" in last[0].reply.text  # twice (200, 68)
    assert last[0].after is not None


def test_the_box_of_what_was_clicked_counts_rather_than_the_distance(run: Path) -> None:
    (recording,) = recordings([run], verified=True)
    assert isinstance(recording, Recording)
    ((box,),) = recording.moments()[4].truth.boxes
    near, far = click(int(box[2]) + 1, 107), click(int(box[0]), int(box[1]))
    marks = played(run, Witness([NAME, TYPE_ADA, "-", near, SIGN_IN]))
    assert [mark.success for mark in marks] == [True, True, False, True]
    marks = played(run, Witness([NAME, TYPE_ADA, "-", far, SIGN_IN]))
    assert all(mark.success for mark in marks)


def test_what_nobody_carried_out_is_no_truth_and_named(run: Path, tmp_path: Path) -> None:
    (recording,) = recordings([run], verified=True)
    assert isinstance(recording, Recording)
    assert [str(left)[:44] for left in recording.left] == ["sign-in, step 3: nothing was carried out: re"]
    keep(tmp_path / "failed", (NAME, Finish(success=False)))
    keep(tmp_path / "blind", WIN)
    next((tmp_path / "blind" / "blobs").iterdir()).unlink()
    (tmp_path / "torn").mkdir()
    (tmp_path / "torn" / "run.json").write_text("{")
    found = list(recordings([tmp_path], verified=True))
    assert [isinstance(each, LeftOut) and each.place for each in found] == ["blind", "failed", "torn"]
    assert "pictures are gone" in str(found[0])
    assert len([each for each in recordings([tmp_path], verified=False) if isinstance(each, Recording)]) == 1
    with pytest.raises(RecordError, match="holds no run"):
        list(recordings([tmp_path / "nowhere"], verified=True))


def test_a_picture_that_is_broken_is_no_fault_of_the_model(run: Path, tmp_path: Path) -> None:
    keep(tmp_path / "run", WIN)
    for blob in (tmp_path / "run" / "blobs").iterdir():
        blob.write_bytes(b"no picture")
    marks = played(tmp_path / "run", Witness(list(WIN)))
    assert {(mark.ended, mark.stop) for mark in marks} == {("broken", "error")}
    assert [mark.attempt for mark in marks] == [1, 2, 3] * 4
    marks = played(run, Witness(["break"] * 5))
    assert {mark.stop for mark in marks} == {"model"}


def test_steps_of_one_run_are_redrawn_together() -> None:
    def marks(length: int) -> list[Matched]:
        return [
            Matched(
                run=f"{run}",
                step=step,
                instruction="",
                first=step == 1,
                recorded=Back(),
                kind_correct=True,
                success=run % 2 == 0,
                seconds=0,
                stop="finished",
            )
            for run in range(20)
            for step in range(1, length + 1)
        ]

    alone, often = estimate(marks(1)), estimate(marks(50))
    assert (alone.mean, alone.low, alone.high) == (often.mean, often.low, often.high)
    assert alone.high - alone.low > 0.3
    uneven = [mark for mark in marks(50) if mark.success or mark.step == 1]
    assert estimate(uneven).mean == pytest.approx(500 / 510)  # every step weighs the same


def test_the_built_in_model_is_scored_kept_compared_and_drawn(run: Path, tmp_path: Path) -> None:
    out = tmp_path / "kept"
    command = ("eval", "steps", run, "--out", out, "--json")
    code, printed, problems = invoke(*command)
    assert code == 0, problems
    assert "left out: sign-in, step 3: nothing was carried out" in problems
    said = json.loads(printed)
    assert (said["steps"], said["runs"], len(said["left_out"]), said["broken"]) == (4, 1, 1, 0)
    assert said["tokens"]["prompt"] > 0
    before = (out / "marks.jsonl").read_bytes()
    assert invoke(*command)[1] == printed
    assert (out / "marks.jsonl").read_bytes() == before
    assert len(read_evaluation(out).marks) == 4
    found = json.loads(invoke("eval", "compare", out, out, "--json")[1])
    assert (found["pairs"], found["difference"], found["flips"]) == (4, 0, [])
    assert invoke("eval", "report", out)[0] == 0
    assert "steps right" in (out / "report.html").read_text()
    for update, why in (
        ({"tolerance": 0.2}, "tolerance '0.14', not '0.2'"),
        ({"text": "exact"}, "text 'normalised', not 'exact'"),
        ({"told": "step"}, "instructions 'goal', not 'step'"),
        ({"runs": {"sign-in": "0"}}, "run sign-in"),
    ):
        with pytest.raises(EvaluationError, match=why):
            Kept(out, read_evaluation(out).asked.model_copy(update=update))
    asked = read_evaluation(out).asked.model_copy(update={"runs": {"another": "0"}})
    with Kept(out, asked) as kept:
        assert (len(kept.marks), kept.final) == (4, ())  # more runs may come


GOAL = {"episode_id": 7, "goal": "find it", "step_instructions": ["tap", "open", "write", "down"]}
DEEDS = [
    {"action_type": "click", "x": 20, "y": 30},
    {"action_type": "open_app", "app_name": "Clock"},
    json.dumps({"action_type": "input_text", "text": "hello"}),
    {"action_type": "scroll", "direction": "down"},
]


def android(folder: Path, *rows: object) -> Path:
    for number in range(5):
        Image.fromarray(np.full((200, 100, 3), number * 9, np.uint8)).save(folder / f"{number}.png")
    path = folder / "control.jsonl"
    path.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows))
    return path


def test_episodes_of_android_control_are_read_as_steps(tmp_path: Path) -> None:
    shots = [f"{number}.png" for number in range(5)]
    boxes = [[[10, 20, 30, 40]], [], [], []]
    path = android(tmp_path, {**GOAL, "screenshots": shots, "actions": DEEDS, "boxes": boxes, "extra": 1})
    (episode,) = episodes(path)
    assert not isinstance(episode, LeftOut)
    assert [str(left) for left in episode.left] == ["control 7, step 2: open_app: there are no apps to open here"]
    swipe = Drag(path=(Point(x=50, y=150), Point(x=50, y=20)))
    witness = Witness([click(30, 40), Type(text="Hello"), swipe])
    marks = list(evaluate(Matcher(witness, {episode.name: episode}), episode.asks))
    assert [(mark.step, mark.success) for mark in marks] == [(1, True), (3, True), (4, True)]
    assert [len(past) for _, past in witness.told] == [0, 1, 2]
    assert not Matcher(Witness([click(31, 40)] * 3), {episode.name: episode})(episode.asks[0]).success
    (low,) = episodes(path, told="step")
    assert not isinstance(low, LeftOut)
    assert [ask.instruction for ask in low.asks] == ["tap", "write", "down"]
    assert low.digest != episode.digest


MALFORMED = {
    "no JSON": "{",
    "too few pictures": {**GOAL, "screenshots": ["0.png"], "actions": DEEDS},
    "a picture that is not there": {**GOAL, "screenshots": ["9.png"], "actions": DEEDS[:1]},
    "a picture elsewhere": {**GOAL, "screenshots": ["../control.jsonl"], "actions": DEEDS[:1]},
    "an action of no kind": {**GOAL, "screenshots": ["0.png"], "actions": [{"x": 1}]},
    "boxes of other actions": {**GOAL, "screenshots": ["0.png"], "actions": DEEDS[:1], "boxes": [[], []]},
}


@pytest.mark.parametrize("name", MALFORMED)
def test_an_episode_that_does_not_hang_together_is_named(name: str, tmp_path: Path) -> None:
    good = {"episode_id": 1, "goal": "g", "screenshots": ["0.png"], "actions": [{"action_type": "navigate_back"}]}
    found = list(episodes(android(tmp_path, good, MALFORMED[name], good | {"episode_id": 2}, good)))
    assert [isinstance(each, LeftOut) for each in found] == [False, True, False, True]
    assert "there is an episode 1 before it" in str(found[3])


@pytest.mark.parametrize(
    ("deed", "why"),
    [
        ({"action_type": "click", "x": 100, "y": 0}, "lies outside the screen of 100x200"),
        ({"action_type": "click", "x": 1}, "click without x and y"),
        ({"action_type": "scroll"}, "is no action here"),
        ({"action_type": "\x1b[31mdance"}, "is no action here"),
    ],
)
def test_an_action_that_there_is_none_of_is_named(deed: dict[str, object], why: str, tmp_path: Path) -> None:
    (episode,) = episodes(
        android(tmp_path, {"episode_id": 1, "goal": "g", "screenshots": ["0.png"], "actions": [deed]})
    )
    assert not isinstance(episode, LeftOut)
    assert (len(episode.asks), [why in left.why for left in episode.left]) == (0, [True])


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(Wrong):
        list(episodes(tmp_path / "none.jsonl"))


WRONG = {
    "no runs": (["none"], "none: holds no run"),
    "no such text": (["none", "--text", "loose"], "--text loose: expected normalised or exact"),
    "no such instructions": (["none", "--instructions", "low"], "--instructions low: expected goal or step"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_usage_is_told_before_a_model_is_asked(name: str) -> None:
    words, message = WRONG[name]
    code, out, problems = invoke("eval", "steps", *words)
    assert (code, out) == (2, "")
    assert message in problems


def test_an_ask_is_known_by_its_run_and_its_number() -> None:
    assert Ask("r", 3, "", Back(), False).key == ("r", 3)
