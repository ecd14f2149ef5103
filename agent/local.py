"""A policy that is a checkpoint on this machine, run by our own engine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from actions import DIALECTS, ActionSpace, Dialect, Frame
from agent.policy import PolicyBroken
from agent.prompt import write
from agent.settings import BUILTIN, Settings
from agent.step import Reply, Step, Usage
from env import Observation, Task

if TYPE_CHECKING:
    from model import Model


class ModelPolicy:
    """Asks a checkpoint in a folder what to do; it is loaded at the first question.

    The prompt is one user turn, text first and the newest screen last, so that all before the screen stays a prefix
    that does not change within a step. Raises `PolicyBroken` where the folder cannot be used.
    """

    def __init__(self, folder: Path = BUILTIN, *, dtype: str = "auto", space: ActionSpace | None = None) -> None:
        if not (folder / "config.json").is_file():
            raise PolicyBroken(f"{folder} is no checkpoint folder: it has no config.json")
        self.folder, self.dtype = folder, dtype
        self.space = space or ActionSpace.browser()
        self.settings = Settings.read(folder)
        self.name = "builtin" if folder == BUILTIN else folder.resolve().name
        self.dialect: Dialect = DIALECTS[self.settings.dialect or "qwen2.5"]

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
    def max_pixels(self) -> int:
        """The largest image it looks at."""
        return self.model.processor.max_pixels

    def frame(self, seen: Observation) -> Frame:
        """The screen beside the image that the processor makes of it."""
        return Frame(*seen.size, *self.model.processor.size(*seen.size))

    def reply(self, task: Task, history: Sequence[Step], seen: Observation) -> Reply:
        """What the checkpoint writes, up to the end of its first call."""
        from model import Ask, ChatError

        frame = self.frame(seen)
        text = write(task.instruction, history, self.dialect, frame)
        messages: list[dict[str, object]] = []
        if self.settings.system:
            messages.append({"role": "system", "content": self.dialect.prompt(self.space, frame)})
        messages.append({"role": "user", "content": [{"type": "text", "text": text}, {"type": "image"}]})
        try:
            said = self.model.chat(messages, [seen.screenshot], ask=Ask(max_tokens=self.settings.max_tokens))
        except (ChatError, ArithmeticError) as error:
            raise PolicyBroken(str(error)) from error
        usage = Usage(said.prompt_tokens, said.image_tokens, len(said.tokens))
        return Reply(said.text, usage, said.timings)
