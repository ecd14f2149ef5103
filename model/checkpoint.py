"""Weights of a checkpoint folder, read into the network with every tensor accounted for."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import torch

from model import plan
from model.config import Config
from model.fields import Fields
from model.linear import quantized
from model.mapped import DTYPES, LoadError, Mapped, Stored
from model.qwen import Qwen

NATIVE = ("auto", "int8")
"""What may be asked for beside a type: the type of the files, or their numbers rounded to int8."""

RENAMES = ((re.compile(r"^model\.visual\."), "visual."), (re.compile(r"^model\.language_model\."), "model."))
"""From the names that newer tools save to those of released files, which the network carries."""


@dataclass(frozen=True)
class Weights:
    """The weight files that a network was read from, as they were then."""

    files: tuple[Path, ...]
    stamps: tuple[tuple[int, int], ...]  # size in bytes and time of change in ns

    @classmethod
    def find(cls, folder: Path) -> Weights:
        """model.safetensors, or the shards that model.safetensors.index.json names."""
        single, index = folder / "model.safetensors", folder / "model.safetensors.index.json"
        names = [single.name]
        if not single.exists():
            if not index.exists():
                raise LoadError(f"{folder}: holds neither {single.name} nor {index.name}")
            names = sorted({str(name) for name in Fields.read(index).object("weight_map").data.values()})
        if strange := [name for name in names if Path(name).name != name or not name.endswith(".safetensors")]:
            raise LoadError(f"{index}: {listed(strange)}: expected names of .safetensors files beside it")
        if absent := [name for name in names if not (folder / name).is_file()]:
            raise LoadError(f"{folder}: lacks {listed(absent)}, which {index.name} names")
        files = tuple(folder / name for name in names)
        return cls(files, tuple(map(_stamp, files)))

    @property
    def known(self) -> str | None:
        """The hash if somebody has asked for it: it takes seconds for each gigabyte."""
        found = vars(self).get("hash")
        return found if isinstance(found, str) else None

    @cached_property
    def hash(self) -> str:
        """sha256 of the files end to end, as `cat FILES | sha256sum` prints; LoadError if one has changed."""
        digest = hashlib.sha256()
        for path, stamp in zip(self.files, self.stamps, strict=True):
            if _stamp(path) != stamp:
                raise LoadError(f"{path}: has changed since it was loaded")
            with path.open("rb") as file:
                while block := file.read(1 << 20):
                    digest.update(block)
        return digest.hexdigest()


def load_network(folder: Path, *, dtype: str = "auto", device: str = "cpu") -> tuple[Qwen, Weights]:
    """The network of a checkpoint folder in evaluation mode, and the files its weights came from.

    `dtype` "auto" keeps the files' type; on a CPU float16 files become float32. "int8" computes in that type too,
    with the decoder's weights rounded to int8, each row with a scale of its own. Every tensor is copied once out of
    the memory-mapped file, whose pages are dropped behind it, so that a later change of the file cannot reach the
    network. Raises `ConfigError` for config.json, `LoadError` for tensors that are missing, spare, or
    do not fit, and `PlanError` where memory will not do. CUDA is written for and has not been tried.
    """
    named = {str(kind).removeprefix("torch."): kind for kind in DTYPES.values()}
    if dtype not in named and dtype not in NATIVE:
        raise LoadError(f"dtype: {dtype!r}; expected {' or '.join(map(repr, NATIVE))} or one of {sorted(named)}")
    if dtype == "float16" and device == "cpu":
        raise LoadError("dtype: 'float16' is not supported on a CPU; expected 'float32' or 'bfloat16'")
    config, weights = Config.read(folder), Weights.find(folder)
    with torch.device("meta"):
        network = Qwen(config)
    stored = index(map(Mapped, weights.files))
    _check_names(network, stored)
    if network.lm_head is None and "lm_head.weight" in stored:
        _check_tied(stored)
    kind = named[_native(stored, device) if dtype in NATIVE else dtype]
    network, names = network.to(kind), list(network.state_dict())
    if dtype == "int8":
        with torch.device("meta"):
            network.shrink(kind)
    wanted = network.state_dict()
    plan.check_weights(sum(tensor.nbytes for tensor in wanted.values()), config, kind, torch.device(device))
    copies = ((name, stored[name].copy(kind, device)) for name in names)
    network.load_state_dict(dict(quantized(copies, wanted)), assign=True)
    return network.eval(), weights


def index(files: Iterable[Mapped]) -> dict[str, Stored]:
    """What the files hold, under the network's names."""
    stored: dict[str, Stored] = {}
    for tensor in (tensor for file in files for tensor in file.tensors):
        name = tensor.name
        for old, new in RENAMES:
            name = old.sub(new, name)
        if name in stored:
            raise LoadError(f"{name}: the files hold it twice, as {stored[name].name} and as {tensor.name}")
        stored[name] = tensor
    return stored


def _check_names(network: Qwen, stored: Mapping[str, Stored]) -> None:
    """Raise `LoadError` that lists all that does not fit."""
    wanted = {name: tuple(parameter.shape) for name, parameter in network.state_dict().items()}
    spare = set() if network.lm_head is not None else {"lm_head.weight"}
    missing = [name for name in wanted if name not in stored]
    extra = [tensor.name for name, tensor in stored.items() if name not in wanted and name not in spare]
    shapes = [
        f"{name} is {list(stored[name].shape)}, expected {list(shape)}"
        for name, shape in wanted.items()
        if name in stored and stored[name].shape != shape
    ]
    types = [f"{name} is {tensor.dtype}" for name, tensor in stored.items() if tensor.dtype not in DTYPES]
    faults = {"missing": missing, "not expected": extra, "wrong shape": shapes, "wrong type": types}
    if found := [f"{len(names)} {fault}: {listed(names)}" for fault, names in faults.items() if names]:
        raise LoadError("the weights do not fit config.json; " + "; ".join(found))


def _check_tied(stored: Mapping[str, Stored]) -> None:
    """A head that config.json ties to the embeddings may be stored, but not say something else."""
    head, embeddings = stored["lm_head.weight"], stored["model.embed_tokens.weight"]
    if head.shape != embeddings.shape or not all(map(torch.equal, head.blocks(), embeddings.blocks())):
        raise LoadError(f"{head.name} differs from {embeddings.name}, but config.json says tie_word_embeddings: true")


def _native(stored: Mapping[str, Stored], device: str) -> str:
    """The type that most tensors have, as far as the device computes in it."""
    [(kind, _)] = Counter(tensor.dtype for tensor in stored.values()).most_common(1)
    return "float32" if kind == "F16" and device == "cpu" else str(DTYPES[kind]).removeprefix("torch.")


def _stamp(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_size, status.st_mtime_ns


def listed(names: list[str], most: int = 8) -> str:
    """The names, cut off after some."""
    rest = len(names) - most
    return ", ".join(names[:most]) + (f" and {rest} more" if rest > 0 else "")
