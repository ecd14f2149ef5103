"""A trained network as a checkpoint folder, in the layout of the one that it began with."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from huggingface_hub import save_torch_state_dict
from torch import Tensor

from model.checkpoint import Weights, index
from model.config import Config
from model.mapped import DTYPES, LoadError, Mapped

BESIDE = (".json", ".jinja", ".txt", ".model")
"""Endings of the files beside the weights that belong to a checkpoint."""


def write_checkpoint(out: Path, tensors: Mapping[str, Tensor], source: Path, weights: Weights) -> None:
    """Write the checkpoint `source` with `tensors`, which have the network's names, in the places of its own.

    All others are those of its files, and so are all types; large weights are cut into several files.
    """
    if out.exists() and any(out.iterdir()):
        raise LoadError(f"{out}: there are files already; expected a new folder for the checkpoint")
    out.mkdir(parents=True, exist_ok=True)
    for path in source.iterdir():
        if path.is_file() and path.suffix in BESIDE and not path.name.endswith(".index.json"):
            shutil.copyfile(path, out / path.name)
    if (templates := source / "additional_chat_templates").is_dir():
        shutil.copytree(templates, out / templates.name)
    tied = Config.read(source).text.tie_word_embeddings
    state: dict[str, Tensor] = {}
    for name, stored in index(map(Mapped, weights.files)).items():
        if tied and name == "lm_head.weight":
            continue  # the embeddings once more, as they were
        kind = DTYPES[stored.dtype]
        new = tensors.get(name)
        state[name] = stored.copy(kind, "cpu") if new is None else new.detach().to("cpu", kind).contiguous()
    save_torch_state_dict(state, out, safe_serialization=True)
