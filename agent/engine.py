"""Our own engine on a checkpoint folder, as a speaker."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from agent.policy import PolicyBroken
from agent.settings import BUILTIN, Settings
from agent.speaker import Question, Said
from agent.step import Usage

if TYPE_CHECKING:
    from model import Model


class Engine:
    """A checkpoint on this machine; its weights are loaded at the first question."""

    def __init__(self, folder: Path = BUILTIN, *, dtype: str = "auto", settings: Settings | None = None) -> None:
        if not (folder / "config.json").is_file():
            raise PolicyBroken(f"{folder} is no checkpoint folder: it has no config.json")
        self.folder, self.dtype = folder, dtype
        self.settings = settings or Settings.read(folder)
        self.name = "builtin" if folder == BUILTIN else folder.resolve().name

    @cached_property
    def model(self) -> Model:
        """The loaded checkpoint."""
        from model import ConfigError, LoadError, load

        try:
            model = load(self.folder, dtype=self.dtype)
        except (ConfigError, LoadError, OSError) as error:
            raise PolicyBroken(str(error)) from error
        processor = replace(
            model.processor,
            min_pixels=self.settings.min_pixels or model.processor.min_pixels,
            max_pixels=self.settings.max_pixels or model.processor.max_pixels,
        )
        return replace(model, processor=processor)

    @property
    def hash(self) -> str:
        """SHA-256 of the weights."""
        return self.model.hash

    @property
    def room(self) -> int:
        """Tokens of prompt and answer together."""
        most = self.model.config.text.max_position_embeddings
        return min(most, self.settings.context or most)

    def size(self, width: int, height: int) -> tuple[int, int]:
        """Width and height at which it sees an image."""
        return self.model.processor.size(width, height)

    def video_size(self, frames: int, width: int, height: int) -> tuple[int, int]:
        raise NotImplementedError

    def count(self, question: Question) -> int:
        """Tokens of the prompt, exactly."""
        sizes = [self.model.processor.tokens(image.shape[1], image.shape[0]) for image in question.images]
        return len(self.model.format.encode(question.messages, sizes))

    def say(self, question: Question, watch: Callable[[str], None] | None = None) -> Said:
        """What the checkpoint writes."""
        from model import ChatError
        from model.ask import Ask

        try:
            said = self.model.chat(
                question.messages, question.images, ask=Ask(question.max_tokens, question.stop), watch=watch
            )
        except (ChatError, ArithmeticError) as error:
            raise PolicyBroken(str(error)) from error
        usage = Usage(said.prompt_tokens, said.image_tokens, len(said.tokens))
        return Said(said.text, said.tokens, usage, said.image_sizes, said.timings)
