"""What letting go of earlier screens costs the built-in model, against a session that keeps them and prompts without.

`pytest tests/test_agent_eviction.py -m slow -s` prints the figures.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pytest
import torch
from agent_runs import WIN
from torch import Tensor

from agent.engine import Engine
from agent.episode import run
from agent.limits import Limits
from agent.policy import Policy, Scripted
from agent.speaker import PLAIN, Question, Said
from agent.spoken import ModelPolicy
from agent.step import Reply, Step
from env import Environment, Observation, Screens, Task
from env.miniwob import MiniWoB
from model import Prompt, Session
from model.resume import resume


class Remembering(Engine):
    """The built-in model, which keeps the last question."""

    asked: Question

    def say(self, question: Question, watch: Callable[[str], None] | None = None) -> Said:
        self.asked = question
        return super().say(question, watch)


ENGINE = Remembering(sight=replace(PLAIN, dtype="float32"))
SEVERAL = ("login-user", "enter-text", "click-checkboxes", "click-option", "click-button-sequence")
"""Tasks of several steps that the built-in model was trained for."""


@dataclass(frozen=True)
class Heard:
    """Logits [T,V] where the first of all answers stands, and the answer's own tokens."""

    logits: Tensor
    answer: tuple[int, ...]

    def far(self, other: Heard) -> float:
        """Relative L2 distance of the logits."""
        return float((self.logits - other.logits).norm() / other.logits.norm())

    def agrees(self, other: Heard) -> float:
        """Share of places with the same likeliest token."""
        return float((self.logits.argmax(-1) == other.logits.argmax(-1)).float().mean())


@dataclass(frozen=True)
class Compared:
    """One step, with so many screens: kept, evicted, and never shown; and the newest alone, as it was trained."""

    screens: int
    kept: Heard
    evicted: Heard
    without: Heard
    newest: tuple[int, ...]


@dataclass
class Measuring:
    """Acts by the newest screen alone, and asks on the side what it would say with all of them."""

    policy: ModelPolicy
    all_screens: ModelPolicy
    speaker: Listening
    name: str = "measuring"

    def __post_init__(self) -> None:
        self.dialect, self.frame = self.policy.dialect, self.policy.frame

    def reply(self, task: Task, history: Sequence[Step], seen: Observation) -> Reply:
        said = self.policy.reply(task, history, seen)
        self.speaker.newest = ENGINE.model.format.tokenizer.encode(said.text, add_special_tokens=False).ids
        self.all_screens.reply(task, history, seen)
        return said


@dataclass
class Listening:
    """A speaker that is shown all screens, three ways; `restated`: the newest with the words it was trained with."""

    restated: bool
    name: str = "listening"
    hash: str = ""
    newest: Sequence[int] = ()
    compared: list[Compared] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.settings = ENGINE.settings.model_copy(update={"history": "all", "grammar": False})
        self.room, self.size, self.count, self.clip = ENGINE.room, ENGINE.size, ENGINE.count, ENGINE.clip
        self.keeping, self.evicting = (Session(ENGINE.model.network) for _ in range(2))

    def say(self, question: Question, watch: Callable[[str], None] | None = None) -> Said:
        messages = (*question.messages[:-1], ENGINE.asked.messages[-1]) if self.restated else question.messages
        whole, last = prompt(messages, question.images), prompt(alone(messages), question.images[-1:])
        if len(question.images) == 1:
            self.keeping.rewind(0)
            self.evicting.rewind(0)
        answer = self.written(self.keeping, whole)
        kept = Heard(self.heard(self.keeping, whole, answer), answer)
        mine = self.written(self.evicting, whole)
        evicted = Heard(self.heard(self.evicting, whole, answer), mine)
        fresh = Session(ENGINE.model.network)
        without = Heard(self.heard(fresh, last, answer), self.written(fresh, last))
        self.compared.append(Compared(len(question.images), kept, evicted, without, tuple(self.newest)))
        for number, sight in enumerate(self.evicting.sights):
            if not sight.hidden:
                self.evicting.evict(number)
        return Said(ENGINE.model.format.decode(answer), answer)

    def written(self, session: Session, asked: Prompt) -> tuple[int, ...]:
        tokens = resume(session, asked, eos=ENGINE.model.eos, limit=self.settings.max_tokens).tokens
        return tuple(token for token in tokens if token not in ENGINE.model.eos)

    def heard(self, session: Session, asked: Prompt, answer: Sequence[int]) -> Tensor:
        return torch.stack([session.read(asked), *(session.feed([token]) for token in answer)])


