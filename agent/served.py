"""A model behind a server that speaks the OpenAI interface: vLLM, SGLang, Ollama, llama.cpp, `handeye serve`, a host.

Images are brought to the size that smart_resize would give them before they are sent, so that the server's own resize
leaves them as they are: what the model sees is known here, and so is what its coordinates mean.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from openai.types import Model
from openai.types.completion_usage import CompletionUsage
from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError
from tokenizers import Tokenizer

from actions import DIALECTS, smart_resize
from agent.grammar import Constrain, constraint
from agent.link import Link
from agent.picture import resize
from agent.policy import PolicyBroken
from agent.settings import Settings, guess
from agent.speaker import Question, QuestionError, Said
from agent.step import Usage
from agent.wire import body, first, missing, texts, written
from env import Image

if TYPE_CHECKING:
    from model import Clip, Sampling

FACTOR, MIN_PIXELS, MAX_PIXELS = 28, 3136, 2700 * 28 * 28
"""What is sent where nobody says otherwise: a screen of 1920x1080 whole, at most 2700 tokens of Qwen2.5-VL."""

MESSAGE, PICTURE = 16, 4
"""Tokens that a chat template writes around a message and an image, rather too many than too few."""


class Sight(BaseModel):
    """How a server says that its model sees images; `handeye serve` does."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    factor: int = Field(ge=1)
    min_pixels: int = Field(ge=1)
    max_pixels: int = Field(ge=1)


class Card(BaseModel):
    """An entry of /v1/models: what is read of it, and who wrote it."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: str
    owned_by: str = ""
    max_model_len: int | None = None
    image: Sight | None = None
    handeye: Settings | None = None


@dataclass(frozen=True)
class Wish:
    """What is wanted of a server: the model, how it is spoken to, its form of answers, and how words are counted."""

    model: str = ""
    """Empty for the only one there is."""
    settings: Settings = field(default_factory=Settings)
    constrain: Constrain = "none"
    tokenizer: Tokenizer | None = None
    """The model's own, to count words exactly; without one a byte counts as a token, which no model exceeds."""
    clock: Callable[[], float] = time.perf_counter


Body: TypeAlias = dict[str, JsonValue]


