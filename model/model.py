"""A checkpoint ready to be spoken to: network, processor, tokenizer and chat template of one folder."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from model.ask import Ask
from model.chat import Chat, ChatError
from model.checkpoint import Weights, load_network
from model.config import Config
from model.fields import ConfigError, Fields
from model.generate import Prompt, Stop, generate
from model.image import ImageProcessor
from model.layout import Grid
from model.qwen import Qwen


@dataclass(frozen=True)
class Generation:
    """What the network wrote and what that cost.

    `text` ends with the stop string where one ended it, and leaves out an end token, which `tokens` holds.
    """

    text: str
    tokens: tuple[int, ...]
    prompt_tokens: int  # image tokens among them
    image_tokens: int
    stop: Stop
    image_sizes: tuple[tuple[int, int, int, int], ...]  # width and height as given, then as seen, pixels
    timings: Mapping[str, float]  # seconds: image, vision, prefill, decode
    logprobs: tuple[float, ...]  # natural log of each token's probability


@dataclass(frozen=True)
class Model:
    """A loaded checkpoint. `name` is its folder's name, `eos` the tokens that end a turn."""

    name: str
    network: Qwen
    processor: ImageProcessor
    format: Chat
    eos: frozenset[int]
    weights: Weights
    clock: Callable[[], float] = time.perf_counter

    @property
    def config(self) -> Config:
        return self.network.config

    @property
    def hash(self) -> str:
        """sha256 of the weight files, computed when first asked for; `LoadError` if they have changed."""
        return self.weights.hash

    def chat(
        self,
        messages: Sequence[Mapping[str, object]],
        images: Sequence[NDArray[np.uint8]] = (),
        *,
        ask: Ask = Ask(),  # noqa: B008 - frozen
        watch: Callable[[str], None] | None = None,
    ) -> Generation:
        """What the network says next, each token the likeliest, until an end token, a stop string or limit.

        `messages` as `Chat.encode` takes them; `images` uint8 [height, width, 3 or 4] in the order of their
        places. Raises `ChatError` for messages, images or limits that cannot be used.
        """
        max_tokens, stop = ask.max_tokens, ask.stop
        halt = _Halt(self.format, stop)
        shown = ""

        def halted(tokens: Sequence[int]) -> bool:
            nonlocal shown
            ends, text = halt(tokens), self.format.decode(tokens)
            text = halt.cut(text) if ends else text
            if tokens[-1] not in self.eos and watch and len(text) > len(shown) and "\ufffd" not in text:
                piece, shown = text[len(shown) :], text
                watch(piece)
            return ends

        start = self.clock()
        seen = [self._see(number, image) for number, image in enumerate(images, 1)]
        spent = self.clock() - start
        prompt = self._prompt(messages, seen)
        limit = self._limit(max_tokens, len(prompt.tokens))
        output = generate(self.network, prompt, eos=self.eos, limit=limit, halted=halted, clock=self.clock)
        text = self.format.decode(output.tokens[:-1] if output.stop == "eos" else output.tokens)
        return Generation(
            text=halt.cut(text) if output.stop == "stop" else text,
            tokens=output.tokens,
            prompt_tokens=len(prompt.tokens),
            image_tokens=sum(self._units(grid) for grid in prompt.grids),
            stop=output.stop,
            image_sizes=tuple(map(self._sizes, images, prompt.grids)),
            timings={"image": spent, **output.timings},
            logprobs=output.logprobs,
        )

    def _limit(self, max_tokens: int, prompt: int) -> int:
        """Tokens that may be written behind a prompt of that many."""
        most = self.config.text.max_position_embeddings
        if max_tokens < 1:
            raise ChatError(f"max_tokens: {max_tokens}; expected at least 1")
        if prompt >= most:
            raise ChatError(f"the prompt has {prompt} tokens; expected fewer than {most}")
        return min(max_tokens, most - prompt)

    def _see(self, number: int, image: NDArray[np.uint8]) -> tuple[Tensor, Grid]:
        try:
            return self.processor(image)
        except (TypeError, ValueError) as error:
            raise ChatError(f"image {number}: {error}") from None

    def _prompt(self, messages: Sequence[Mapping[str, object]], seen: Sequence[tuple[Tensor, Grid]]) -> Prompt:
        grids = tuple(grid for _, grid in seen)
        tokens = self.format.encode(messages, [self._units(grid) for grid in grids])
        return Prompt(tokens, torch.cat([patches for patches, _ in seen]) if seen else None, grids)

    def _units(self, grid: Grid) -> int:
        frames, rows, cols = grid
        return frames * rows * cols // self.processor.merge_size**2

    def _sizes(self, image: NDArray[np.uint8], grid: Grid) -> tuple[int, int, int, int]:
        side = self.processor.patch_size
        return image.shape[1], image.shape[0], grid[2] * side, grid[1] * side


@dataclass(frozen=True)
class _Halt:
    """Whether the latest token completes one of the stop strings, be they one token or many."""

    format: Chat
    stop: Sequence[str]

    def __post_init__(self) -> None:
        if isinstance(self.stop, str) or not all(self.stop):
            raise ChatError(f"stop: {self.stop!r}; expected a list of texts that are not empty")

    def __call__(self, tokens: Sequence[int]) -> bool:
        """A token is at least one byte, so a string that it completes begins at most so many tokens back."""
        if not self.stop:
            return False
        longest = max(len(text.encode()) for text in self.stop)
        tail = self.format.decode(tokens[-longest:])
        return any(text in tail for text in self.stop)

    def cut(self, text: str) -> str:
        """`text` up to the end of the stop string that ends first."""
        ends = [text.find(stop) + len(stop) for stop in self.stop if stop in text]
        return text[: min(ends, default=len(text))]


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
    chat = Chat.read(folder, config.image_token_id)
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
