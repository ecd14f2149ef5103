"""Small random checkpoints for the tests of model/: the shapes, the files, and weights that make outputs vary."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path

import torch
from safetensors.torch import save_file
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers
from torch import Tensor, nn

from model.config import Config
from model.qwen import Qwen

SPECIAL = (
    "<|endoftext|>",
    "<|im_start|>",
    "<|im_end|>",
    "<|vision_start|>",
    "<|vision_end|>",
    "<|image_pad|>",
    "<|video_pad|>",
)
VISION_START, VISION_END, IMAGE_PAD, VIDEO_PAD = 3, 4, 5, 6

TEMPLATE = """\
{% for message in messages %}
{% if loop.first and message['role'] != 'system' %}
{{- '<|im_start|>system\\nBe helpful.<|im_end|>\\n' -}}
{% endif %}
{{- '<|im_start|>' + message['role'] + '\\n' -}}
{% if message['content'] is string %}{{- message['content'] -}}{% else %}
{% for part in message['content'] %}
{% if part['type'] == 'image' or 'image' in part %}{{- '<|vision_start|><|image_pad|><|vision_end|>' -}}
{% elif part['type'] == 'video' %}{{- '<|vision_start|><|video_pad|><|vision_end|>' -}}
{% elif 'text' in part %}{{- part['text'] -}}{% endif %}
{% endfor %}{% endif %}
{{- '<|im_end|>\\n' -}}
{% endfor %}
{% if add_generation_prompt %}{{- '<|im_start|>assistant\\n' -}}{% endif %}
"""

TOOLS = """\
{% if tools %}{{- '<|im_start|>system\\nThe tools:' -}}
{% for tool in tools %}{{- '\\n' + (tool | tojson) -}}{% endfor %}{{- '<|im_end|>\\n' -}}{% endif %}
{% for message in messages %}
{% if message.role == 'tool' %}{{- '<|im_start|>user\\nIt gave: ' + message.content + '<|im_end|>\\n' -}}
{% elif message.tool_calls %}{{- '<|im_start|>assistant\\n' + message.content -}}
{% for call in message.tool_calls %}
{{- '<tool_call>' + call.function.name + ' ' + (call.function.arguments | tojson) + '</tool_call>' -}}
{% endfor %}{{- '<|im_end|>\\n' -}}
{% else %}{{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' -}}{% endif %}
{% endfor %}
{% if add_generation_prompt %}{{- '<|im_start|>assistant\\n' -}}{% endif %}
"""
"""A template for text alone that knows tools, as released checkpoints have beside the one for images."""


def shape(
    *,
    patch: int = 8,
    window: int = 5,
    depth: int = 3,
    full: tuple[int, ...] = (1,),
    tower: tuple[int, int] = (2, 16),
    heads: tuple[int, int, int] = (4, 2, 16),
    section: tuple[int, int, int] = (2, 3, 3),
    layers: int = 2,
    tied: bool = True,
    theta: float = 10_000.0,
) -> dict[str, object]:
    """A flat config.json; `window` in merged tokens, `tower` = heads, head size, `heads` = heads, kv, size."""
    width = heads[0] * heads[2]
    return {
        "model_type": "qwen2_5_vl",
        "vocab_size": 384,
        "hidden_size": width,
        "intermediate_size": 88,
        "num_hidden_layers": layers,
        "num_attention_heads": heads[0],
        "num_key_value_heads": heads[1],
        "hidden_act": "silu",
        "max_position_embeddings": 2048,
        "rms_norm_eps": 1e-6,
        "rope_theta": theta,
        "rope_scaling": {"type": "mrope", "mrope_section": list(section)},
        "tie_word_embeddings": tied,
        "use_sliding_window": False,
        "bos_token_id": 0,
        "eos_token_id": 2,
        "image_token_id": IMAGE_PAD,
        "video_token_id": VIDEO_PAD,
        "vision_start_token_id": VISION_START,
        "vision_end_token_id": VISION_END,
        "vision_config": {
            "model_type": "qwen2_5_vl",
            "depth": depth,
            "hidden_size": tower[0] * tower[1],
            "intermediate_size": 56,
            "num_heads": tower[0],
            "in_chans": 3,
            "patch_size": patch,
            "spatial_patch_size": patch,
            "temporal_patch_size": 2,
            "spatial_merge_size": 2,
            "window_size": window * patch * 2,
            "fullatt_block_indexes": list(full),
            "out_hidden_size": width,
            "tokens_per_second": 2,
            "hidden_act": "silu",
        },
    }


def shape2(
    *,
    patch: int = 8,
    depth: int = 3,
    tower: tuple[int, int] = (2, 16),
    ratio: int = 3,
    heads: tuple[int, int, int] = (4, 2, 16),
    section: tuple[int, int, int] = (2, 3, 3),
    layers: int = 2,
    tied: bool = True,
    theta: float = 10_000.0,
) -> dict[str, object]:
    """The same for Qwen2-VL: the tower's width is embed_dim, and its hidden_size is the decoder's."""
    text = shape(heads=heads, section=section, layers=layers, tied=tied, theta=theta)
    vision = {
        "depth": depth,
        "embed_dim": tower[0] * tower[1],
        "mlp_ratio": ratio,
        "num_heads": tower[0],
        "in_chans": 3,
        "hidden_size": heads[0] * heads[2],
        "patch_size": patch,
        "spatial_patch_size": patch,
        "temporal_patch_size": 2,
        "spatial_merge_size": 2,
    }
    return text | {"model_type": "qwen2_vl", "vision_config": vision}


def processor(patch: int) -> dict[str, object]:
    """preprocessor_config.json with a budget of 4 to 64 image tokens."""
    return {
        "patch_size": patch,
        "temporal_patch_size": 2,
        "merge_size": 2,
        "min_pixels": 4 * (2 * patch) ** 2,
        "max_pixels": 64 * (2 * patch) ** 2,
        "image_mean": [0.48145466, 0.4578275, 0.40821073],
        "image_std": [0.26862954, 0.26130258, 0.27577711],
    }


def tokenizer() -> Tokenizer:
    """Bytes, a few merges, special tokens, and <tool_call> as a token that is not special."""
    built = Tokenizer(models.BPE())
    built.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    built.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=320, special_tokens=list(SPECIAL), initial_alphabet=alphabet, show_progress=False
    )
    built.train_from_iterator(["the user and the system click the button\n\n", "assistant", "0 1 2"], trainer)
    built.add_tokens([AddedToken("<tool_call>", normalized=False), AddedToken("</tool_call>", normalized=False)])
    return built


def scatter(network: nn.Module, seed: int = 0) -> None:
    """Weights large enough that the likeliest token changes from place to place."""
    random = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if parameter.dim() > 1:
                fan = parameter[0].numel()
                parameter.normal_(0, 1.5 * fan**-0.5, generator=random)
            else:
                parameter.normal_(1.0 if "norm" in name or "ln_q" in name else 0.0, 0.2, generator=random)


def network(config: Mapping[str, object], seed: int = 0) -> Qwen:
    """A random network in evaluation mode."""
    built = Qwen(Config.parse(config)).eval()
    scatter(built, seed)
    return built


def write(folder: Path, name: str, data: object) -> None:
    """One JSON file."""
    (folder / name).write_text(json.dumps(data), encoding="utf-8")


def write_files(folder: Path, config: Mapping[str, object]) -> None:
    """All of a checkpoint but the weights and config.json."""
    folder.mkdir(parents=True, exist_ok=True)
    vision = config["vision_config"]
    assert isinstance(vision, dict)
    write(folder, "preprocessor_config.json", processor(vision["patch_size"]))
    write(folder, "generation_config.json", {"eos_token_id": [2, 0], "repetition_penalty": 1.05})
    (folder / "chat_template.jinja").write_text(TEMPLATE, encoding="utf-8")
    tokenizer().save(str(folder / "tokenizer.json"))


def write_checkpoint(folder: Path, config: Mapping[str, object], seed: int = 0) -> Qwen:
    """A whole checkpoint with the names of released files; returns the network it holds."""
    write_files(folder, config)
    write(folder, "config.json", config)
    built = network(config, seed)
    save_file(tensors(built), folder / "model.safetensors")
    return built


def write_shards(folder: Path, held: Mapping[str, Tensor], count: int) -> None:
    """Tensors spread over `count` files, and their index."""
    where = {name: f"model-{1 + i % count:05}-of-{count:05}.safetensors" for i, name in enumerate(sorted(held))}
    for file in set(where.values()):
        save_file({name: held[name] for name, at in where.items() if at == file}, folder / file)
    write(folder, "model.safetensors.index.json", {"metadata": {}, "weight_map": where})


def write_random(path: Path, shapes: Mapping[str, tuple[int, ...]]) -> None:
    """One bfloat16 file of random weights, written tensor by tensor: it may be larger than memory."""
    header, at = {}, 0
    for name, size in shapes.items():
        end = at + 2 * math.prod(size)
        header[name] = {"dtype": "BF16", "shape": list(size), "data_offsets": [at, end]}
        at = end
    text = json.dumps(header).encode()
    random = torch.Generator().manual_seed(0)
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for name, size in shapes.items():
            left = math.prod(size)
            while left:
                count = min(left, 2**24)
                values = torch.randn(count, generator=random) * (0.02 if len(size) > 1 else 0.1)
                values = values + 1 if len(size) == 1 and name.endswith("weight") else values
                file.write(values.bfloat16().view(torch.uint8).numpy().tobytes())
                left -= count


def tensors(built: nn.Module) -> dict[str, Tensor]:
    """Its tensors by name, each with memory of its own."""
    return {name: tensor.detach().clone() for name, tensor in built.state_dict().items()}


def modern(names: Mapping[str, Tensor]) -> Iterator[tuple[str, Tensor]]:
    """Released names as newer tools write them."""
    for name, tensor in names.items():
        front, _, rest = name.partition(".")
        yield {"visual": "model.visual.", "model": "model.language_model."}.get(front, f"{front}.") + rest, tensor
