"""The same step by our session."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from model.bench.cost import Cost
from model.bench.work import Script
from model.generate import PARTS, Prompt
from model.image import ImageProcessor
from model.picture import Album
from model.qwen import Qwen
from model.resume import resume_guided
from model.session import Session


@dataclass(frozen=True)
class Told:
    """What a step took, the call, and for each choice in it what was allowed and with which logits."""

    cost: Cost
    call: tuple[int, ...]
    choices: tuple[tuple[Tensor, Tensor], ...]  # ids, logits


class Heard(Session):
    """A session that keeps the logits it gave for choices."""

    def __init__(self, network: Qwen) -> None:
        super().__init__(network)
        self.heard: list[tuple[Tensor, Tensor]] = []

    def logits(self, states: Tensor, rows: Tensor | None = None) -> Tensor:
        found = super().logits(states, rows)
        if rows is not None:
            self.heard.append((rows, found))
        return found


class Ours:
    """An episode in one session."""

    def __init__(self, network: Qwen, processor: ImageProcessor) -> None:
        self.session, self.processor = Heard(network), processor
        self.album = Album()

    def step(self, screens: Sequence[NDArray[np.uint8]], tokens: Sequence[int], script: Script) -> Told:
        """The screens of the whole prompt, of which only what is new is gone through, and the call."""
        start = time.perf_counter()
        pictures = [self.album.image(screen, self.processor) for screen in screens]
        seen = time.perf_counter()
        prompt = Prompt.of(tuple(tokens), pictures)
        self.session.heard.clear()
        said = resume_guided(self.session, prompt, script, eos=set(), limit=len(script.slots))
        whole, (vision, prefill, decode) = time.perf_counter() - start, (said.timings[part] for part in PARTS)
        cost = Cost(whole, seen - start, vision, prefill, decode, said.forwards, said.prefilled)
        return Told(cost, said.tokens, tuple(self.session.heard))
