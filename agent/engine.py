"""Our own engine on a checkpoint folder, as a speaker."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from actions.terms import call_start, place_spans
from agent.policy import PolicyBroken
from agent.settings import BUILTIN, Settings
from agent.speaker import PLAIN, Question, QuestionError, Said, Sight
from agent.step import Chance, Usage

if TYPE_CHECKING:
    from model import Clip, Config, Generation, Glances, ImageProcessor, Model, Sampling, VideoProcessor


class Engine:
    """A checkpoint on this machine; its weights are loaded at the first question.

    The system turns of its prompts are kept in the folder `cache`, if any, once the hash of its weights is known.
    Raises `PolicyBroken` where the folder cannot be used.
    """

    def __init__(
        self,
        folder: Path = BUILTIN,
        *,
        sight: Sight = PLAIN,
        settings: Settings | None = None,
        cache: Path | None = None,
    ) -> None:
        if not (folder / "config.json").is_file():
            raise PolicyBroken(f"{folder} is no checkpoint folder: it has no config.json")
        self.folder, self.sight, self.cache = folder, sight, cache
        self.settings = settings or Settings.read(folder)
        self.name = "builtin" if folder == BUILTIN else folder.resolve().name

    @cached_property
    def processor(self) -> ImageProcessor:
        """How it looks at images: as its files say, within the budgets of its settings and of this sight."""
        from model import ConfigError, ImageProcessor

        try:
            found = ImageProcessor.read(self.folder).budget(self.settings.min_pixels, self.settings.max_pixels)
        except (ConfigError, ValueError) as error:
            raise PolicyBroken(f"{self.folder}: {error}") from error
        try:
            return found.budget(self.sight.min_pixels, self.sight.max_pixels)
        except ValueError as error:
            raise QuestionError(str(error)) from error

    @cached_property
    def videos(self) -> VideoProcessor:
        """How it looks at videos."""
        from model import VideoProcessor

        context = self.config.text.max_position_embeddings
        return VideoProcessor(self.processor, context, self.sight.min_pixels, self.sight.max_pixels)

    @cached_property
    def config(self) -> Config:
        """Its shapes."""
        from model import Config, ConfigError

        try:
            return Config.read(self.folder)
        except ConfigError as error:
            raise PolicyBroken(str(error)) from error

    @cached_property
    def model(self) -> Model:
        """The loaded checkpoint with one session, so that each question costs what is new in it."""
        from model import ConfigError, LoadError, PlanError, Session, load

        try:
            model = load(self.folder, dtype=self.sight.dtype)
        except (ConfigError, LoadError, PlanError, OSError) as error:
            raise PolicyBroken(str(error)) from error
        session = Session(model.network, features=self._eyes(model), clock=model.clock)
        return replace(model, processor=self.processor, session=session)

    def shared(self, sessions: int) -> Model:
        """The loaded checkpoint for several conversations, each of which costs what is new in it."""
        from model import Sessions

        self._keep()
        kept = self.model.session.prefixes if self.model.session else None
        pool = Sessions(
            self.model.network, sessions, features=self._eyes(self.model), prefixes=kept, clock=self.model.clock
        )
        return replace(self.model, name=self.name, session=None, sessions=pool)

    @property
    def hash(self) -> str:
        """SHA-256 of the weights."""
        return self.model.hash

    @property
    def room(self) -> int:
        """Tokens of prompt and answer together."""
        most = self.config.text.max_position_embeddings
        return min(most, self.settings.context or most)

    def size(self, width: int, height: int) -> tuple[int, int]:
        """Width and height at which it sees an image."""
        try:
            return self.processor.size(width, height)
        except ValueError as error:
            raise QuestionError(str(error)) from error

    def clip(self, path: Path, sampling: Sampling) -> Clip:
        """The frames of a video file, as many and as large as it looks at."""
        from model.frames import read_video

        return read_video(path, sampling, self.videos)

    def count(self, question: Question) -> int:
        """Tokens of the prompt, exactly."""
        from model import ChatError, VideoError

        try:
            sizes = [self.processor.tokens(image.shape[1], image.shape[0]) for image in question.images]
            lengths = [self.videos.tokens(clip) for clip in question.videos]
            return len(self.model.format.encode(question.messages, sizes, lengths, question.tools))
        except (ChatError, VideoError) as error:
            raise QuestionError(str(error)) from error

    def say(self, question: Question, watch: Callable[[str], None] | None = None) -> Said:
        """What the checkpoint writes, each token the likeliest."""
        from model import Ask, ChatError, PlanError

        ask = Ask(
            max_tokens=question.max_tokens,
            stop=question.stop,
            tools=question.tools,
            min_pixels=self.sight.min_pixels,
            max_pixels=self.sight.max_pixels,
            grammar=question.grammar,
            draft=question.draft,
        )
        self._keep()
        try:
            said = self.model.chat(question.messages, question.images, question.videos, ask=ask, watch=watch)
        except (ChatError, PlanError) as error:
            raise QuestionError(str(error)) from error
        except ArithmeticError as error:
            raise PolicyBroken(str(error)) from error
        usage = Usage(said.prompt_tokens, said.image_tokens, len(said.tokens), said.prefilled_tokens)
        sure = chance(said, held=question.grammar is not None)
        return Said(said.text, said.tokens, usage, said.image_sizes, said.timings, chance=sure)

    def _eyes(self, model: Model) -> Glances | None:
        """What looks at pictures otherwise than exactly, where that is asked for."""
        from model import Glances

        return Glances(model.network.visual) if self.settings.vision == "approximate" else None

    def _keep(self) -> None:
        """From now on keep what prompts begin with, if that is wanted and costs no reading of weights."""
        from model import Disk

        model, known = self.model, self.model.weights.known
        if self.cache is not None and model.session is not None and known is not None:
            model.session.prefixes.disk = Disk(self.cache, identity(known, model.config, self.sight.dtype))
            self.cache = None  # said once: a folder that cannot be used is not tried again


def identity(weights: str, config: Config, dtype: str) -> str:
    """A hash of all that bears on what a network makes of words: its weights by their hash, shapes and arithmetic."""
    import torch

    return hashlib.sha256(f"{weights} {config} {dtype} torch {torch.__version__}".encode()).hexdigest()


def chance(said: Generation, *, held: bool) -> Chance:
    """How sure the network was of its call, and of the numbers of its places."""
    places = [said.logprob(*span) for span in place_spans(said.text)]
    return Chance(said.logprob(call_start(said.text), len(said.text)), sum(places) if places else None, held)
