"""What a prompt shows of the past: how many screens, which steps as words, and never more than there is room for."""

from __future__ import annotations

import numpy as np
import pytest
from agent_runs import NAME, WIN, click
from hypothesis import given
from hypothesis import strategies as st

from actions import DIALECTS, ActionSpace, Dialect, Frame
from agent.engine import Engine
from agent.episode import run
from agent.history import History, Past
from agent.policy import PolicyBroken, Scripted
from agent.prompt import write
from agent.settings import Settings
from agent.speaker import Question, Said
from agent.spoken import ModelPolicy
from agent.step import Step
from env import Observation, Screens, Task


class Notes:
    """Answers as it is told, and notes what it was asked; a word is a token and so are 100 pixels."""

    name, hash = "notes", ""

    def __init__(self, settings: Settings, *, room: int | None = None, scale: int = 1) -> None:
        self.settings, self.room, self.scale = settings, room, scale
        self.asked: list[Question] = []

    def size(self, width: int, height: int) -> tuple[int, int]:
        return width * self.scale, height * self.scale

    def clip(self, path: object, sampling: object) -> object:
        raise NotImplementedError

    def count(self, question: Question) -> int:
        words = sum(len(text.split()) for text in texts(question))
        return words + sum(image.shape[0] * image.shape[1] // 100 for image in question.images)

    def say(self, question: Question, watch: object = None) -> Said:
        self.asked.append(question)
        return Said('<tool_call>{"name": "computer_use", "arguments": {"action": "wait", "time": 0}}</tool_call>')


def texts(question: Question) -> list[str]:
    found = []
    for message in question.messages:
        content = message["content"]
        found += [content] if isinstance(content, str) else [part["text"] for part in content if "text" in part]
    return found


@pytest.fixture(scope="module")
def steps() -> tuple[Step, ...]:
    """A win with a mistake in it; the replies are in the dialect of scripts."""
    with Screens() as env:
        return run(env, Scripted([WIN[0], "?!", *WIN[1:3], *[click(1, 1), click(2, 2)] * 8]), Task("sign in")).steps


def ask(steps: tuple[Step, ...], history: str, room: int | None = None, scale: int = 1) -> Question:
    speaker = Notes(Settings(dialect="qwen2.5", system=False, history=history, max_tokens=10), room=room, scale=scale)
    seen = steps[-1].after or steps[-1].before
    ModelPolicy(speaker).reply(Task("Go."), steps, seen)
    return speaker.asked[0]


def test_by_default_one_turn_holds_the_words_and_the_newest_screen(steps: tuple[Step, ...]) -> None:
    asked = ask(steps, "newest")
    text = write("Go.", steps, DIALECTS["qwen2.5"], Frame(336, 252, 336, 252))
    content = [{"type": "text", "text": text}, {"type": "image"}]
    assert asked.messages == ({"role": "user", "content": content},)
    assert len(asked.images) == 1
    assert asked.images[0] is (steps[-1].after or steps[-1].before).screenshot


@pytest.mark.parametrize(("history", "taken", "shown"), [
    ("last:3", 10, 3), ("last:3", 1, 2), ("all", 10, 11), ("chunk:4", 2, 3), ("chunk:4", 3, 4), ("chunk:4", 4, 3),
    ("chunk:4", 5, 4), ("chunk:4", 6, 3), ("chunk:1", 6, 1),
])  # fmt: skip
def test_so_many_screens_are_shown_each_with_what_was_replied(
    history: str, taken: int, shown: int, steps: tuple[Step, ...]
) -> None:
    asked = ask(steps[:taken], history)
    assert len(asked.images) == shown
    assert [m["role"] for m in asked.messages] == ["user", *["assistant", "user"] * (shown - 1)]
    for image, step in zip(asked.images, steps[taken - shown + 1 :], strict=False):
        assert image is step.before.screenshot
    told = [line for line in texts(asked)[0].splitlines() if line.startswith("Step ")]
    assert len(told) == min(8, taken - shown + 1)


def test_a_mistake_is_told_where_its_screen_is_shown_again(steps: tuple[Step, ...]) -> None:
    asked = ask(steps[:2], "all")
    assert asked.messages[-1]["content"] == [{"type": "text", "text": f"error: {steps[1].error}\n"}, {"type": "image"}]
    assert asked.messages[-2]["content"] == "?!"


def test_places_are_told_in_the_frame_of_the_prompt_and_not_in_that_of_their_time(steps: tuple[Step, ...]) -> None:
    asked = ask(steps[:1], "last:2", scale=2)
    assert steps[0].frame == Frame(336, 252, 336, 252)
    assert f'"coordinate": [{2 * NAME.at.x}, {2 * NAME.at.y}]' in str(asked.messages[1]["content"])


def test_a_place_on_a_screen_of_another_size_keeps_its_share_of_the_way(steps: tuple[Step, ...]) -> None:
    small = Observation(np.zeros((126, 168, 3), dtype=np.uint8))
    speaker = Notes(Settings(dialect="qwen2.5", system=False))
    ModelPolicy(speaker).reply(Task("Go."), steps[:1], small)
    assert f'"coordinate": [{NAME.at.x // 2}, {NAME.at.y // 2}]' in texts(speaker.asked[0])[0]


def test_screens_are_let_go_of_and_then_words_until_the_prompt_fits(steps: tuple[Step, ...]) -> None:
    whole = ask(steps[:10], "last:4")
    most = Notes(Settings(dialect="qwen2.5")).count(whole) + 10
    assert len(ask(steps[:10], "last:4", room=most).images) == 4
    assert len(ask(steps[:10], "last:4", room=most - 1).images) == 3
    bare = 846 + 10 + 5  # a screen, the answer, and the words of no step at all
    least = ask(steps[:10], "last:4", room=bare)
    assert (len(least.images), texts(least)) == (1, ["Instruction: Go.\nPrevious actions: None\n"])
    one = ask(steps[:10], "last:4", room=bare + 30)
    assert texts(one)[0].count("Step ") in range(1, 8)
    with pytest.raises(PolicyBroken, match=r"notes has room for 860 tokens; .* a prompt of 851 .* of up to 10"):
        ask(steps[:10], "last:4", room=bare - 1)


@given(st.integers(1, 200), st.integers(1, 20), st.integers(1, 10))
def test_chunks_keep_the_start_of_the_prompt_and_the_most_is_never_passed(screens: int, most: int, chunk: int) -> None:
    history = History(most, min(chunk, most))
    choices = list(history.choices(screens))
    assert choices[-1] == 1
    assert choices == sorted(choices, reverse=True)
    assert 1 <= choices[0] <= min(most, screens)
    assert screens - choices[0] == 0 or (screens - choices[0]) % history.chunk == 0


def test_what_is_no_history_is_refused() -> None:
    for text in ("last", "last:0", "none", "chunk:x"):
        with pytest.raises(ValueError, match="history"):
            Settings(history=text)
    assert History.parse("all") == History(None, 4)
    assert Past("x", (), Observation(np.zeros((2, 2, 3), dtype=np.uint8))).screens()[0].shape == (2, 2, 3)


class Spy(Screens):
    """Screens on which only clicks and the end are possible."""

    @property
    def space(self) -> ActionSpace:
        return ActionSpace.of("click", "finish")


def test_a_model_is_offered_the_actions_of_its_screen_and_no_others() -> None:
    speaker = Notes(Settings(dialect="qwen2.5"))
    with Spy() as env:
        trajectory = run(env, ModelPolicy(speaker), Task("sign in"))
    assert trajectory.stop.reason == "loop"
    system = texts(speaker.asked[0])[0]
    assert "left_click" in system
    assert not [name for name in ("goto_url", "switch_tab", "hscroll", "key`") if name in system]
    assert speaker.asked[0].schema is not None
    assert "goto_url" not in str(speaker.asked[0].schema)


def test_the_engine_counts_exactly_what_it_will_read() -> None:
    engine = Engine()
    seen = Observation(np.full((208, 160, 3), 255, dtype=np.uint8))
    asked: list[Question] = []

    class Listening:
        """The engine, overheard."""

        name, hash, settings, room = engine.name, "", engine.settings.model_copy(update={"max_tokens": 2}), engine.room
        size, count, clip = engine.size, engine.count, engine.clip

        def say(self, question: Question, watch: object = None) -> Said:
            asked.append(question)
            return engine.say(question)

    reply = ModelPolicy(Listening()).reply(Task('Click on the "OK" button.'), (), seen)
    assert reply.usage.prompt_tokens == engine.count(asked[0])
    assert engine.room == 4096


@pytest.mark.parametrize("dialect", list(DIALECTS.values()), ids=lambda d: d.name)
def test_every_dialect_can_tell_the_past(dialect: Dialect, steps: tuple[Step, ...]) -> None:
    speaker = Notes(Settings(dialect=dialect.name, history="last:3"), scale=3)
    policy = ModelPolicy(speaker)
    seen = steps[4].before
    policy.reply(Task("Go."), steps[:4], seen)
    assert len(speaker.asked[0].images) == 3
    assert policy.frame(seen) == dialect.frame(336, 252, 1008, 756)
