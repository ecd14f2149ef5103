"""`python -m agent.data KIND --out FOLDER --count PICTURES --seed SEED` writes shards; run again, it goes on."""

from __future__ import annotations

import argparse
import re
import sys
import time
from collections.abc import Callable, Sequence
from functools import cache, partial
from importlib import import_module
from pathlib import Path
from typing import TypeAlias, cast

from agent.data.seeds import training_seed
from agent.data.store import UNIT, pictures, shard_path
from env.miniwob.oracle import TASKS

KINDS = {"tiles": "agent.data.tiles", "miniwob": "agent.data.rollouts", "forms": "agent.data.forms"}

Make: TypeAlias = Callable[[int, Path, int], int]
"""Writes the shard of a seed to a path, no more pictures than asked for or a shard holds; says how many."""

CAST = ("forms", "miniwob")
"""The kinds in which somebody acts."""

LEAST = 160
"""Pixels to the shortest side of a page."""


def maker(
    kind: str, weights: Path | None = None, tasks: Sequence[str] = (), sizes: Sequence[tuple[int, int]] = ()
) -> Make:
    """What writes the shard of a seed; with `weights` (a checkpoint or an exported folder) their model acts in it.

    `tasks` are the MiniWoB++ tasks that it shows, all of them where none is named; `sizes` are those of form pages.
    """
    make = import_module(KINDS[kind]).make_shard
    if tasks:
        make = partial(make, tasks=tasks)
    if sizes:
        make = partial(make, sizes=sizes)
    if weights is None:
        return cast(Make, make)
    from agent.data.learner import Learner
    from model.train.score import Examinee

    examinee = cache(lambda: Examinee(weights))  # read once there is a shard to make
    return partial(make, cast=lambda random: Learner(random, examinee()))


def main(arguments: list[str] | None = None) -> int:
    """Make the shards that are missing until the folder holds `count` pictures."""
    parser = argparse.ArgumentParser(prog="python -m agent.data", description=__doc__)
    parser.add_argument("kind", choices=sorted(KINDS))
    parser.add_argument("--out", type=Path, required=True, help="folder of the shards")
    parser.add_argument("--count", type=int, required=True, help="how many pictures at least")
    parser.add_argument("--seed", type=int, default=0, help="seed of the first shard, below 1000000")
    parser.add_argument("--model", type=Path, help="checkpoint or exported folder that acts, instead of a clumsy agent")
    parser.add_argument("--tasks", type=_names, default=(), help="MiniWoB++ tasks to show, A,B,C; all by default")
    parser.add_argument("--size", type=_sizes, default=(), help="WIDTHxHEIGHT of form pages, A,B,C; 160x208 by default")
    options = parser.parse_args(arguments)
    if options.size and options.kind != "forms":
        parser.error(f"--size: pictures of the kind {options.kind} have a size of their own; expected forms")
    if options.tasks and options.kind != "miniwob":
        parser.error(f"--tasks: pictures of the kind {options.kind} show no tasks; expected miniwob")
    if unknown := [name for name in options.tasks if name not in TASKS]:
        parser.error(f"--tasks: {', '.join(unknown)}: expected some of {', '.join(TASKS)}")
    if options.model is not None and options.kind not in CAST:
        parser.error(f"--model: nobody acts in pictures of the kind {options.kind}; expected {' or '.join(CAST)}")
    fill(maker(options.kind, options.model, options.tasks, options.size), options.out, options.count, options.seed)
    return 0


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.split(","))


def _sizes(text: str) -> tuple[tuple[int, int], ...]:
    return tuple(map(_size, text.split(",")))


def _size(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"(\d{1,4})x(\d{1,4})", text)
    size = (int(found[1]), int(found[2])) if found else (0, 0)
    if min(size) < LEAST or any(side % UNIT for side in size):
        raise argparse.ArgumentTypeError(
            f"{text}: expected WIDTHxHEIGHT in pixels of at least {LEAST}x{LEAST}, multiples of {UNIT}"
        )
    return size


def _print(line: str) -> None:
    print(line, flush=True)


def fill(make: Make, folder: Path, count: int, seed: int, tell: Callable[[str], None] = _print) -> None:
    """Call `make(seed + index, path, missing)` for each shard that is not there yet; a line tells of each."""
    folder.mkdir(parents=True, exist_ok=True)
    total = index = 0
    while total < count:
        path = shard_path(folder, index)
        if path.exists():
            total += pictures(path)
        else:
            start = time.perf_counter()
            size = make(training_seed(seed + index), path, count - total)
            total += size
            spent = time.perf_counter() - start
            tell(f"{path.name}: {size} pictures, {size / spent:.1f} a second, {total} of {count}")
        index += 1


if __name__ == "__main__":
    sys.exit(main())
