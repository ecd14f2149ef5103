"""Adapters of low rank (LoRA, arXiv 2106.09685) by peft, which the extra `train` brings.

An adapter folder has the names that transformers gives the network's parts, so that peft loads it there; one that was
trained there can be merged here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import torch
from peft import LoraConfig, inject_adapter_in_model
from peft.tuners.tuners_utils import BaseTunerLayer
from safetensors.torch import load_file, save_file
from torch import Tensor

from model.checkpoint import RENAMES, load_network
from model.mapped import LoadError
from model.qwen import Qwen
from model.train.files import write_checkpoint
from model.train.settings import Lora

NAME = "default"
"""What peft calls an adapter that nobody named."""

FRONT = "base_model.model."
WEIGHTS, CONFIG = "adapter_model.safetensors", "adapter_config.json"

DECODER = r".*\.layers\.\d+\.(self_attn|mlp)\.(q|k|v|o|gate|up|down)_proj"
TOWER = r".*\.blocks\.\d+\.(attn|mlp)\.(qkv|proj|fc1|fc2|gate_proj|up_proj|down_proj)"
"""The linear maps of the decoder and of the vision tower, by their names here and in transformers."""


def settings(lora: Lora, base: str = "") -> LoraConfig:
    """The same as peft takes it, for the checkpoint `base`."""
    return LoraConfig(
        r=lora.rank,
        lora_alpha=lora.alpha,
        target_modules=f"{DECODER}|{TOWER}" if lora.vision else DECODER,
        base_model_name_or_path=base,
        task_type="CAUSAL_LM",
    )


def attach(net: Qwen, lora: Lora) -> None:
    """Put adapters that change nothing yet over the maps of `net`."""
    inject_adapter_in_model(settings(lora), net, NAME)


def save_adapter(folder: Path, weights: Mapping[str, Tensor], lora: Lora, base: str) -> None:
    """Write what `attach` added, as trained, for the checkpoint `base`."""
    folder.mkdir(parents=True, exist_ok=True)
    kept = {f"{FRONT}{_modern(name)}".replace(f".{NAME}.", "."): value.contiguous() for name, value in weights.items()}
    save_file(kept, folder / WEIGHTS, metadata={"format": "pt"})
    settings(lora, base).save_pretrained(str(folder))


def merge(checkpoint: Path, adapter: Path, out: Path) -> None:
    """Write `checkpoint` with `adapter` added to its weights, which is done in float32. Raises `LoadError`."""
    net, weights = load_network(checkpoint, dtype="float32")
    tensors, maps = _read(adapter), {name for name, _ in net.named_modules()}
    targets = sorted({name.partition(".lora_")[0] for name in tensors})
    if strange := [name for name in targets if name not in maps]:
        raise LoadError(f"{adapter}: {strange[0]} is no part of the checkpoint; expected names such as its own")
    config = LoraConfig.from_pretrained(str(adapter))
    config.target_modules = set(targets)
    inject_adapter_in_model(config, net, NAME)
    _fill(net, tensors, adapter)
    for module in net.modules():
        if isinstance(module, BaseTunerLayer):
            module.merge()
    merged = {
        name.replace(".base_layer.", "."): p.detach() for name, p in net.named_parameters() if ".lora_" not in name
    }
    write_checkpoint(out, merged, checkpoint, weights)


def _fill(net: Qwen, tensors: Mapping[str, Tensor], adapter: Path) -> None:
    wanted = {name: p for name, p in net.named_parameters() if ".lora_" in name}
    if odd := sorted(wanted.keys() ^ tensors.keys()):
        raise LoadError(f"{adapter / WEIGHTS}: {odd[0]} is missing or spare; expected A and B of every target")
    with torch.no_grad():
        for name, parameter in wanted.items():
            if parameter.shape != tensors[name].shape:
                found, right = list(tensors[name].shape), list(parameter.shape)
                raise LoadError(f"{adapter / WEIGHTS}: {name} is {found}; expected {right}")
            parameter.copy_(tensors[name])


def _read(adapter: Path) -> dict[str, Tensor]:
    """An adapter's tensors under the names that they have here."""
    for name in (WEIGHTS, CONFIG):
        if not (adapter / name).is_file():
            raise LoadError(f"{adapter}: holds no {name}; expected a LoRA adapter as peft saves it")
    if (kind := json.loads((adapter / CONFIG).read_text(encoding="utf-8")).get("peft_type")) != "LORA":
        raise LoadError(f"{adapter / CONFIG}: peft_type: {kind!r}; expected 'LORA'")
    return dict(_renamed(load_file(adapter / WEIGHTS)))


def _renamed(tensors: Mapping[str, Tensor]) -> Iterator[tuple[str, Tensor]]:
    for name, tensor in tensors.items():
        own = name.removeprefix(FRONT)
        for old, new in RENAMES:
            own = old.sub(new, own)
        front, _, last = own.rpartition(".weight")
        yield f"{front}.{NAME}.weight{last}", tensor


def _modern(name: str) -> str:
    front, _, rest = name.partition(".")
    return {"visual": "model.visual.", "model": "model.language_model."}.get(front, f"{front}.") + rest
