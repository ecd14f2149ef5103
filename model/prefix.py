"""Beginnings of prompts that several sessions share, such as the system turn with its tools: read once.

They are kept in memory, and in a folder where one is given. A file is only believed if its name, its header and
the hash of its content say that it holds what is asked for; any other is told of and read no further.
"""

from __future__ import annotations

import hashlib
import json
import os
import warnings
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from model.features import Store

ROOM = 2**28
"""Bytes of memory for beginnings; 862 tokens of a 3B network in bfloat16 take 32 MB."""

DISK = 2**29
"""Bytes of a folder for beginnings."""

KIND = "prefix 1"
"""What a file says it is; the number changes with what it holds."""


@dataclass(frozen=True)
class Disk:
    """A folder for the beginnings that the network of this `hash` has read: of weights, shapes and arithmetic.

    Others may use it too; of its files, `room` bytes are kept, those that were used last.
    """

    folder: Path
    hash: str
    room: int = DISK


class Prefixes:
    """Keys and values of the words that prompts begin with, by these words. `read` and `written` count files.

    Pass one to every `Session` of the same network.
    """

    def __init__(self, disk: Disk | None = None, *, room: int = ROOM) -> None:
        self.disk, self.store = disk, Store(room)
        self.read = self.written = 0
        self._bad: set[Path] = set()  # files to be written anew

    def get(self, tokens: Sequence[int], like: Tensor) -> Tensor | None:
        """Rows [layers,2,1,K,T,D] of `tokens`, if somebody read them; of the shape and kind of `like`, T aside."""
        key = (tuple(tokens), _kind(like))
        if (found := self.store.get(key)) is None and self.disk is not None:
            found = self._load(self._path(tokens, like), tokens, like)
            if found is not None:
                self.read += 1
                self.store.put(key, found)
                _touch(self._path(tokens, like))
        return found

    def holds(self, tokens: Sequence[int], like: Tensor) -> bool:
        """Whether `tokens` are in memory."""
        return (tuple(tokens), _kind(like)) in self.store.kept

    def put(self, tokens: Sequence[int], rows: Tensor) -> None:
        """Keep `rows` of `tokens`, on disk too where there is a folder and no good file in it.

        A folder that cannot be written is told of once, and used no more.
        """
        self.store.put((tuple(tokens), _kind(rows)), rows)
        if self.disk is None or rows.nbytes > self.disk.room:
            return
        path = self._path(tokens, rows)
        try:
            if path in self._bad or not path.exists():
                path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                _save(path, rows, self._header(tokens, rows) | {"content": _content(rows)})
                self._bad.discard(path)
                self.written += 1
                prune(path.parent, self.disk.room)
        except (OSError, SafetensorError) as error:
            warnings.warn(f"{path.parent} keeps no beginnings: {error}", stacklevel=4)
            self.disk = None

    def _load(self, path: Path, tokens: Sequence[int], like: Tensor) -> Tensor | None:
        """The rows in a file; None where there is none, and with a warning where it is not what it ought to be."""
        shape = [*like.shape[:4], len(tokens), like.shape[5]]
        try:
            return _read(path, self._header(tokens, like), shape, like.dtype).to(like.device)
        except FileNotFoundError:
            return None
        except (SafetensorError, OSError, ValueError) as error:
            warnings.warn(f"{path} is ignored: {error}", stacklevel=4)
            self._bad.add(path)
            return None

    def _header(self, tokens: Sequence[int], like: Tensor) -> dict[str, str]:
        assert self.disk is not None
        words = hashlib.sha256(json.dumps(list(tokens)).encode()).hexdigest()
        return {"kind": KIND, "model": self.disk.hash, "tokens": words, "dtype": str(like.dtype)}

    def _path(self, tokens: Sequence[int], like: Tensor) -> Path:
        assert self.disk is not None
        name = hashlib.sha256(json.dumps(self._header(tokens, like)).encode()).hexdigest()
        return self.disk.folder / f"{name}.safetensors"


def _kind(rows: Tensor) -> tuple[object, ...]:
    """What rows of one network and device have in common."""
    return (rows.dtype, rows.device, *rows.shape[:4], rows.shape[5])


def _content(rows: Tensor) -> str:
    return hashlib.sha256(rows.cpu().contiguous().view(torch.uint8).numpy().data).hexdigest()


def prune(folder: Path, room: int) -> None:
    """Let go of files of `folder` until `room` bytes are left, those used longest ago first."""
    files = []
    for path in (*folder.glob("*.safetensors"), *folder.glob(".*.safetensors.*")):
        with suppress(FileNotFoundError):  # another process was quicker
            files.append((path.stat().st_mtime_ns, path.stat().st_size, path))
    held = sum(size for _, size, _ in files)
    for _, size, path in sorted(files):
        if held <= room:
            break
        path.unlink(missing_ok=True)
        held -= size


def _touch(path: Path) -> None:
    """Let the file count as used now, where that can be said."""
    with suppress(OSError):
        path.touch(exist_ok=True)


def _save(path: Path, rows: Tensor, header: dict[str, str]) -> None:
    """Write the file in one go: a reader sees the old one or the new one, never a part."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        save_file({"rows": rows.cpu().contiguous()}, beside, metadata=header)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def _read(path: Path, header: dict[str, str], shape: list[int], dtype: torch.dtype) -> Tensor:
    """The rows in a file, if all of it agrees; ValueError otherwise."""
    with safe_open(path, framework="pt") as file:
        said = file.metadata() or {}
        if {name: said.get(name) for name in header} != header:
            raise ValueError("it was written for another model or other words")
        if list(file.keys()) != ["rows"] or file.get_slice("rows").get_shape() != shape:
            raise ValueError(f"it does not hold one tensor of shape {shape}")
        rows: Tensor = file.get_tensor("rows")
    if rows.dtype != dtype or _content(rows) != said.get("content"):
        raise ValueError("its content is damaged")
    return rows
