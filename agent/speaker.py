"""Who can be asked a question about pictures: the contract that every way to reach a model keeps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol

from pydantic import JsonValue

from agent.settings import Settings
from agent.step import Chance, Usage
from env import Image

if TYPE_CHECKING:
    from model.video import Clip, Sampling


class QuestionError(ValueError):
    """A question that cannot be put to this model: too long, too narrow, or in a form it does not know."""


@dataclass(frozen=True)
class Sight:
    """How a model is opened: pixels of each image or frame, and the numbers it computes with."""

    min_pixels: int | None = None
    """None for what the model's own settings say."""
    max_pixels: int | None = None
    dtype: str = "auto"


PLAIN = Sight()
"""As the model's own files have it."""


def _nothing() -> Mapping[str, float]:
    return MappingProxyType({})


@dataclass(frozen=True)
class Question:
    """Messages as `Chat.encode` takes them, and the pictures and videos of their places in order."""

    messages: tuple[Mapping[str, object], ...]
    images: tuple[Image, ...] = ()
    videos: tuple[Clip, ...] = ()
    max_tokens: int = 512
    stop: tuple[str, ...] = ()
    tools: tuple[Mapping[str, object], ...] = ()
    schema: Mapping[str, JsonValue] | None = None
    """The JSON Schema of an answer, for a server that was told to hold its model to one."""
    grammar: str | None = None
    """What an answer has to look like, for our own engine, see `model.grammar`."""
    draft: str = ""
    """What such an answer may well begin with, see `model.Ask`; no answer depends on it."""


@dataclass(frozen=True)
class Said:
    """What a model wrote, and what that cost."""

    text: str
    tokens: tuple[int, ...] = ()
    """Empty where a server does not tell."""
    usage: Usage = field(default_factory=Usage)
    image_sizes: tuple[tuple[int, int, int, int], ...] = ()
    """Width and height as given, then as seen."""
    timings: Mapping[str, float] = field(default_factory=_nothing)
    warnings: tuple[str, ...] = ()
    """What did not agree and may have moved a coordinate; for the record."""
    chance: Chance | None = None
    """How sure it was of its call; None where nobody tells."""


class Speaker(Protocol):
    """A model that can be spoken to, wherever it runs."""

    @property
    def name(self) -> str:
        """What records call it."""
        ...

    @property
    def settings(self) -> Settings:
        """How it is spoken to. Raises `PolicyBroken` where that cannot be found out."""
        ...

    @property
    def hash(self) -> str:
        """SHA-256 of the weights in hexadecimal; empty where they are not at hand."""
        ...

    @property
    def room(self) -> int | None:
        """Tokens that a prompt and its answer may have together; None where nobody tells."""
        ...

    def size(self, width: int, height: int) -> tuple[int, int]:
        """Width and height at which it sees an image; cheap, loads no weights. Raises `QuestionError`."""
        ...

    def clip(self, path: Path, sampling: Sampling) -> Clip:
        """The frames of a video file as it will see them; loads no weights.

        Raises `QuestionError` where it sees no videos, and `model.VideoError` for a file that cannot be used.
        """
        ...

    def count(self, question: Question) -> int:
        """Tokens of the prompt, image tokens included; never fewer than it will be."""
        ...

    def say(self, question: Question, watch: Callable[[str], None] | None = None) -> Said:
        """The answer, told to `watch` piece by piece. Raises `QuestionError` and `PolicyBroken`."""
        ...
