"""The same weights in two networks, transformers' and ours, without holding them twice."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration
from transformers.models.qwen2_5_vl.modeling_qwen2_5_vl import (
    Qwen2_5_VLRotaryEmbedding,
    Qwen2_5_VLVisionRotaryEmbedding,
)
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

from model.bench.shapes import LAYERS, config
from model.bench.theirs import Network, Theirs
from model.checkpoint import RENAMES
from model.config import Config
from model.image import ImageProcessor
from model.linear import quantized
from model.qwen import Qwen

SPREAD = 0.02
"""Standard deviation of random weights, as such networks start with."""


@dataclass(frozen=True)
class Pair:
    """Both, and how they look at screens."""

    theirs: Theirs
    network: Qwen
    processor: ImageProcessor

    @property
    def config(self) -> Config:
        return self.network.config


def pair(shape: str, dtype: torch.dtype) -> Pair:
    """A pair with random weights in one of the `LAYERS`, or with those of a checkpoint folder."""
    if shape in LAYERS:
        theirs = random(Qwen2_5_VLConfig(**config(shape)), dtype)
        return Pair(
            Theirs(theirs, Qwen2VLImageProcessorPil()), ours(theirs, Config.parse(config(shape))), ImageProcessor()
        )
    folder = Path(shape)
    theirs = Qwen2_5_VLForConditionalGeneration.from_pretrained(folder, dtype=dtype).eval()
    looks = Qwen2VLImageProcessorPil.from_pretrained(folder)
    return Pair(Theirs(theirs, looks), ours(theirs, Config.read(folder)), ImageProcessor.read(folder))


def random(settings: Qwen2_5_VLConfig, dtype: torch.dtype) -> Network:
    """Theirs with random weights, which are made in `dtype` at once: a large network fits."""
    with torch.device("meta"):
        built = Qwen2_5_VLForConditionalGeneration(settings)
    built = built.to(dtype).to_empty(device="cpu").eval()
    built.tie_weights()
    # what is computed from the config and is no weight was left empty
    built.model.language_model.rotary_emb = Qwen2_5_VLRotaryEmbedding(settings.text_config)
    built.model.visual.rotary_pos_emb = Qwen2_5_VLVisionRotaryEmbedding(settings.vision_config)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, weight in built.named_parameters():
            if "norm" in name or "ln_q" in name:
                weight.fill_(1.0)
            else:
                weight.normal_(0.0, SPREAD, generator=generator)
    return built


def ours(theirs: Network, shape: Config) -> Qwen:
    """Ours, on the very tensors of theirs."""
    with torch.device("meta"):
        network = Qwen(shape)
    network.load_state_dict(named(theirs, network), assign=True)
    return network.eval()


def named(theirs: Network, network: Qwen) -> dict[str, Tensor]:
    """Their tensors by our names."""
    tensors: dict[str, Tensor] = {}
    for name, tensor in theirs.state_dict().items():
        for old, new in RENAMES:
            name = old.sub(new, name)
        if name != "lm_head.weight" or network.lm_head is not None:
            tensors[name] = tensor
    return tensors


def small(network: Qwen) -> Qwen:
    """The same network with its decoder in int8; the tower is shared."""
    with torch.device("meta"):
        shrunk = Qwen(network.config)
        shrunk.shrink(network.model.norm.weight.dtype)
    shrunk.load_state_dict(dict(quantized(network.state_dict().items(), shrunk.state_dict())), assign=True)
    return shrunk.eval()
