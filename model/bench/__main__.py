"""`python -m model.bench`: a step of an agent by transformers and by ours, side by side in one run."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence

import torch

os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")  # large pages for large tensors, of theirs as of ours

from model.bench import parts, probe, report
from model.bench.gate import Agreement, joined
from model.bench.pair import Pair, pair, small
from model.bench.race import STEPS, Lap, Track, grown, race
from model.bench.shapes import LAYERS
from model.bench.work import Load, screen

BUSY = 0.6
"""Load of each core above which nothing is timed."""

DTYPES = {"bfloat16": torch.bfloat16, "float32": torch.float32}

AGAIN = 5
"""Times that ours is run at its second step and at its last, in turn."""

GATE = 2
"""Steps that are compared before anything is timed."""


def main(arguments: Sequence[str] | None = None) -> int:
    """0 where both engines chose the same tokens, 1 where they did not, 2 where the machine is too busy to time."""
    asked = _parser().parse_args(arguments)
    if probe.busy() > BUSY and not asked.busy:
        print(f"the load of each core is {probe.busy():.2f}; expected at most {BUSY} (or --busy)", file=sys.stderr)
        return 2
    say: Callable[[str], None] = (lambda text: None) if asked.json else print
    load = Load(tuple(asked.screen), asked.words)
    dtype: torch.dtype = DTYPES[asked.dtype]
    both = pair(asked.checkpoint or ("full" if asked.full else "reduced"), dtype)
    say(report.heading(both, asked.dtype, load))
    gate = joined(list(_gate(both, load)))
    say(report.verdict(gate, holds=gate.holds(dtype)))
    if not gate.holds(dtype):
        return 1
    found = _timed(both, load, [step for step in STEPS if step <= asked.steps], say)
    found |= {
        "config": report.describe(both, asked.dtype, load),
        "threads": torch.get_num_threads(),
        "gate": report.agreement(gate, holds=True),
    }
    if asked.json:
        print(json.dumps(found))
    return 0 if found["holds"] else 1


def _timed(both: Pair, load: Load, steps: Sequence[int], say: Callable[[str], None]) -> dict[str, object]:
    """Everything that a clock is needed for."""
    dtype = both.network.model.norm.weight.dtype
    ceiling, products = probe.bandwidth(), probe.products(dtype)
    say(report.machine(ceiling, products))
    laps = list(_watched(race(both, load, steps), steps, say))
    agreement = joined([lap.agreement for lap in laps if lap.agreement])
    say(report.verdict(agreement, holds=agreement.holds(dtype)))
    last = steps[-1]
    growth = report.growth(list(grown(both, load, last, AGAIN)), last)
    look, plain = parts.vision(both, load), parts.decode(both.network, ceiling)
    eight = parts.int8(both.network, small(both.network), ceiling)
    for line in (*report.summary(laps, steps), report.grown(growth, last), *report.rest(look, plain, eight)):
        say(line)
    return {
        "machine": {"read_gb_s": ceiling, "matrix_gflop_s": products},
        "steps": report.table(laps, steps),
        "growth": growth,
        "holds": agreement.holds(dtype),
        "agreement": report.agreement(agreement, holds=agreement.holds(dtype)),
        "vision": look,
        "decode": report.fields(plain),
        "int8": report.fields(eight),
    }


def _gate(both: Pair, load: Load) -> Iterator[Agreement]:
    """The first steps of an episode, for what was chosen alone."""
    track = Track(both, load, newest=False)
    screens = []
    for step in range(1, GATE + 1):
        screens.append(screen(step, load.screen))
        yield from (lap.agreement for lap in track.run(step, screens, naive=True) if lap.agreement)


def _watched(laps: Iterator[Lap], steps: Sequence[int], say: Callable[[str], None]) -> Iterator[Lap]:
    for lap in laps:
        if lap.step in steps:
            say(report.line(lap))
        yield lap


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m model.bench", description=__doc__)
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "--full", action="store_true", help=f"the true depth {LAYERS['full']}; default {LAYERS['reduced']}"
    )
    which.add_argument("--checkpoint", metavar="FOLDER", help="these weights in place of random ones")
    parser.add_argument("--steps", type=int, default=max(STEPS), help="the last step (default %(default)s)")
    parser.add_argument("--dtype", choices=tuple(DTYPES), default="bfloat16")
    parser.add_argument("--screen", type=int, nargs=2, metavar=("W", "H"), default=Load().screen)
    parser.add_argument("--words", type=int, default=Load().words, help="tokens before the first screen")
    parser.add_argument("--busy", action="store_true", help="time also where other work disturbs it")
    parser.add_argument("--json", action="store_true", help="one JSON object and nothing else")
    return parser


if __name__ == "__main__":
    sys.exit(main())
