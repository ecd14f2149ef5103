"""Every released size by its config.json: parameters and tensors as published, counted without memory."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from model import Config, Qwen

FOLDER = Path(__file__).parent / "released"

SIZES = {
    # millions in the tower, billions in all, tensors in the checkpoint, cache bytes a token in bfloat16
    "qwen2-vl-2b": (665.27, 2.209, 729, 28_672),
    "qwen2-vl-7b": (675.76, 8.291, 730, 57_344),
    "qwen2-vl-72b": (699.36, 73.406, 1354, 327_680),
    "qwen2.5-vl-3b": (668.68, 3.755, 824, 36_864),
    "qwen2.5-vl-7b": (676.55, 8.292, 729, 57_344),
    "qwen2.5-vl-32b": (688.84, 33.453, 1161, 262_144),  # worked out from its shapes; no count is published
    "qwen2.5-vl-72b": (704.57, 73.411, 1353, 327_680),
}


def nested(data: dict[str, object]) -> dict[str, object]:
    """The same file as newer tools save it."""
    outside = {"model_type", "architectures", "vision_config", "image_token_id", "video_token_id"}
    outside |= {"vision_start_token_id", "vision_end_token_id", "tie_word_embeddings"}
    text = {name: value for name, value in data.items() if name not in outside}
    rope = text.pop("rope_scaling")
    assert isinstance(rope, dict)
    rope = {"rope_type": "default", "mrope_section": rope["mrope_section"], "rope_theta": text.pop("rope_theta")}
    kind, vision = data["model_type"], data["vision_config"]
    assert isinstance(vision, dict)
    return {
        **{name: value for name, value in data.items() if name in outside},
        "text_config": text | {"model_type": f"{kind}_text", "rope_parameters": rope},
        "vision_config": vision | {"model_type": f"{kind}_vision"},
    }


@pytest.mark.parametrize("name", SIZES)
def test_a_released_size_has_its_published_parameters_and_tensors(name: str) -> None:
    tower, whole, tensors, cache = SIZES[name]
    config = Config.parse(json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8")))
    with torch.device("meta"):
        network = Qwen(config)
    assert round(sum(p.numel() for p in network.visual.parameters()) / 1e6, 2) == tower
    assert round(sum(p.numel() for p in network.parameters()) / 1e9, 3) == whole
    assert len(network.state_dict()) == tensors
    text = config.text
    assert 2 * 2 * text.num_hidden_layers * text.num_key_value_heads * text.head_dim == cache
    assert text.head_dim == 128
    assert text.rms_norm_eps == 1e-6
    vision = config.vision
    assert (vision.depth, vision.hidden_size, vision.head_dim, vision.patch_dim) == (32, 1280, 80, 1176)
    if name.startswith("qwen2.5"):
        assert (vision.window_units, vision.tokens_per_second) == (4, 2.0)
        assert vision.fullatt_block_indexes == (7, 15, 23, 31)
        assert vision.intermediate_size == (3420 if name[-2:] in ("3b", "7b") else 3456)
    else:
        assert (vision.window_units, vision.tokens_per_second, vision.intermediate_size) == (None, None, 5120)


@pytest.mark.parametrize("name", SIZES)
def test_the_nested_layout_of_a_released_size_says_the_same(name: str) -> None:
    data = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    assert Config.parse(nested(data)) == Config.parse(data)
