"""Safetensors files as memory maps that give their pages back once they have been read.

The map is only a window: tensors are copied out of it block by block, and the pages of a block are dropped behind
it, so that reading a file takes little more memory than the tensors made from it.
"""

from __future__ import annotations

import json
import mmap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

DTYPES = {"F32": torch.float32, "BF16": torch.bfloat16, "F16": torch.float16}
"""Types that the network computes in, by their names in files."""

BLOCK = 4 * 2**20
"""Bytes that are copied before their pages are dropped."""


class LoadError(ValueError):
    """Weights that do not fit the network or cannot be read; lists the names."""


@dataclass(frozen=True)
class Stored:
    """One tensor in a file: how it is called there, its type, its shape, and the bytes it fills."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    start: int
    end: int
    file: Mapped

    @property
    def count(self) -> int:
        return torch.Size(self.shape).numel()

    def blocks(self) -> Iterator[Tensor]:
        """The tensor in flat pieces."""
        return self.file.blocks(self)

    def copy(self, dtype: torch.dtype, device: str) -> Tensor:
        """A tensor of its own, in another type if need be."""
        whole = torch.empty(self.shape, dtype=dtype, device=device)
        flat, at = whole.view(-1), 0
        for block in self.blocks():
            flat[at : at + len(block)].copy_(block)
            at += len(block)
        return whole


class Mapped:
    """One open file; `tensors` are those that its header names."""

    def __init__(self, path: Path) -> None:
        self.path = path
        _check(path)
        with path.open("rb") as file:
            self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        length = int.from_bytes(self._map[:8], "little")
        header = json.loads(self._map[8 : 8 + length])
        self.tensors = [self._stored(name, one, 8 + length) for name, one in header.items() if name != "__metadata__"]

    def _stored(self, name: str, one: dict[str, object], base: int) -> Stored:
        """One entry of the header, which the format's reader has judged already."""
        dtype, shape, offsets = one["dtype"], one["shape"], one["data_offsets"]
        assert isinstance(dtype, str) and isinstance(shape, list) and isinstance(offsets, list)  # noqa: PT018
        return Stored(name, dtype, tuple(shape), base + offsets[0], base + offsets[1], self)

    def blocks(self, stored: Stored) -> Iterator[Tensor]:
        """Flat pieces of `stored`, each a copy whose pages in the map have been dropped."""
        dtype = DTYPES[stored.dtype]
        for start in range(stored.start, stored.end, BLOCK):
            end = min(start + BLOCK, stored.end)
            block = bytearray(memoryview(self._map)[start:end])
            page = start - start % mmap.PAGESIZE
            self._map.madvise(mmap.MADV_DONTNEED, page, end - page)
            yield torch.frombuffer(block, dtype=dtype)


def _check(path: Path) -> None:
    """Let the format's own reader judge the header; what it lets through has offsets that fit the file.

    As for numpy, because for torch it maps the file as memory to be written, which has to be there.
    """
    try:
        with safe_open(path, framework="numpy"):
            return
    except (SafetensorError, OSError) as error:
        raise LoadError(f"{path}: cannot be read as safetensors: {error}") from None
