"""`python -m agent.data KIND --out FOLDER --count PICTURES --seed SEED` writes shards; run again, it goes on."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

from agent.data.seeds import training_seed
from agent.data.store import pictures, shard_path

KINDS = {"tiles": "agent.data.tiles", "miniwob": "agent.data.rollouts", "forms": "agent.data.forms"}


def main(arguments: list[str] | None = None) -> int:
    """Make the shards that are missing until the folder holds `count` pictures."""
    parser = argparse.ArgumentParser(prog="python -m agent.data", description=__doc__)
    parser.add_argument("kind", choices=sorted(KINDS))
    parser.add_argument("--out", type=Path, required=True, help="folder of the shards")
    parser.add_argument("--count", type=int, required=True, help="how many pictures at least")
    parser.add_argument("--seed", type=int, default=0, help="seed of the first shard, below 1000000")
    options = parser.parse_args(arguments)
    make: Callable[[int, Path], int] = import_module(KINDS[options.kind]).make_shard
    fill(make, options.out, options.count, options.seed)
    return 0


def _print(line: str) -> None:
    print(line, flush=True)


def fill(
    make: Callable[[int, Path], int], folder: Path, count: int, seed: int, tell: Callable[[str], None] = _print
) -> None:
    """Call `make(seed + index, path)` for each shard that is not there yet; a line, on stdout, tells of each."""
    folder.mkdir(parents=True, exist_ok=True)
    total = index = 0
    while total < count:
        path = shard_path(folder, index)
        if path.exists():
            total += pictures(path)
        else:
            start = time.perf_counter()
            size = make(training_seed(seed + index), path)
            total += size
            spent = time.perf_counter() - start
            tell(f"{path.name}: {size} pictures, {size / spent:.1f} a second, {total} of {count}")
        index += 1


if __name__ == "__main__":
    sys.exit(main())