def prompt(
    messages: Sequence[Mapping[str, object]], images: Sequence[np.ndarray[tuple[int, ...], np.dtype[np.uint8]]]
) -> Prompt:
    model = ENGINE.model
    pictures = [model.album.image(image, model.processor) for image in images]
    sizes = [model.processor.tokens(image.shape[1], image.shape[0]) for image in images]
    return Prompt.of(model.format.encode(messages, sizes), pictures)


def alone(messages: Sequence[Mapping[str, object]]) -> list[Mapping[str, object]]:
    """The conversation with the last picture and no other."""
    shown: list[Mapping[str, object]] = []
    for message in messages[:-1]:
        content = message["content"]
        assert isinstance(content, str | list)
        words = content if isinstance(content, str) else [part for part in content if part["type"] != "image"]
        shown.append({**message, "content": words})
    return [*shown, messages[-1]]


def compare(
    env: Environment, tasks: Sequence[Task], steps: int, policy: Policy | None = None, *, restated: bool = False
) -> list[Compared]:
    """Every step of those episodes."""
    speaker = Listening(restated)
    measuring = Measuring(ModelPolicy(ENGINE), ModelPolicy(speaker), speaker)
    for task in tasks:
        run(env, Led(measuring, policy) if policy else measuring, task, limits=Limits(steps=steps, repeats=None))
    return speaker.compared


@dataclass
class Led:
    """Measures, and does what another policy says."""

    measuring: Measuring
    policy: Policy

    def __post_init__(self) -> None:
        self.name, self.dialect, self.frame = "led", self.policy.dialect, self.policy.frame

    def reply(self, task: Task, history: Sequence[Step], seen: Observation) -> Reply:
        self.measuring.reply(task, history, seen)
        return self.policy.reply(task, history, seen)


def told(compared: Sequence[Compared], what: str) -> None:
    """A line for each number of screens, 0 for all: how far evicted is from others, who still answers as trained."""
    print(f"\n{what}; evicted against kept and against without: L2, tokens, answers; as with the newest screen alone")
    print("screens steps | kept                | without             | kept  evicted without")
    for screens in sorted({one.screens for one in compared if one.screens > 1} | {0}):
        some = [one for one in compared if one.screens > 1 and screens in (0, one.screens)]
        row = [*distance(some, [one.kept for one in some]), *distance(some, [one.without for one in some])]
        for heard in ([one.kept for one in some], [one.evicted for one in some], [one.without for one in some]):
            row.append(mean([mine.answer == one.newest for mine, one in zip(heard, some, strict=True)]))
        print(f"{screens:>7} {len(some):5} | " + " ".join(f"{value:6.3f}" for value in row))


def distance(compared: Sequence[Compared], others: Sequence[Heard]) -> list[float]:
    pairs = [(one.evicted, other) for one, other in zip(compared, others, strict=True)]
    found = [(mine.far(other), mine.agrees(other), mine.answer == other.answer) for mine, other in pairs]
    return [mean(column) for column in zip(*found, strict=True)]


def mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def test_eviction_changes_what_is_read_later_and_nothing_before_it() -> None:
    with Screens() as env:
        compared = compare(env, [Task("sign in as ada")], 3, Scripted(WIN))
    told(compared, "sign-in screens")
    assert [one.screens for one in compared] == [1, 2, 3]
    assert compared[0].evicted.far(compared[0].kept) < 1e-4
    assert compared[0].without.far(compared[0].kept) < 1e-4
    for one in compared[1:]:
        assert 1e-3 < one.evicted.far(one.kept) < 1.5  # it sees less than a session that keeps
        assert 1e-3 < one.evicted.far(one.without) < 1.5  # and more than one that never saw


@pytest.mark.slow
@pytest.mark.parametrize("restated", [False, True])
def test_what_eviction_costs_the_built_in_model_is_told(restated: bool) -> None:
    tasks = [Task(start=name, seed=1_000_000 + seed) for seed in range(6) for name in SEVERAL]
    with MiniWoB() as env:
        compared = compare(env, tasks, 6, restated=restated)
    told(compared, "restated" if restated else "as a conversation")
    later = [one for one in compared if one.screens > 1]
    assert len(later) > 50
    assert all(one.evicted.far(one.kept) < 1e-3 for one in compared if one.screens == 1)
    assert mean([one.evicted.far(one.kept) for one in later]) > 0.01  # an approximation, not to be had unasked
