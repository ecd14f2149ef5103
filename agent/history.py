"""How much of the past a prompt shows, and the conversation that comes of it.

Steps whose screen is no longer shown are told as text in the first turn; the others are turns of their own, a screen
and what was replied to it. The newest screen always stands last.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from pydantic import JsonValue

from agent.describe import aftermath, pending
from agent.notes import notes, ruled
from agent.policy import PolicyBroken
from agent.prompt import HISTORY, compose
from agent.speaker import Question, QuestionError, Speaker
from agent.step import Reply, Step
from env import Image, Observation

STOP = ("</tool_call>",)

CHUNK = 4
"""Screens that the policy "all" lets go of at a time, where its prompt would grow too long."""


@dataclass(frozen=True)
class History:
    """At most `images` screens (None: all there are), let go of `chunk` at a time.

    Chunks keep the beginning of the prompt as it was for several steps, which engines with a prefix cache reward.
    """

    images: int | None = 1
    chunk: int = 1

    @classmethod
    def parse(cls, text: str) -> History:
        """ "newest", "last:N", "chunk:N" (at most N, dropped by halves) or "all", as `Settings.history` has them."""
        kind, _, number = text.partition(":")
        match kind:
            case "newest":
                return cls()
            case "last":
                return cls(int(number))
            case "chunk":
                return cls(int(number), max(1, int(number) // 2))
            case "all":
                return cls(None, CHUNK)
        raise ValueError(f"history: {text!r}; expected newest, last:N, chunk:N or all")

    def choices(self, screens: int) -> Iterator[int]:
        """How many of so many screens to show, newest ones, the most first and 1 last."""
        most = screens if self.images is None else min(self.images, screens)
        shown = screens - -(-(screens - most) // self.chunk) * self.chunk
        while shown > 1:
            yield shown
            shown -= self.chunk
        yield 1


class Voice(Protocol):
    """How one kind of policy tells its model of what it did."""

    def tell(self, step: Step) -> str:
        """An earlier step as a line of text."""
        ...

    def again(self, step: Step) -> str:
        """What was replied to a screen that is shown once more."""
        ...


@dataclass(frozen=True)
class Past:
    """What a prompt is made of: the task, the steps so far and the newest screen."""

    instruction: str
    steps: Sequence[Step]
    seen: Observation

    def turns(self, voice: Voice, shown: int = 1, told: int = HISTORY) -> tuple[Mapping[str, object], ...]:
        """Messages with `shown` screens, the newest among them, and at most `told` steps before them as text."""
        first = len(self.steps) - (shown - 1)
        older, kept = self.steps[:first], self.steps[first:]
        texts = [compose(self.instruction, older[max(0, len(older) - told) :], voice.tell)]
        texts += [_between(step) for step in kept]
        texts[-1] += "".join(f"{line}\n" for line in (pending(self.seen),) if line) + notes(self.seen)
        texts[-1] += ruled("".join(texts))
        messages = [_user(texts[0])]
        for step, text in zip(kept, texts[1:], strict=True):
            messages += [{"role": "assistant", "content": voice.again(step)}, _user(text)]
        return tuple(messages)

    def screens(self, shown: int = 1) -> tuple[Image, ...]:
        """The pictures of those messages."""
        first = len(self.steps) - (shown - 1)
        return (*(step.before.screenshot for step in self.steps[first:]), self.seen.screenshot)

    def prompts(self, history: History) -> Iterator[tuple[int, int]]:
        """Screens to show and steps to tell, the richest prompt first; then screens go, and then words."""
        for shown in history.choices(len(self.steps) + 1):
            yield shown, HISTORY
        for told in range(min(HISTORY, len(self.steps)) - 1, -1, -1):
            yield 1, told


@dataclass(frozen=True)
class Tone:
    """How a prompt is worded: the voice, the system text (empty: none), and the form of an answer."""

    voice: Voice
    system: str = ""
    schema: Mapping[str, JsonValue] | None = None
    grammar: str | None = None
    draft: str = ""  # what that may well begin with


def answer(speaker: Speaker, past: Past, tone: Tone) -> Reply:
    """What the model replies to the richest prompt that it has room for. Raises `PolicyBroken`."""
    try:
        said = speaker.say(fit(speaker, past, tone))
    except QuestionError as error:
        raise PolicyBroken(str(error)) from error
    return Reply(said.text, said.usage, said.timings, said.warnings, said.chance)


def fit(speaker: Speaker, past: Past, tone: Tone) -> Question:
    """The richest prompt that leaves room for the answer; `QuestionError` where not even the poorest does."""
    settings, room, took = speaker.settings, speaker.room, 0
    for shown, told in past.prompts(History.parse(settings.history)):
        messages = past.turns(tone.voice, shown, told)
        if tone.system:
            messages = ({"role": "system", "content": tone.system}, *messages)
        question = Question(
            messages,
            past.screens(shown),
            max_tokens=settings.max_tokens,
            stop=STOP,
            schema=tone.schema,
            grammar=tone.grammar,
            draft=tone.draft,
        )
        if room is None or (took := speaker.count(question)) + settings.max_tokens <= room:
            return question
    raise QuestionError(
        f"{speaker.name} has room for {room} tokens; the newest screen alone takes a prompt of {took} and an answer of "
        f"up to {settings.max_tokens}: lower max_pixels or max_tokens"
    )


def _between(step: Step) -> str:
    """What stands between a reply and the next screen."""
    if step.error:
        return f"error: {step.error}\n"
    after = aftermath(step.after.receipt) if step.after and step.after.receipt else ""
    return f"{after}\n" if after else ""


def _user(text: str) -> Mapping[str, object]:
    words = [{"type": "text", "text": text}] if text else []
    return {"role": "user", "content": [*words, {"type": "image"}]}
