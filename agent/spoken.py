"""A policy that is a model which can be spoken to, wherever it runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from types import MappingProxyType

from pydantic import JsonValue

from actions import ActionSpace, Click, Dialect, Frame, Point, fara, mobile, qwen25
from actions.functions import Function
from actions.terms import BOUNDS, place_spans
from agent.engine import Engine
from agent.history import Past, Tone, answer
from agent.policy import PolicyBroken
from agent.prompt import told
from agent.settings import Settings
from agent.speaker import Speaker
from agent.step import Reply, Step
from env import Observation, Task


class ModelPolicy:
    """Asks `speaker` what to do, within `space`.

    By default the prompt is one user turn, text first and the newest screen last, so that all before the screen stays
    a prefix that does not change within a step; `Settings.history` asks for more screens.
    """

    def __init__(self, speaker: Speaker, *, space: ActionSpace | None = None) -> None:
        self.speaker, self.space = speaker, space or ActionSpace.browser()
        self.name = speaker.name

    def within(self, space: ActionSpace) -> ModelPolicy:
        """The same model, offered exactly the actions of `space`."""
        return ModelPolicy(self.speaker, space=space)

    @property
    def settings(self) -> Settings:
        """How the model is spoken to."""
        return self.speaker.settings

    @cached_property
    def dialect(self) -> Dialect:
        """How its replies are read."""
        return self.settings.speech(self.name)

    @property
    def hash(self) -> str:
        """SHA-256 of the weights; empty where they are not at hand."""
        return self.speaker.hash

    @property
    def max_pixels(self) -> int | None:
        """The largest image it looks at, as far as it is known."""
        speaker = self.speaker
        return speaker.processor.max_pixels if isinstance(speaker, Engine) else self.settings.max_pixels

    @property
    def screen(self) -> tuple[int, int] | None:
        """The size of the screens it was trained on."""
        return self.settings.screen

    def frame(self, seen: Observation) -> Frame:
        """The screen beside the image that the model sees of it."""
        return self.dialect.frame(*seen.size, *self.speaker.size(*seen.size))

    def grammar(self, frame: Frame) -> str | None:
        """What a reply has to look like; a model that needs no telling of the actions writes the call alone."""
        if not self.settings.grammar:
            return None
        bounds = BOUNDS if self.settings.system else replace(BOUNDS, thought=0)
        try:
            return self.dialect.grammar(self.space, frame, bounds)
        except ValueError as error:
            raise PolicyBroken(f"{self.name}: {error}") from error

    def draft(self, frame: Frame) -> str:
        """What a reply may well begin with: a click, up to its place."""
        click = Click(at=Point(x=0, y=0))
        if click.kind not in self.space.kinds:
            return ""
        text = self.dialect.print(click, frame)
        return text[: place_spans(text)[0][0]]

    def reply(self, task: Task, history: Sequence[Step], seen: Observation) -> Reply:
        """What the model writes, up to the end of its first call."""
        frame = self.frame(seen)
        system = self.dialect.prompt(self.space, frame) if self.settings.system else ""
        grammar = self.grammar(frame)
        draft = self.draft(frame) if grammar else ""
        tone = Tone(_Own(self, frame), system, schema(self.dialect, self.space, frame), grammar, draft)
        return answer(self.speaker, Past(task.instruction, history, seen), tone)


@dataclass(frozen=True)
class _Own:
    """Earlier steps in the model's own dialect and in the coordinates of this prompt's images."""

    policy: ModelPolicy
    frame: Frame

    def tell(self, step: Step) -> str:
        """In the coordinates of the newest image."""
        return told(step, self.policy.dialect, self.frame)

    def again(self, step: Step) -> str:
        """As it was written, unless the image that belongs to it now has another frame."""
        frame, dialect = self.policy.frame(step.before), self.policy.dialect
        if step.action is None or step.frame == frame or not dialect.writes(step.action):
            return step.reply.text
        return dialect.print(step.action, frame)


FUNCTIONS: Mapping[str, Function] = MappingProxyType(
    {
        "fara": fara.COMPUTER,
        "qwen2.5": qwen25.COMPUTER,
        "qwen2.5-mobile": mobile.MOBILE,
        "qwen3": qwen25.COMPUTER,
    }
)
"""The function that a dialect consists of calling, by the dialect's name; others write no JSON."""


def schema(dialect: Dialect, space: ActionSpace, frame: Frame) -> Mapping[str, JsonValue] | None:
    """What a reply in this dialect looks like as JSON, for servers that can hold a model to it; None if it is not."""
    function = FUNCTIONS.get(dialect.name)
    if function is None:
        return None
    return {
        "type": "object",
        "properties": {
            "name": {"type": "string", "enum": [function.name]},
            "arguments": function.signature(space, frame)["parameters"],
        },
        "required": ["name", "arguments"],
        "additionalProperties": False,
    }
