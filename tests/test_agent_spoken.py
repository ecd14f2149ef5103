"""A model's replies are held to its dialect's grammar, and it is told how sure it was of them."""

from __future__ import annotations

from pathlib import Path

import pytest
from agent_runs import keep
from plain_screen import plain_screen
from test_agent_history import Notes

from actions import DIALECTS, ActionSpace, Bounds
from agent.cassette import Played, Recorded
from agent.choose import Ways, choose
from agent.engine import Engine
from agent.limits import Limits
from agent.policy import PolicyBroken
from agent.reader import read_run
from agent.seeing import Sight
from agent.settings import Settings
from agent.spoken import ModelPolicy
from agent.step import Reply
from agent.tape import Tape
from env import Observation, Task

SEEN = Observation(plain_screen())
CLICK = Task('Click on the "OK" button.')
EXACT = Sight(dtype="float32")


def grammar(settings: Settings, space: ActionSpace | None = None) -> str | None:
    """What a speaker is asked to keep to."""
    speaker = Notes(settings)
    ModelPolicy(speaker, space=space).reply(CLICK, (), SEEN)
    return speaker.asked[0].grammar


def test_a_model_is_held_to_its_dialect_its_space_and_its_screen_unless_told_otherwise() -> None:
    space, dialect = ActionSpace.pointer(), DIALECTS["fara"]
    frame = dialect.frame(160, 208, 160, 208)
    assert grammar(Settings(dialect="fara"), space) == dialect.grammar(space, frame)
    assert grammar(Settings(dialect="fara", grammar=False), space) is None
    assert grammar(Settings(dialect="openai")) is None


def test_a_model_that_needs_no_telling_writes_the_call_alone() -> None:
    frame, space = DIALECTS["qwen2.5"].frame(160, 208, 160, 208), ActionSpace.browser()
    bare = DIALECTS["qwen2.5"].grammar(space, frame, Bounds(thought=0))
    assert grammar(Settings(dialect="qwen2.5", system=False)) == bare != grammar(Settings(dialect="qwen2.5"))


def test_a_space_that_a_dialect_has_no_words_for_is_named() -> None:
    with pytest.raises(PolicyBroken, match=r"^notes: Qwen2-VL: has no action of select; expected one"):
        grammar(Settings(dialect="qwen2"), ActionSpace.of("select"))


def test_the_command_lets_go_of_the_grammar() -> None:
    free, held = (choose("builtin", ways=Ways(said)) for said in (("grammar=False",), ()))
    assert isinstance(free, ModelPolicy)
    assert isinstance(held, ModelPolicy)
    assert (free.settings.grammar, held.settings.grammar) == (False, True)


@pytest.fixture(scope="module")
def replies(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Reply]:
    """The built-in model's on a screen it knows: held, free, recorded and played.

    In float32: what is unlikely comes out some percent apart in bfloat16 where another part was read already.
    """
    tape = tmp_path_factory.mktemp("tape") / "tape.jsonl"
    held = ModelPolicy(Engine(sight=EXACT))
    free = ModelPolicy(Engine(sight=EXACT, settings=held.settings.model_copy(update={"grammar": False})))
    recorded = ModelPolicy(Recorded(held.speaker, Tape.blank(tape)))
    asked = {"held": held, "free": free, "recorded": recorded}
    said = {name: policy.reply(CLICK, (), SEEN) for name, policy in asked.items()}
    return said | {"played": ModelPolicy(Played(Tape.read(tape))).reply(CLICK, (), SEEN)}


def test_a_reply_tells_how_sure_the_engine_was(replies: dict[str, Reply]) -> None:
    held, free = replies["held"].chance, replies["free"].chance
    assert held is not None
    assert free is not None
    assert (held.held, free.held) == (True, False)
    assert held.places is not None
    assert held.call <= held.places <= 0
    assert replies["held"].text == replies["free"].text
    assert held.call >= free.call - 1e-3  # the same call, among less


def test_a_cassette_keeps_how_sure_it_was(replies: dict[str, Reply]) -> None:
    asked, said = replies["held"].chance, replies["recorded"].chance
    assert replies["played"].chance == said
    assert asked is not None
    assert said is not None
    assert abs(asked.call - said.call) < 1e-3  # with another part of the prompt read already


def test_records_keep_how_sure_it_was(tmp_path: Path) -> None:
    keep(tmp_path, ModelPolicy(Engine()), limits=Limits(steps=1))
    chance = read_run(tmp_path).lines[0].reply.chance
    assert chance is not None
    assert chance.held
    assert chance.call < 0
    keep(tmp_path / "b", limits=Limits(steps=1))
    assert read_run(tmp_path / "b").lines[0].reply.chance is None
