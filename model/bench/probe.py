"""What this machine can do at best: bytes read and numbers multiplied in a second; and how much memory was taken."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch.nn import functional as F

READ = 2**29
"""Bytes that are read to time memory; more than caches hold, however large a share of them is ours."""


def best(work: Callable[[], object], tries: int = 5) -> float:
    """Seconds of the fastest of some tries, after one that does not count."""
    work()
    times = []
    for _ in range(tries):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def bandwidth() -> float:
    """GB/s at which all threads read memory, the best of two ways: a sum, and products with one vector."""
    with torch.inference_mode():
        numbers = torch.ones(READ // 4)
        summed = numbers.nbytes / best(lambda: numbers.sum())
        matrices = numbers.view(-1, 8192, 2048)
        vector = torch.ones(2048)
        multiplied = numbers.nbytes / best(lambda: [F.linear(vector, matrix) for matrix in matrices])
    return max(summed, multiplied) / 1e9


def products(dtype: torch.dtype) -> float:
    """Thousand million multiply-adds and additions a second of a large matrix product in `dtype`."""
    rows, wide, deep = 2048, 2048, 11008
    with torch.inference_mode():
        a, b = torch.ones(rows, wide, dtype=dtype), torch.ones(deep, wide, dtype=dtype)
        return 2 * rows * wide * deep / best(lambda: F.linear(a, b)) / 1e9


def forget_peak() -> None:
    """Let `peak` count from now on, where the system can (Linux)."""
    if (path := Path("/proc/self/clear_refs")).exists():
        path.write_text("5")


def peak() -> int:
    """Largest resident memory in bytes since `forget_peak`; 0 where the system does not tell."""
    path = Path("/proc/self/status")
    lines = path.read_text().splitlines() if path.exists() else []
    sizes = [int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM")]
    return sizes[0] if sizes else 0


def busy() -> float:
    """Processes that ran or waited in the last minute, on average, for each core."""
    return os.getloadavg()[0] / (os.cpu_count() or 1)
