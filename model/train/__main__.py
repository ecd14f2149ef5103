"""`python -m model.train STAGE --data FOLDER=WEIGHT ... --out DIR`: one stage of the built-in model's training."""

from __future__ import annotations

import argparse
from pathlib import Path

from model.train.builtin import Plan
from model.train.processes import train_together
from model.train.stages import STAGES


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m model.train", description=__doc__)
    parser.add_argument("stage", choices=sorted(STAGES))
    parser.add_argument("--data", action="append", default=[], metavar="FOLDER=WEIGHT")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--init", action="append", default=[], type=Path, metavar="STATE")
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    data = tuple((Path(f), float(w or 1)) for f, _, w in (item.partition("=") for item in args.data))
    plan = Plan(STAGES[args.stage], data, args.out, tuple(args.init), args.minutes, args.seed)
    train_together(plan, args.processes, args.out)


if __name__ == "__main__":
    main()
