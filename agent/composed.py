"""Two models as one policy: a planner writes the next step in words, a grounder turns each place in it into a pixel."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError

from actions import Action, ActionError, ActionSpace, Bounds, Click, Dialect, Frame, Point, points
from actions.frame import Convention
from agent.canonical import Canonical
from agent.history import Past, Tone, answer
from agent.speaker import Speaker
from agent.spoken import ModelPolicy
from agent.step import Reply, Step
from env import Observation, Task

LONGEST = 20_000
"""Characters of a plan that are looked at."""

ASKED = """You plan the steps of an agent that acts on a screen by mouse and keyboard. You see the screen as it is now.
Reply with one JSON object, the next step, of this schema:
{schema}
Wherever the schema wants a place, describe in words what is to be seen there, so that it can mean nothing else on
this screen: another model looks for it and knows nothing but your words. Write no coordinates."""


class Written(BaseModel):
    """What the two wrote, each in its own words, kept apart."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    plan: str
    places: tuple[str, ...] = ()


@dataclass(frozen=True)
class Planned:
    """The dialect of both together: a plan whose places are calls in the dialect of the grounder, `inner`."""

    inner: Dialect

    @property
    def name(self) -> str:
        """Says whose places they are."""
        return f"plan+{self.inner.name}"

    @property
    def convention(self) -> Convention:
        """That of the grounder."""
        return self.inner.convention

    def frame(self, width: int, height: int, model_width: int, model_height: int) -> Frame:
        """That of the grounder."""
        return self.inner.frame(width, height, model_width, model_height)

    def prompt(self, space: ActionSpace, frame: Frame) -> str:
        """What the planner is told."""
        return ASKED.format(schema=json.dumps(form(space)))

    def print(self, action: Action, frame: Frame) -> str:
        """`action` with its places found by the grounder."""
        found: list[str] = []

        def word(place: JsonValue) -> JsonValue:
            found.append(self.inner.print(Click(at=Point.model_validate(place)), frame))
            return f"place {len(found)}"

        plan = _places(json.loads(Canonical().print(action, frame)), word)
        return Written(plan=json.dumps(plan), places=tuple(found)).model_dump_json()

    def parse(self, text: str, frame: Frame) -> Action:
        """The step that the planner wrote, at the places that the grounder found. Raises ActionError."""
        try:
            written = Written.model_validate_json(text)
        except ValidationError as error:
            raise ActionError(f"reply: {error.errors(include_url=False)[0]['msg']}") from error
        found = iter(written.places)
        plan = _places(read(written.plan), lambda words: self._point(words, next(found, ""), frame))
        return Canonical().parse(json.dumps(plan), frame)

    def grammar(self, space: ActionSpace, frame: Frame, bounds: Bounds | None = None) -> str | None:
        """None: a plan is written by another model than the places."""
        return None

    def writes(self, action: Action) -> bool:
        """Always: plans have a word for everything."""
        return True

    def _point(self, words: JsonValue, text: str, frame: Frame) -> JsonValue:
        _check(words)
        try:
            there = points(self.inner.parse(text, frame))
        except ActionError as mistake:
            raise ActionError(f"{words!r} was not found: {mistake}") from mistake
        if not there:
            raise ActionError(f"{words!r} was not found on the screen; describe it otherwise")
        return there[0].model_dump()


class Composed:
    """`planner` decides, `grounder` points. A place that is not found is the planner's mistake, and it is told."""

    def __init__(self, planner: Speaker, grounder: ModelPolicy, *, space: ActionSpace | None = None) -> None:
        self.planner, self.space = planner, space or ActionSpace.browser()
        self.grounder = grounder.within(ActionSpace.of("click"))
        self.name = f"{planner.name}+{grounder.name}"

    def within(self, space: ActionSpace) -> Composed:
        """The same two, the planner offered exactly the actions of `space`."""
        return Composed(self.planner, self.grounder, space=space)

    @property
    def dialect(self) -> Dialect:
        """How what both wrote is read."""
        return Planned(self.grounder.dialect)

    @property
    def screen(self) -> tuple[int, int] | None:
        """The size of screens that the grounder was trained on."""
        return self.grounder.screen

    def frame(self, seen: Observation) -> Frame:
        """That of the grounder."""
        return self.grounder.frame(seen)

    def reply(self, task: Task, history: Sequence[Step], seen: Observation) -> Reply:
        """A step in words, and where the places are that it names."""
        asked = self.dialect.prompt(self.space, self.frame(seen)) if self.planner.settings.system else ""
        tone = Tone(_Plans(), asked, form(self.space))
        plan = answer(self.planner, Past(task.instruction, history, seen), tone)
        found = [self.grounder.reply(Task(f"Click on {words}."), (), seen) for words in _named(plan.text)]
        text = Written(plan=plan.text, places=tuple(each.text for each in found)).model_dump_json()
        timings = {f"plan {name}": seconds for name, seconds in plan.timings.items()}
        for each in found:
            for name, seconds in each.timings.items():
                timings[f"ground {name}"] = timings.get(f"ground {name}", 0.0) + seconds
        usage = sum((each.usage for each in found), plan.usage)
        warnings = tuple(dict.fromkeys(text for each in (plan, *found) for text in each.warnings))
        return Reply(text, usage, timings, warnings)


class _Plans:
    """Earlier steps as the planner wrote them."""

    def tell(self, step: Step) -> str:
        """The plan on one line, and what went wrong with it."""
        said = " ".join(self.again(step).split())
        return f"{said} error: {step.error}" if step.error else said

    def again(self, step: Step) -> str:
        """The plan as it was written."""
        try:
            return Written.model_validate_json(step.reply.text).plan
        except ValidationError:
            return step.reply.text


def form(space: ActionSpace) -> dict[str, JsonValue]:
    """The JSON Schema of a plan: a canonical action with words where its places are."""
    whole = space.json_schema()["parameters"]
    assert isinstance(whole, dict)
    properties, definitions = whole["properties"], whole["$defs"]
    assert isinstance(properties, dict)
    assert isinstance(definitions, dict)
    action = properties["action"]
    assert isinstance(action, dict)
    words: JsonValue = {"type": "string", "description": "What is to be seen at the place."}
    return {**action, "$defs": {**definitions, "Point": words}}


def read(text: str) -> dict[str, JsonValue]:
    """The first JSON object in a plan. Raises ActionError."""
    decoder, text = json.JSONDecoder(), text[:LONGEST]
    at, tries = text.find("{"), 0
    while at >= 0 and tries < 20:
        try:
            found, _ = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            at, tries = text.find("{", at + 1), tries + 1
            continue
        if isinstance(found, dict):
            return found
    raise ActionError("the plan holds no JSON object that can be read; write exactly one")


def _places(plan: Mapping[str, JsonValue], turn: Callable[[JsonValue], JsonValue]) -> dict[str, JsonValue]:
    """The plan with each of its places turned into something else."""
    found = dict(plan)
    if found.get("at") is not None:
        found["at"] = turn(found["at"])
    if isinstance(path := found.get("path"), list):
        found["path"] = [turn(each) for each in path]
    return found


def _named(plan: str) -> Iterator[str]:
    """The words for each place of a plan, none where it cannot be read."""
    words: list[str] = []

    def keep(place: JsonValue) -> JsonValue:
        words.append(_check(place))
        return place

    try:
        _places(read(plan), keep)
    except ActionError:
        return iter(())
    return iter(words)


def _check(place: JsonValue) -> str:
    if not isinstance(place, str) or not place.strip():
        raise ActionError(f"{str(place)[:60]!r} is no place; describe in words what is to be seen there")
    return place.strip()[:500]
