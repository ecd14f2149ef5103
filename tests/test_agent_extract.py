"""Values that a run brings back: typed, checked, and told to the policy where they are not as asked."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from agent_runs import WIN, script
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, JsonValue, ValidationError, field_validator

from actions import Answer, Finish
from agent import Agent, Outcome, Scripted, read_run
from agent.extract import FormError, Modelled, Schemed, Value, read
from agent.play import play
from agent.script import ScriptError, read_script
from env import Browser, BrowserOptions, Screens, Task

PAGE = """<title>t</title><p id=price> $ 1,204.50 </p><p id=count>12</p><input id=name value="Ada"><p id=yes>True</p>
<p id=huge>1e999</p><p id=long>99999999999999999999</p><a class=link href="/a?b=1">one</a><a class=link href="#2">two
</a><a class=link>none</a><p id=odd>NaN</p><p id=html>&lt;b&gt; {{who}}</p>"""


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    page = tmp_path_factory.mktemp("pages") / "page.html"
    page.write_text(PAGE)
    with Browser(BrowserOptions(size=(160, 208))) as env:
        env.reset(Task(start=page.as_uri()))
        yield env


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (Value(element="#price"), "$ 1,204.50"),
        (Value(element="#count", type="integer"), 12),
        (Value(element="#count", type="number"), 12),
        (Value(element="#price", type="number", pattern=r"(\d+\.\d+)"), 204.5),
        (Value(element="#price", pattern=r"\d,\d+"), "1,204"),
        (Value(element="#name"), "Ada"),
        (Value(element="#yes", type="boolean"), True),
        (Value(element="#long", type="integer"), 99999999999999999999),
        (Value(element=".link", all=True), ["one", "two", "none"]),
        (Value(element=".link", attribute="href"), "/a?b=1"),
        (Value(element=".nothing", all=True), []),
        (Value(element="#html"), "<b> {{who}}"),
    ],
    ids=str,
)
def test_a_value_is_read_from_the_page_with_its_type(shown: Browser, value: Value, found: JsonValue) -> None:
    assert read(value, shown, None) == found


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (Value(element="#price", type="number"), "no number: '$ 1,204.50'"),
        (Value(element="#count", type="boolean"), "no boolean"),
        (Value(element="#huge", type="number"), "no number"),
        (Value(element="#odd", type="number"), "no number"),
        (Value(element="#none"), "no element #none"),
        (Value(element="##"), "not a CSS selector"),
        (Value(element="'); document.body.remove(); ('"), "not a CSS selector"),
        (Value(element=".link", attribute="href", all=True), "no attribute href"),
        (Value(element="#price", pattern="x(y)"), r"no x(y) in"),
    ],
    ids=str,
)
def test_a_value_of_another_type_is_told_with_what_was_found(shown: Browser, value: Value, said: str) -> None:
    with pytest.raises(FormError) as caught:
        read(value, shown, None)
    assert said in str(caught.value)


class Order(BaseModel):
    """What a model is asked for."""

    thing: str
    price: float

    @field_validator("price")
    @classmethod
    def _paid(cls, price: float) -> float:
        if price <= 0:
            raise ValueError("nothing is free")
        return price


FORM = Schemed({"price": {"type": "number", "minimum": 0}})
WRONG = ["", "12", "[]", "{", '{"price": "x"}', '{"price": -1}', '{"cost": 1}', '{"price": 1, "more": 2}', "[" * 5000,
         '{"price": NaN}', '{"price": ' + "9" * 5000 + "}", "```json\n{}\n```", '{"price": 1} and more']  # fmt: skip


@pytest.mark.parametrize("text", WRONG)
def test_words_that_are_not_of_the_form_are_refused_and_quoted_in_short(text: str) -> None:
    for form in (FORM, Modelled(Order)):
        with pytest.raises(FormError) as caught:
            form.read(text)
        assert len(str(caught.value)) < 500


@pytest.mark.parametrize(
    "text", ['{"price": 1.5}', ' {"price":1.5}\n', '```json\n{"price": 1.5}\n```', '```\n{"price": 1.5}```']
)
def test_json_is_read_alone_or_between_fences(text: str) -> None:
    assert FORM.read(text) == {"price": 1.5}


@settings(max_examples=60, deadline=None)
@given(st.text())
def test_no_words_break_the_reading(text: str) -> None:
    try:
        found: Mapping[str, JsonValue] = FORM.read(text)
    except FormError:
        return
    assert set(found) == {"price"}


def test_a_schema_fetches_nothing() -> None:
    form = Schemed({"price": {"$ref": "http://127.0.0.1:9/schema.json"}})
    with pytest.raises(FormError, match="leads nowhere"):
        form.read('{"price": 1}')


def test_a_mistake_is_told_to_the_policy_which_may_try_again(tmp_path: Path) -> None:
    replies = [*WIN[:3], Answer(text="12 EUR"), Answer(text='{"thing": "tea", "price": 0}'),
               Answer(text='{"thing": "tea", "price": 12}'), WIN[3]]  # fmt: skip
    with Screens() as env, Agent(Scripted(replies), env=env, out=tmp_path) as agent:
        result = agent.run("Sign in.", result=Order)
    errors = [step.error for step in result.trajectory.steps if step.error]
    assert len(errors) == 2
    assert "answer: text: expected a JSON object" in errors[0]
    assert "price: Value error, nothing is free" in errors[1]
    assert '"properties"' in errors[1]
    assert result.outcome is Outcome.VERIFIED
    assert result.read(Order) == Order(thing="tea", price=12)
    assert result.folder is not None
    assert read_run(result.folder).manifest.values == {"thing": "tea", "price": 12}


def test_a_policy_that_never_tells_it_ends_in_a_failure_that_says_so() -> None:
    with Screens() as env, Agent(Scripted(WIN), env=env) as agent:
        result = agent.run("Sign in.", result=Order)
    assert result.outcome is Outcome.FAILED
    assert result.verdicts[-1].check == "extract what the policy tells"
    with pytest.raises(ValidationError):
        result.read(Order)


def test_a_finish_without_the_answer_costs_a_step_and_a_failure_may_be_told_without(tmp_path: Path) -> None:
    good = Finish(text='{"thing": "tea", "price": 2}')
    with Screens() as env:
        with Agent(Scripted([Finish(text="done"), good]), env=env) as agent:
            told = agent.run("Look.", result=Order)
        with Agent(Scripted([Finish(success=False, text="sold out")]), env=env) as agent:
            gave_up = agent.run("Look.", result=Order)
    assert [bool(step.error) for step in told.trajectory.steps] == [True, False]
    assert told.read(Order).price == 2
    assert (gave_up.outcome, gave_up.stop.detail, dict(gave_up.values)) == (Outcome.FAILED, "sold out", {})


SCRIPT = """\
name: look
start: page.html
environment: {width: 160, height: 208}
instruction: Look.
expect: [{text: "12"}]
extract:
  count: {element: "#count", type: integer}
  mood: {schema: {enum: [good, bad]}}
