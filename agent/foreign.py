"""Any image-text-to-text model that transformers can load, as a speaker; needs the extra `transformers`."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
import torch
from torch import Tensor
from transformers import AutoModelForImageTextToText

from agent.policy import PolicyBroken
from agent.processing import Inputs, Processing, conversation, processing, seen
from agent.settings import Settings, family
from agent.speaker import PLAIN, Question, QuestionError, Said, Sight
from agent.step import Usage

if TYPE_CHECKING:
    from model import Clip, Sampling


DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


class Writing(Protocol):
    """What is used of a model."""

    device: torch.device

    def generate(self, **inputs: object) -> Tensor: ...


class Foreign:
    """A checkpoint in `folder`, run by transformers; its weights are loaded at the first question."""

    hash = ""

    def __init__(
        self,
        folder: Path,
        *,
        sight: Sight = PLAIN,
        settings: Settings | None = None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        if not (folder / "config.json").is_file():
            raise PolicyBroken(f"{folder} is no checkpoint folder: it has no config.json")
        self.folder, self.sight, self.clock = folder, sight, clock
        self.settings = (settings or Settings()).over(Settings.read(folder))
        self.name = f"transformers:{folder.resolve().name}"
        self._sizes: dict[tuple[int, int], tuple[int, int]] = {}

    @cached_property
    def processing(self) -> Processing:
        """How its prompts are made."""
        return processing(self.folder, family(self.folder))

    @cached_property
    def model(self) -> Writing:
        """The loaded network."""
        if self.sight.dtype not in (*DTYPES, "auto"):
            raise PolicyBroken(f"{self.name}: dtype {self.sight.dtype}: expected {', '.join(DTYPES)} or auto")
        dtype = DTYPES.get(self.sight.dtype, "auto")
        device = "cuda" if torch.cuda.is_available() else "cpu"
        try:
            loaded = AutoModelForImageTextToText.from_pretrained(self.folder, dtype=dtype, local_files_only=True)
        except (OSError, ValueError, KeyError) as error:
            raise PolicyBroken(f"{self.folder}: transformers cannot load it: {error}") from error
        placed: Writing = loaded.to(device).eval()
        return placed

    @cached_property
    def room(self) -> int | None:
        """Tokens of prompt and answer together, where its config tells."""
        data = json.loads((self.folder / "config.json").read_bytes())
        most = data.get("text_config", {}).get("max_position_embeddings", data.get("max_position_embeddings"))
        stated = self.settings.context
        return min(filter(None, (most if isinstance(most, int) else None, stated)), default=None)

    def size(self, width: int, height: int) -> tuple[int, int]:
        """Width and height at which it sees an image: asked of its own processor."""
        if (width, height) not in self._sizes:
            blank = np.zeros((height, width, 3), dtype=np.uint8)
            try:
                self._sizes[width, height] = seen(self.processing.vision, blank)
            except ValueError as error:
                raise QuestionError(str(error)) from error
        return self._sizes[width, height]

    def clip(self, path: Path, sampling: Sampling) -> Clip:
        """Nothing: videos are for our own engine."""
        raise QuestionError(f"{self.name}: no videos; our own engine sees them")

    def count(self, question: Question) -> int:
        """Tokens of the prompt, exactly."""
        return self._inputs(question)["input_ids"].shape[1]

    def say(self, question: Question, watch: Callable[[str], None] | None = None) -> Said:
        """What it writes, greedily and without a penalty; told to `watch` all at once."""
        start = self.clock()
        inputs = self._inputs(question)
        ready = self.clock()
        tokens = self._generate(inputs, question)
        text, end = self._text(tokens, question.stop), self.clock()
        if watch:
            watch(text)
        kinds = inputs.get("mm_token_type_ids")
        usage = Usage(
            inputs["input_ids"].shape[1],
            int((kinds == 1).sum()) if kinds is not None else 0,
            len(tokens),
            inputs["input_ids"].shape[1],
        )
        sizes = tuple((i.shape[1], i.shape[0], *self.size(i.shape[1], i.shape[0])) for i in question.images)
        return Said(text, tuple(tokens), usage, sizes, {"image": ready - start, "generate": end - ready})

    def _inputs(self, question: Question) -> Inputs:
        if question.videos or question.tools:
            raise QuestionError(f"{self.name}: neither videos nor tools; our own engine knows both")
        messages, pictures = conversation(question, self.processing.tokenizer)
        try:
            return self.processing(messages, pictures)
        except (ValueError, TypeError) as error:
            raise QuestionError(f"{self.name}: {error}") from error

    def _generate(self, inputs: Inputs, question: Question) -> list[int]:
        placed = {name: value.to(self.model.device) for name, value in inputs.items()}
        stops = {"stop_strings": list(question.stop), "tokenizer": self.processing.tokenizer} if question.stop else {}
        with torch.inference_mode():
            written = self.model.generate(
                **placed, **stops, max_new_tokens=question.max_tokens, do_sample=False, repetition_penalty=1.0
            )
        tokens: list[int] = written[0, inputs["input_ids"].shape[1] :].tolist()
        return tokens

    def _text(self, tokens: list[int], stop: tuple[str, ...]) -> str:
        """The words up to the end of the first stop string, without an end token."""
        tokenizer = self.processing.tokenizer
        ends = {tokenizer.eos_token_id, tokenizer.pad_token_id}
        kept = tokens[:-1] if tokens and tokens[-1] in ends else tokens
        text = str(tokenizer.decode(kept, skip_special_tokens=False))
        cuts = [text.find(each) + len(each) for each in stop if each in text]
        return text[: min(cuts, default=len(text))]