class Served:
    """A model that is asked over HTTP; the server is first spoken to when its model's ways are needed."""

    hash = ""

    def __init__(self, link: Link, wish: Wish = Wish()) -> None:
        self.link, self.wish = link, wish
        self.name = wish.model or link.url

    @cached_property
    def card(self) -> Card:
        """What the server says of its model. Raises `PolicyBroken`."""
        found = {entry.id: entry for entry in self.link.models()}
        wanted = self.wish.model or (next(iter(found)) if len(found) == 1 else "")
        if not wanted:
            known = ", ".join(sorted(found)[:20]) or "none"
            raise PolicyBroken(f"{self.link.url} has these models: {known}; name one as {self.link.url}#NAME")
        return _card(found[wanted]) if wanted in found else Card(id=wanted)  # hosts do not list all they have

    @cached_property
    def settings(self) -> Settings:
        """What the caller wants, else what the server says, else what the model's name suggests."""
        said = self.card.handeye or Settings()
        known = self.wish.settings.over(said)
        dialect = known.dialect or guess(self.card.id)
        sight = self.card.image or Sight(
            factor=32 if dialect == "qwen3" else FACTOR, min_pixels=MIN_PIXELS, max_pixels=MAX_PIXELS
        )
        return known.model_copy(
            update={
                "dialect": dialect,
                "factor": known.factor or sight.factor,
                "min_pixels": known.min_pixels or sight.min_pixels,
                "max_pixels": known.max_pixels or sight.max_pixels,
            }
        )

    @property
    def room(self) -> int | None:
        """Tokens of prompt and answer together, where the caller or the server says how many."""
        return self.settings.context or self.card.max_model_len

    @cached_property
    def resizes(self) -> bool:
        """Whether images are brought to size; where coordinates count pixels of the screen, they stay as they are."""
        dialect = DIALECTS.get(self.settings.dialect or "")
        return dialect is None or dialect.convention != "screen"

    def size(self, width: int, height: int) -> tuple[int, int]:
        """The size at which an image is sent."""
        ways = self.settings
        if not self.resizes:
            return width, height
        assert ways.factor is not None
        assert ways.min_pixels is not None
        assert ways.max_pixels is not None
        budget = {"factor": ways.factor, "min_pixels": ways.min_pixels, "max_pixels": ways.max_pixels}
        try:
            rows, columns = smart_resize(height, width, **budget)
        except ValueError as error:
            raise QuestionError(str(error)) from error
        return columns, rows

    def clip(self, path: Path, sampling: Sampling) -> Clip:
        """Nothing: there is no agreed way to send a video."""
        raise QuestionError(f"{self.name}: videos cannot be sent to a server; send some of its frames as images")

    def count(self, question: Question) -> int:
        """Tokens of the prompt: images by the rule of smart_resize, words by the tokenizer where there is one."""
        return sum(map(self._units, question.images)) + self._most(question)

    def say(self, question: Question, watch: Callable[[str], None] | None = None) -> Said:
        """The server's answer, greedy; what it counts otherwise than we do is warned of."""
        if question.videos:
            raise QuestionError(f"{self.name}: videos cannot be sent to a server")
        images = [self._fit(image) for image in question.images]
        asked = body(question, images, self.card.id)
        asked |= constraint(self.wish.constrain, self.card.owned_by, question.schema)
        start = self.wish.clock()
        if watch and not question.tools:  # in a stream calls come apart; whole ones are put back into the text
            heard = self._listen(asked, question, watch)
        else:
            heard = self._hear(asked, question)
            if watch:
                watch(heard.text)
        sizes = tuple(map(_sizes, question.images, images))
        expected = sum(map(self._units, question.images))
        usage, warnings = self._weigh(heard.usage, expected, question)
        return Said(heard.text, (), usage, sizes, {"server": self.wish.clock() - start}, warnings)

    def _hear(self, asked: Body, question: Question) -> _Heard:
        answer = self.link.complete(asked)
        choice = first(answer, self.link.url)
        text = written(choice)
        return _Heard(text + missing(text, question.stop, choice), answer.usage)

    def _listen(self, asked: Body, question: Question, watch: Callable[[str], None]) -> _Heard:
        text, usage, last = "", None, None
        for chunk in self.link.stream(asked):
            usage = chunk.usage or usage
            for choice in chunk.choices:
                if piece := choice.delta.content:
                    text += piece
                    watch(piece)
                last = choice if choice.finish_reason else last
        if end := missing(text, question.stop, last):
            text += end
            watch(end)
        return _Heard(text, usage)

    def _fit(self, image: Image) -> Image:
        return resize(image, self.size(image.shape[1], image.shape[0]))

    def _units(self, image: Image) -> int:
        width, height = self.size(image.shape[1], image.shape[0])
        side = self.settings.factor or FACTOR
        return (width // side) * (height // side)

    def _most(self, question: Question) -> int:
        words = sum(map(self._words, texts(question)))
        return words + MESSAGE * (len(question.messages) + 1) + PICTURE * len(question.images)

    def _words(self, text: str) -> int:
        if self.wish.tokenizer is None:
            return len(text.encode(errors="replace"))
        return len(self.wish.tokenizer.encode(text, add_special_tokens=False).ids)

    def _weigh(self, told: CompletionUsage | None, expected: int, question: Question) -> tuple[Usage, tuple[str, ...]]:
        """The usage, and a warning where the server saw other images than were sent."""
        if told is None:
            return Usage(image_tokens=expected), ("the server told no usage",)
        details = told.prompt_tokens_details
        seen = details.image_tokens if details else None
        usage = Usage(told.prompt_tokens, expected if seen is None else seen, told.completion_tokens)
        if not self.resizes:
            return usage, ()
        if seen is not None:
            wrong = seen != expected
        else:
            wrong = not expected <= told.prompt_tokens <= expected + self._most(question)
        if not wrong:
            return usage, ()
        counted = f"{seen} image tokens" if seen is not None else f"{told.prompt_tokens} prompt tokens"
        return usage, (
            f"the server counted {counted} where {expected} image tokens were sent: it may have resized the images, "
            "and coordinates may be off; is `factor` right, and does the server keep images as they are?",
        )


@dataclass(frozen=True)
class _Heard:
    """What a server answered."""

    text: str
    usage: CompletionUsage | None


def _card(entry: Model) -> Card:
    """An entry of /v1/models, as far as it is what a `Card` holds; the server's word is data."""
    try:
        return Card.model_validate(entry.model_dump())
    except ValidationError:
        return Card(id=entry.id, owned_by=entry.owned_by)


def _sizes(given: Image, seen: Image) -> tuple[int, int, int, int]:
    return given.shape[1], given.shape[0], seen.shape[1], seen.shape[0]
