"""The same step by transformers: as its documentation has it, and with its cache reused as well as it can be."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from transformers import DynamicCache, LogitsProcessor, LogitsProcessorList, Qwen2_5_VLForConditionalGeneration
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

from model.bench.cost import Cost

Network: TypeAlias = Qwen2_5_VLForConditionalGeneration
Pixels: TypeAlias = NDArray[np.uint8]


@dataclass(frozen=True)
class Said:
    """What a step took, and the logits [call, V] from which the call was, or could have been, chosen."""

    cost: Cost
    logits: Tensor


class Forced(LogitsProcessor):  # type: ignore[misc]
    """Leaves nothing but the call that is to be written, and notes when it was first asked."""

    def __init__(self, call: Sequence[int], prompt: int) -> None:
        self.call, self.prompt = call, prompt
        self.began = 0.0

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        self.began = self.began or time.perf_counter()
        out = torch.full_like(scores, -torch.inf)
        out[:, self.call[input_ids.shape[1] - self.prompt]] = 0.0
        return out


@dataclass
class Theirs:
    """A network of theirs, what it costs to look, and how it looks at screens."""

    network: Network
    processor: Qwen2VLImageProcessorPil
    looked: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.network.model.visual.register_forward_pre_hook(lambda *_: self.looked.append(-time.perf_counter()))
        self.network.model.visual.register_forward_hook(lambda *_: self.looked.append(time.perf_counter()))

    def see(self, screens: Sequence[Pixels]) -> tuple[Tensor, Tensor]:
        """Patches and grids."""
        seen = self.processor(images=list(screens), return_tensors="pt")
        return seen["pixel_values"], seen["image_grid_thw"]

    def kinds(self, tokens: Sequence[int]) -> Tensor:
        """1 where a token stands for an image, 0 elsewhere, [1,T]."""
        return torch.tensor([[token == self.network.config.image_token_id for token in tokens]]).int()

    @torch.inference_mode()
    def naive(self, screens: Sequence[Pixels], tokens: Sequence[int], call: Sequence[int]) -> Said:
        """All screens and the whole prompt through `generate`, which nobody has to tell anything else."""
        start = time.perf_counter()
        patches, grids = self.see(screens)
        seen = time.perf_counter()
        self.looked.clear()
        forced = Forced(call, len(tokens))
        output = self.network.generate(
            input_ids=torch.tensor([list(tokens)]),
            attention_mask=torch.ones(1, len(tokens), dtype=torch.long),
            mm_token_type_ids=self.kinds(tokens),
            pixel_values=patches,
            image_grid_thw=grids,
            max_new_tokens=len(call),
            do_sample=False,
            eos_token_id=None,
            pad_token_id=0,
            logits_processor=LogitsProcessorList([forced]),
            return_dict_in_generate=True,
            output_logits=True,
        )
        end, vision = time.perf_counter(), sum(self.looked)
        prefill, decode = forced.began - seen - vision, end - forced.began
        cost = Cost(end - start, seen - start, vision, prefill, decode, len(call), len(tokens))
        return Said(cost, torch.cat(output.logits))


class Cached:
    """An episode for which transformers' cache is kept by hand; of each prompt only what is new goes through.

    Neither `generate` nor its documentation offers it: positions are computed for the whole prompt and cut, and
    the features of the newest screen are put in by hand. Tokens that the next prompt does not share are cropped.
    """

    def __init__(self, theirs: Theirs) -> None:
        self.theirs, self.network = theirs, theirs.network
        self.cache = DynamicCache(config=self.network.config.get_text_config())
        self.read: list[int] = []
        self.grids = torch.zeros(0, 3, dtype=torch.long)

    @torch.inference_mode()
    def step(self, screen: Pixels, tokens: Sequence[int], call: Sequence[int]) -> Cost:
        """The newest screen and what is new in the prompt, then the call token by token."""
        start = time.perf_counter()
        patches, grid = self.theirs.see([screen])
        seen = time.perf_counter()
        image = self.network.config.image_token_id
        features = torch.cat(self.network.model.get_image_features(patches, grid).pooler_output)
        looked = time.perf_counter()
        same = self._common(tokens, image)
        if spare := len(self.read) - same:
            self.cache.crop(-spare)
        self.grids = torch.cat((self.grids, grid))[-tokens.count(image) // len(features) :]
        ids = torch.tensor([list(tokens)])
        positions, deltas = self.network.model.get_rope_index(ids, self.theirs.kinds(tokens), self.grids)
        x = self.network.get_input_embeddings()(ids[:, same:])
        x = x.masked_scatter((ids[:, same:] == image).unsqueeze(-1), features.to(x.dtype))
        self._forward(x, positions[:, :, same:])
        read = time.perf_counter()
        at = len(tokens) + int(deltas)
        for offset, token in enumerate(call[:-1]):
            x = self.network.get_input_embeddings()(torch.tensor([[token]]))
            self._forward(x, torch.full((3, 1, 1), at + offset))
        end = time.perf_counter()
        self.read = [*tokens, *call[:-1]]
        parts = (seen - start, looked - seen, read - looked, end - read)
        return Cost(end - start, *parts, len(call), len(tokens) - same)

    def _forward(self, x: Tensor, positions: Tensor) -> Tensor:
        hidden = self.network.model.language_model(
            inputs_embeds=x, position_ids=positions, past_key_values=self.cache, use_cache=True
        ).last_hidden_state
        logits: Tensor = self.network.lm_head(hidden[:, -1])
        logits.argmax()  # as a step chooses
        return logits

    def _common(self, tokens: Sequence[int], image: int) -> int:
        """Tokens that the cache holds of this prompt, the newest screen never among them."""
        newest = max(at for at, token in enumerate(tokens) if token == image) + 1
        while tokens[newest - 1] == image:
            newest -= 1
        pairs = zip(tokens[:newest], self.read, strict=False)
        return next((at for at, (new, old) in enumerate(pairs) if new != old), min(newest, len(self.read)))