actions: [{kind: answer, text: '{"mood": "good"}'}]
"""


def test_a_script_brings_back_what_the_page_and_the_policy_say(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text(PAGE)
    result = play(read_script(script(tmp_path, SCRIPT)), None, tmp_path / "run")
    assert result.outcome is Outcome.VERIFIED
    assert dict(result.values) == {"count": 12, "mood": "good"}
    kept = json.loads((tmp_path / "run" / "run.json").read_text())
    assert kept["values"] == {"count": 12, "mood": "good"}
    failing = SCRIPT.replace("#count", "#price").replace("limits", "limits")
    result = play(read_script(script(tmp_path, failing)), None, tmp_path / "other")
    assert result.outcome is Outcome.FAILED
    assert [verdict.check for verdict in result.verdicts if not verdict.held] == ["extract count"]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("type: integer", "type: int", ["task.yaml:7: extract.count.type", "'int'"]),
        ("type: integer", "tpe: integer", ["task.yaml:7: extract.count.tpe: unknown key; did you mean 'type'"]),
        ("enum: [good, bad]", "type: 12", ["task.yaml:8: extract.mood", "schema: type: 12"]),
        ("schema: {enum", "shema: {enum", ["task.yaml:8: extract.mood.shema: unknown key; did you mean 'schema'"]),
        ("type: integer", "pattern: '('", ["task.yaml:7: extract.count: pattern"]),
        ('element: "#count", ', "all: true, ", ["extract.count: attribute, pattern and all belong to element"]),
    ],
)
def test_what_is_wrong_with_a_value_is_said_before_anything_starts(
    tmp_path: Path, old: str, new: str, said: list[str]
) -> None:
    (tmp_path / "page.html").write_text(PAGE)
    assert old in SCRIPT
    with pytest.raises(ScriptError) as caught:
        read_script(script(tmp_path, SCRIPT.replace(old, new, 1)))
    for part in said:
        assert part in str(caught.value)
