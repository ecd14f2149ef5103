"""A speaker that writes nothing: it keeps the question that a model would have been asked.

With it, prompts of training data are those of `ModelPolicy` by construction, and nobody else has to write them.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from agent.exchange.style import Style
from agent.settings import Settings
from agent.speaker import Question, QuestionError, Said

if TYPE_CHECKING:
    from model.video import Clip, Sampling


class Dictation:
    """Stands where a model would, as `style` says that it is spoken to and looks at pictures.

    It has room for every prompt; a model with less would have been shown fewer screens and words.
    """

    name = "dictation"
    hash = ""
    room = None

    def __init__(self, style: Style) -> None:
        self.style = style
        self.questions: list[Question] = []

    @property
    def settings(self) -> Settings:
        """How it is spoken to."""
        return self.style.settings

    def size(self, width: int, height: int) -> tuple[int, int]:
        """Width and height at which it would see an image."""
        try:
            return self.style.size(width, height)
        except ValueError as error:
            raise QuestionError(str(error)) from error

    def clip(self, path: Path, sampling: Sampling) -> Clip:
        """Always `QuestionError`: screens are no videos."""
        raise QuestionError(f"{path}: no video is shown here")

    def count(self, question: Question) -> int:
        """Nothing: nobody reads it."""
        return 0

    def say(self, question: Question, watch: Callable[[str], None] | None = None) -> Said:
        """Keep the question and say nothing."""
        self.questions.append(question)
        return Said("")
