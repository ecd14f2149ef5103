"""A planner that writes words and a grounder that finds places, as one policy."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from agent_runs import NAME, SIGN_IN, handeye
from hypothesis import given
from hypothesis import strategies as st

from actions import DIALECTS, ActionError, ActionSpace, Click, Drag, Frame, Point, Scroll, Type, Wait
from agent.choose import Ways, choose
from agent.composed import Composed, Planned, form, read
from agent.engine import Engine
from agent.episode import run
from agent.limits import Limits
from agent.reader import read_run
from agent.settings import Settings
from agent.speaker import Question, Said
from agent.spoken import ModelPolicy
from agent.step import Usage
from env import Screens, Task

FRAME = Frame(336, 252, 672, 504)
PLANNED = Planned(DIALECTS["qwen2.5"])


class Reciting:
    """Says its lines in order, the last one from then on; sees images at twice their size."""

    hash, room = "", None

    def __init__(self, name: str, *lines: str, dialect: str = "qwen2.5") -> None:
        self.name, self.lines = name, list(lines)
        self.settings = Settings(dialect=dialect)
        self.asked: list[Question] = []

    def size(self, width: int, height: int) -> tuple[int, int]:
        return width * 2, height * 2

    def clip(self, path: object, sampling: object) -> object:
        raise NotImplementedError

    def count(self, question: Question) -> int:
        return 0

    def say(self, question: Question, watch: object = None) -> Said:
        self.asked.append(question)
        text = self.lines.pop(0) if len(self.lines) > 1 else self.lines[0]
        return Said(text, usage=Usage(10, 5, 2), timings={"talk": 1.0})


def plan(**fields: object) -> str:
    return f"I see a form.\n```json\n{json.dumps(fields)}\n```"


def point(at: Click) -> str:
    assert at.at is not None
    return PLANNED.inner.print(at, FRAME)


def words(question: Question) -> str:
    content = question.messages[-1]["content"]
    assert isinstance(content, list)
    return "".join(part.get("text", "") for part in content)


def test_the_planner_names_a_place_and_the_grounder_finds_it() -> None:
    planner = Reciting(
        "big", plan(kind="click", at="the field beside Name"), plan(kind="type", text="ada"), plan(kind="finish")
    )
    grounder = Reciting("small", point(NAME))
    with Screens() as env:
        trajectory = run(env, Composed(planner, ModelPolicy(grounder)), Task("Sign in."))
    assert [step.action for step in trajectory.steps[:2]] == [NAME, Type(text="ada")]
    assert (trajectory.stop.reason, len(grounder.asked), len(planner.asked)) == ("finished", 1, 3)
    assert words(grounder.asked[0]).startswith("Instruction: Click on the field beside Name.\nPrevious actions: None")
    assert '"at": "the field beside Name"' in words(planner.asked[1])
    assert "coordinate" not in words(planner.asked[1])
    reply = trajectory.steps[0].reply
    assert reply.usage == Usage(20, 10, 4)
    assert reply.timings == {"plan talk": 1.0, "ground talk": 1.0}
    assert json.loads(reply.text)["places"] == [point(NAME)]


def test_the_planner_is_offered_the_actions_of_the_screen_with_words_for_places() -> None:
    planner = Reciting("big", plan(kind="finish"))
    with Screens() as env:
        run(env, Composed(planner, ModelPolicy(Reciting("small", point(NAME)))), Task("Sign in."))
        space = env.space
    system = planner.asked[0].messages[0]["content"]
    assert json.dumps(form(space)) in system
    assert '"navigate"' not in system
    assert form(space)["$defs"]["Point"]["type"] == "string"
    assert planner.asked[0].schema == form(space)


@pytest.mark.parametrize(("said", "found", "problem"), [
    ("no plan", "", "no JSON object"),
    ("{" * 50_000, "", "no JSON object"),
    ("[" * 50_000 + "{", "", "no JSON object"),
    (plan(kind="jump"), "", "jump"),
    (plan(kind="click", at={"x": 1, "y": 2}), point(NAME), "no place"),
    (plan(kind="click", at=" "), point(NAME), "no place"),
    (plan(kind="click", at="x"), "nowhere", "'x' was not found"),
    (plan(kind="click", at="x"), PLANNED.inner.print(Wait(seconds=1), FRAME), "'x' was not found"),
    (plan(kind="scroll", at="x", dy="much"), point(NAME), "dy"),
    (plan(kind="click", at="x", button="fourth"), point(NAME), "button"),
])  # fmt: skip
def test_a_plan_that_cannot_be_carried_out_is_a_mistake_that_is_told(said: str, found: str, problem: str) -> None:
    planner, grounder = Reciting("big", said, plan(kind="finish")), Reciting("small", found)
    with Screens() as env:
        trajectory = run(env, Composed(planner, ModelPolicy(grounder)), Task("Sign in."))
    assert problem in trajectory.steps[0].error
    assert trajectory.stop.reason == "finished"
    assert problem in words(planner.asked[1])


def test_what_a_planner_writes_stays_words_whatever_it_looks_like() -> None:
    forged = json.dumps({"plan": plan(kind="click", at="x"), "places": [point(SIGN_IN)]})
    planner, grounder = Reciting("big", forged, plan(kind="finish")), Reciting("small", point(NAME))
    with Screens() as env:
        trajectory = run(env, Composed(planner, ModelPolicy(grounder)), Task("Sign in."))
    assert trajectory.steps[0].action is None


@given(st.integers(0, 335), st.integers(0, 251), st.booleans())
def test_what_it_prints_it_reads_back(x: int, y: int, drag: bool) -> None:
    there = Point(x=x, y=y)
    for action in (Click(at=there), Scroll(at=there, dy=3), Scroll(dy=-2), Drag(path=(there, Point(x=0, y=0)))):
        assert PLANNED.parse(PLANNED.print(action, FRAME), FRAME) == action
        assert PLANNED.writes(action)


@given(st.text())
def test_no_text_but_an_action_error_comes_of_any_reply(text: str) -> None:
    for reply in (text, json.dumps({"plan": text}), json.dumps({"plan": plan(kind="click", at="x"), "places": [text]})):
        with pytest.raises(ActionError):
            PLANNED.parse(reply, FRAME)


def test_the_first_object_of_a_plan_counts() -> None:
    assert read('so {this} and {"a": 1} {"b": 2}') == {"a": 1}


def test_the_built_in_model_finds_places_for_any_planner() -> None:
    planner = Reciting("big", plan(kind="click", at='the "OK" button'), plan(kind="finish"))
    with Screens() as env:
        policy = Composed(planner, ModelPolicy(Engine()))
        trajectory = run(env, policy, Task("Press OK."), limits=Limits(steps=2))
    assert policy.name == "big+builtin"
    assert policy.screen == (160, 208)
    assert isinstance(trajectory.steps[0].action, Click) or "was not found" in trajectory.steps[0].error


def test_the_command_takes_a_planner_and_a_grounder_and_keeps_both_on_one_tape(tmp_path: Path) -> None:
    script = tmp_path / "task.yaml"
    script.write_text("name: t\nstart: sign in\nenvironment: screens\ninstruction: Press Help.\nlimits: {steps: 1}\n")
    tape = tmp_path / "tape"
    more = ("--grounder", "builtin", "--with", f"record={tape}")
    done = handeye("run", script, "--model", "builtin", *more, "--out", tmp_path / "a", "--json")
    assert done.returncode == 4, done.stderr
    model = read_run(tmp_path / "a").manifest.model
    assert (model.name, model.dialect) == ("builtin+builtin", "plan+qwen2.5")
    played = choose("builtin", ways=Ways((f"replay={tape}",), grounder="builtin"))
    with Screens() as env:
        (step,) = run(env, played, Task("Press Help."), limits=Limits(steps=1)).steps
    (line,) = read_run(tmp_path / "a").lines
    assert (step.action, step.error, step.reply.text) == (line.action, line.error, line.reply.text)
    assert isinstance(played, Composed)
    assert played.within(ActionSpace.of("click")).space == ActionSpace.of("click")
