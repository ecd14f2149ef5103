"""The built-in model's shape, and the files beside its weights."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor

from model.config import Config
from model.train.tokens import SPECIAL, build

TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
    "{% if message['content'] is string %}{{ message['content'] }}{% else %}"
    "{% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}<|vision_start|><|image_pad|><|vision_end|>"
    "{% elif part['type'] == 'video' %}<|vision_start|><|video_pad|><|vision_end|>"
    "{% elif part['type'] == 'text' %}{{ part['text'] }}{% endif %}"
    "{% endfor %}{% endif %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)

SIZE = (160, 208)
"""Width and height of the screens it is trained on, in pixels."""


def read_weights(path: Path) -> tuple[dict[str, Tensor], Sequence[str]]:
    """All weights of an exported folder or of a checkpoint file, and the prefixes of those that its stage has trained.

    A folder has trained all that it holds.
    """
    if path.is_dir():
        return load_file(path / "model.safetensors"), ("",)
    state = torch.load(path, weights_only=True)
    return state["weights"], state["trained"]


def config_json() -> dict[str, object]:
    """config.json in the layout of released Qwen2.5-VL checkpoints."""
    tokenizer = build()
    ids = {name: tokenizer.token_to_id(name) for name in SPECIAL}
    width = 256
    vision = {
        "model_type": "qwen2_5_vl",
        "depth": 5,
        "hidden_size": 128,
        "intermediate_size": 352,
        "num_heads": 2,
        "in_channels": 3,
        "patch_size": 8,
        "temporal_patch_size": 2,
        "spatial_merge_size": 2,
        "window_size": 80,
        "fullatt_block_indexes": [2, 4],
        "out_hidden_size": width,
        "tokens_per_second": 2,
        "hidden_act": "silu",
    }
    return {
        "architectures": ["Qwen2_5_VLForConditionalGeneration"],
        "model_type": "qwen2_5_vl",
        "vocab_size": -(-tokenizer.get_vocab_size() // 64) * 64,
        "hidden_size": width,
        "intermediate_size": 640,
        "num_hidden_layers": 6,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "hidden_act": "silu",
        "max_position_embeddings": 4096,
        "initializer_range": 0.02,
        "rms_norm_eps": 1e-6,
        "use_cache": True,
        "use_sliding_window": False,
        "tie_word_embeddings": True,
        "rope_theta": 100.0,  # short texts, few rows and columns: low frequencies would tell none apart
        "rope_scaling": {"type": "mrope", "mrope_section": [8, 12, 12]},
        "attention_dropout": 0.0,
        "bos_token_id": ids["<|endoftext|>"],
        "eos_token_id": ids["<|im_end|>"],
        "pad_token_id": ids["<|endoftext|>"],
        "vision_start_token_id": ids["<|vision_start|>"],
        "vision_end_token_id": ids["<|vision_end|>"],
        "vision_token_id": ids["<|vision_pad|>"],
        "image_token_id": ids["<|image_pad|>"],
        "video_token_id": ids["<|video_pad|>"],
        "torch_dtype": "bfloat16",
        "vision_config": vision,
    }


def config() -> Config:
    """The same as the network takes it."""
    return Config.parse(config_json())


def write_files(folder: Path) -> None:
    """Everything of the checkpoint folder but the weights and the card."""
    folder.mkdir(parents=True, exist_ok=True)
    data = config_json()
    files: dict[str, object] = {
        "config.json": data,
        "generation_config.json": {
            "do_sample": False,
            "bos_token_id": data["bos_token_id"],
            "eos_token_id": [data["eos_token_id"], data["pad_token_id"]],
            "pad_token_id": data["pad_token_id"],
        },
        "preprocessor_config.json": {
            "image_processor_type": "Qwen2VLImageProcessor",
            "processor_class": "Qwen2_5_VLProcessor",
            "patch_size": 8,
            "temporal_patch_size": 2,
            "merge_size": 2,
            "min_pixels": 256,
            "max_pixels": 1_003_520,
            "image_mean": [0.48145466, 0.4578275, 0.40821073],
            "image_std": [0.26862954, 0.26130258, 0.27577711],
        },
        "tokenizer_config.json": {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "clean_up_tokenization_spaces": False,
            "eos_token": "<|im_end|>",
            "pad_token": "<|endoftext|>",
            "model_max_length": 4096,
            "chat_template": TEMPLATE,
        },
        "handeye.json": {
            "dialect": "qwen2.5",
            "system": False,
            "screen": list(SIZE),
            "max_tokens": 64,
            "ground": "click",
        },
    }
    for name, content in files.items():
        (folder / name).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    (folder / "chat_template.jinja").write_text(TEMPLATE, encoding="utf-8")
    build().save(str(folder / "tokenizer.json"))
