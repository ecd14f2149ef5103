"""A checkpoint ready to be spoken to: network, processor, tokenizer and chat template of one folder."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from model.ask import DEFAULT, Ask
from model.chat import Chat
from model.checkpoint import Weights, load_network
from model.config import Config
from model.fields import ConfigError, Fields
from model.generate import Output, Prompt, Stop, generate
from model.grammar import Compiler, GrammarError, Guide
from model.image import ImageProcessor
from model.layout import Medium
from model.messages import ChatError
from model.picture import Album, Picture
from model.qwen import Qwen
from model.resume import Asked, resume_batch, resume_one
from model.session import Session, fleeting
from model.sessions import Sessions
from model.video import Clip, VideoError, VideoProcessor
from model.writer import Watcher, ends, ignore


@dataclass(frozen=True)
class Generation:
    """What the network wrote and what that cost.

    `text` ends with the stop string where one ended it, and leaves out an end token, which `tokens` holds.
    """

    text: str
    tokens: tuple[int, ...]
    prompt_tokens: int  # image and video tokens among them
    image_tokens: int  # those of videos too
    stop: Stop
    image_sizes: tuple[tuple[int, int, int, int], ...]  # width and height as given, then as seen, pixels
    timings: Mapping[str, float]  # seconds: image, vision, prefill, decode
    logprobs: tuple[float, ...]  # natural log of each token's probability, among those a grammar allows
    video_sizes: tuple[tuple[int, int, int, int, int], ...] = ()  # frames taken, then the same four numbers
    prefilled_tokens: int = 0  # those of the prompt that no session had read
    ends: tuple[int, ...] = ()  # characters of `text` that are whole behind each token that is not the end's
    forwards: int = 0  # passes through the decoder, the one that reads the prompt among them

    @property
    def sizes(self) -> tuple[tuple[int, int], ...]:
        """Width and height at which each image was seen."""
        return tuple((width, height) for _, _, width, height in self.image_sizes)

    def logprob(self, start: int, end: int) -> float:
        """Natural log of the probability of the tokens that write `text[start:end]`, after all before them."""
        begins = (0, *self.ends)
        return sum(
            chance
            for chance, first, last in zip(self.logprobs, begins, self.ends, strict=False)
            if first < end and last > start
        )


@dataclass(frozen=True)
class Turn:
    """What `Model.chat` is asked, for one of several conversations."""

    messages: Sequence[Mapping[str, object]]
    images: Sequence[NDArray[np.uint8]] = ()
    videos: Sequence[Clip] = ()
    ask: Ask = DEFAULT
    watch: Callable[[str], None] | None = None


@dataclass(frozen=True)
class _Asked:
    """A turn as the network is given it, and what its answer will be told with."""

    prompt: Prompt
    guide: Guide | None
    limit: int
    watcher: Watcher
    image_sizes: tuple[tuple[int, int, int, int], ...]
    video_sizes: tuple[tuple[int, int, int, int, int], ...]
    spent: float  # seconds on making patches


@dataclass(frozen=True)
class Model:
    """A loaded checkpoint. `name` is its folder's name, `eos` the tokens that end a turn.

    With a `session` it goes on from what that has read: the same words, in less time. Others may not use it meanwhile.
    With `sessions` it goes on from whichever has read most of a prompt.
    """

    name: str
    network: Qwen
    processor: ImageProcessor
    format: Chat
    eos: frozenset[int]
    weights: Weights
    clock: Callable[[], float] = time.perf_counter
    session: Session | None = None
    sessions: Sessions | None = None
    album: Album = field(default_factory=Album)  # pictures that were given before

    @property
    def config(self) -> Config:
        return self.network.config

    @property
    def hash(self) -> str:
        """sha256 of the weight files, computed when first asked for; `LoadError` if they have changed."""
        return self.weights.hash

    def videos(self, min_pixels: int | None = None, max_pixels: int | None = None) -> VideoProcessor:
        """How it looks at videos, within budgets of pixels a frame."""
        return VideoProcessor(self.processor, self.config.text.max_position_embeddings, min_pixels, max_pixels)

    def chat(
        self,
        messages: Sequence[Mapping[str, object]],
        images: Sequence[NDArray[np.uint8]] = (),
        videos: Sequence[Clip] = (),
        *,
        ask: Ask = DEFAULT,
        watch: Callable[[str], None] | None = None,
    ) -> Generation:
        """What the network says next, each token the likeliest, until an end token, a stop string or limit.

        `messages` as `Chat.encode` takes them; `images` uint8 [height, width, 3 or 4] and `videos` in the order
        of their places. `watch` is given the text as it is written, never half a character; what it raises ends
        the writing. Raises `ChatError` for what cannot be made into a prompt, and for limits and budgets.
        """
        asked = self._asked(Turn(messages, images, videos, ask, watch))
        return self._generation(asked, self._write(asked))

    def chat_batch(self, turns: Sequence[Turn], sessions: Sequence[Session]) -> list[Generation]:
        """What `chat` gives for each turn behind the session in its place, all side by side.

        The sessions are different ones of this network; that of the model itself is left alone.
        """
        asked = [self._asked(turn) for turn in turns]
        behind = [self._behind(one, session) for one, session in zip(asked, sessions, strict=True)]
        with _grammar_told():
            outputs = resume_batch(behind, eos=self.eos)
        return [self._generation(one, output) for one, output in zip(asked, outputs, strict=True)]

    def _asked(self, turn: Turn) -> _Asked:
        ask = turn.ask
        watcher = Watcher(self.format, ask.stop if ask.grammar is None else (), turn.watch or ignore)
        guide = None if ask.grammar is None else self._guide(ask.grammar)
        start = self.clock()
        pictures, films = self._look(turn.images, ask), self._view(turn.videos, ask)
        spent = self.clock() - start
        prompt = self._prompt(turn.messages, pictures, films, ask)
        limit = self._limit(ask.max_tokens, len(prompt.tokens))
        image_sizes = tuple(
            (image.shape[1], image.shape[0], *self._size(picture.medium))
            for image, picture in zip(turn.images, pictures, strict=True)
        )
        video_sizes = tuple(
            (len(clip.frames), *clip.size, *self._size(film.medium))
            for clip, film in zip(turn.videos, films, strict=True)
        )
        return _Asked(prompt, guide, limit, watcher, image_sizes, video_sizes, spent)

    def _generation(self, asked: _Asked, output: Output) -> Generation:
        written = output.tokens[:-1] if output.stop == "eos" else output.tokens
        return Generation(
            text=asked.watcher.finish(written, stopped=output.stop == "stop"),
            tokens=output.tokens,
            prompt_tokens=len(asked.prompt.tokens),
            image_tokens=sum(self._units(medium) for medium in asked.prompt.media),
            stop=output.stop,
            image_sizes=asked.image_sizes,
            timings={"image": asked.spent, **output.timings},
            logprobs=output.logprobs,
            ends=ends(self.format, written),
            forwards=output.forwards,
            video_sizes=asked.video_sizes,
            prefilled_tokens=output.prefilled,
        )

    @cached_property
    def grammars(self) -> Compiler:
        """Compiles grammars for its tokenizer; the first one asked for takes seconds with a large vocabulary."""
        return Compiler(self.format.tokenizer, self.config.text.vocab_size, self.eos)

    def _guide(self, grammar: str) -> Guide:
        try:
            return self.grammars.compile(grammar).guide()
        except GrammarError as error:
            raise ChatError(f"grammar: {error}") from None

    def _write(self, asked: _Asked) -> Output:
        """By a session where there is one, and under a grammar, which needs one, where one is asked for."""
        prompt, limit, watcher = asked.prompt, asked.limit, asked.watcher
        session = self.sessions.pick(prompt) if self.sessions else self.session
        if session is None and asked.guide is None:
            return generate(self.network, prompt, eos=self.eos, limit=limit, halted=watcher, clock=self.clock)
        session = session or fleeting(self.network, self.clock)
        with _grammar_told():
            return resume_one(self._behind(asked, session), eos=self.eos)

    def _behind(self, asked: _Asked, session: Session) -> Asked:
        shared = self._beginning(asked.prompt)
        return Asked(session, asked.prompt, asked.limit, asked.guide, asked.watcher, shared)

    def _beginning(self, prompt: Prompt) -> int:
        """Tokens of the first turn, which is that of the system, if it is one of words alone."""
        for place, token in enumerate(prompt.tokens[:-1]):
            if token in (self.config.image_token_id, self.config.video_token_id):
                break
            if token in self.eos:
                return place + 1
        return 0

    def _limit(self, max_tokens: int, prompt: int) -> int:
        """Tokens that may be written behind a prompt of that many."""
        most = self.config.text.max_position_embeddings
        if max_tokens < 1:
            raise ChatError(f"max_tokens: {max_tokens}; expected at least 1")
        if prompt >= most:
            raise ChatError(f"the prompt has {prompt} tokens; expected fewer than {most}")
        return min(max_tokens, most - prompt)

    def _look(self, images: Sequence[NDArray[np.uint8]], ask: Ask) -> list[Picture]:
        seen: list[Picture] = []
        try:
            processor = self.processor.budget(ask.min_pixels, ask.max_pixels) if images else self.processor
        except ValueError as error:
            raise ChatError(str(error)) from None
        for number, image in enumerate(images, 1):
            try:
                seen.append(self.album.image(image, processor))
            except (TypeError, ValueError) as error:
                raise ChatError(f"image {number}: {error}") from None
        return seen

    def _view(self, videos: Sequence[Clip], ask: Ask) -> list[Picture]:
        seen: list[Picture] = []
        for number, clip in enumerate(videos, 1):
            try:
                seen.append(self.album.video(clip, self.videos(ask.min_pixels, ask.max_pixels)))
            except VideoError as error:
                raise ChatError(f"video {number}: {error}") from None
        return seen

    def _prompt(
        self,
        messages: Sequence[Mapping[str, object]],
        pictures: Sequence[Picture],
        films: Sequence[Picture],
        ask: Ask,
    ) -> Prompt:
        sizes, lengths = ([self._units(one.medium) for one in seen] for seen in (pictures, films))
        tokens = self.format.encode(messages, sizes, lengths, ask.tools)
        draft = tuple(self.format.tokenizer.encode(ask.draft, add_special_tokens=False).ids)
        return Prompt.of(tokens, list(self._ordered(tokens, iter(pictures), iter(films))), draft)

    def _ordered(
        self, tokens: Sequence[int], pictures: Iterator[Picture], films: Iterator[Picture]
    ) -> Iterator[Picture]:
        """Images and videos in the order in which the prompt has them."""
        kinds = {self.config.image_token_id: pictures, self.config.video_token_id: films}
        at = 0
        while at < len(tokens):
            if tokens[at] not in kinds:
                at += 1
                continue
            seen = next(kinds[tokens[at]])
            yield seen
            at += self._units(seen.medium)

    def _units(self, medium: Medium) -> int:
        steps, rows, cols = medium.grid
        return steps * rows * cols // self.processor.merge_size**2

    def _size(self, medium: Medium) -> tuple[int, int]:
        side = self.processor.patch_size
        return medium.grid[2] * side, medium.grid[1] * side


@contextmanager
def _grammar_told() -> Iterator[None]:
    """Name the grammar where it leaves no way out."""
    try:
        yield
    except GrammarError as error:
        raise ChatError(f"grammar: {error}") from None


def load(
    folder: Path | str,
    *,
    dtype: str = "auto",
    device: str = "cpu",
    clock: Callable[[], float] = time.perf_counter,
) -> Model:
    """The checkpoint in `folder`, in the layout of released Qwen2.5-VL files.

    `dtype` is "auto" (as stored), "float32", "bfloat16" or, off the CPU, "float16". Raises `ConfigError` for
    a JSON file that cannot be used and `LoadError` for weights that do not fit.
    """
    folder = Path(folder)
    config, processor = Config.read(folder), ImageProcessor.read(folder)
    _check(config, processor)
    chat = Chat.read(folder, config.image_token_id, config.video_token_id)
    if (highest := max(chat.tokenizer.get_vocab().values())) >= config.text.vocab_size:
        raise ConfigError(f"{folder}: tokenizer.json has id {highest}; expected ids below {config.text.vocab_size}")
    eos = _ends(folder, config.text.vocab_size)
    network, weights = load_network(folder, dtype=dtype, device=device)
    return Model(folder.resolve().name, network, processor, chat, eos, weights, clock)


def _check(config: Config, processor: ImageProcessor) -> None:
    """Refuse a processor that cuts images otherwise than the network expects."""
    pairs = {
        "patch_size": (processor.patch_size, config.vision.patch_size),
        "temporal_patch_size": (processor.temporal_patch_size, config.vision.temporal_patch_size),
        "merge_size": (processor.merge_size, config.vision.spatial_merge_size),
    }
    for name, (found, wanted) in pairs.items():
        if found != wanted:
            raise ConfigError(f"preprocessor_config.json: {name}: {found}; config.json expects {wanted}")


def _ends(folder: Path, vocabulary: int) -> frozenset[int]:
    """eos_token_id, one or several, from generation_config.json, or config.json where that is missing."""
    path = folder / "generation_config.json"
    fields = Fields.read(path if path.is_file() else folder / "config.json")
    return frozenset(fields.integers("eos_token_id", high=vocabulary - 1))
