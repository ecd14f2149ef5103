"""Networks to be timed: random weights in released shapes, or the weights of a checkpoint folder."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

VISION: Mapping[str, object] = MappingProxyType(
    {
        "hidden_size": 1280,
        "intermediate_size": 3420,
        "num_heads": 16,
        "patch_size": 14,
        "out_hidden_size": 2048,
        "window_size": 112,
        "tokens_per_second": 2,
    }
)
"""The tower of Qwen2.5-VL-3B, depth aside."""

TEXT: Mapping[str, object] = MappingProxyType(
    {
        "model_type": "qwen2_5_vl",
        "hidden_size": 2048,
        "intermediate_size": 11008,
        "num_attention_heads": 16,
        "num_key_value_heads": 2,
        "vocab_size": 151936,
        "rms_norm_eps": 1e-6,
        "rope_theta": 1_000_000.0,
        "max_position_embeddings": 128000,
        "tie_word_embeddings": True,
        "rope_scaling": {"type": "mrope", "mrope_section": [16, 24, 24]},
    }
)
"""Its decoder."""

LAYERS: Mapping[str, tuple[int, int]] = MappingProxyType({"reduced": (8, 4), "full": (32, 36)})
"""Blocks of the tower and layers of the decoder; every eighth block attends to the whole frame."""


def config(name: str) -> Mapping[str, object]:
    """config.json of Qwen2.5-VL-3B, "full", or cut down to an eighth, "reduced"; all widths are the true ones."""
    blocks, layers = LAYERS[name]
    vision = {**VISION, "depth": blocks, "fullatt_block_indexes": list(range(7, blocks, 8))}
    return {**TEXT, "num_hidden_layers": layers, "vision_config": vision}
