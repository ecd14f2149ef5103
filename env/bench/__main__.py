"""`python -m env.bench`: milliseconds a step, by the median, of ours beside the floor, and with --peers beside others.

All take turns on the same pages in the same run. On a machine that is busy with other things nothing is reported.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from env.bench.contest import Contender, Timing, contest, floor, ours, ratios
from env.bench.pages import STATIC, serve
from env.bench.peers import PEERS, peer

BUSY = 15.0
CACHE = Path.home() / ".cache" / "handeye" / "bench"
FLOOR, OURS = "floor: click and CDP screenshot", "handeye"


def main(arguments: Sequence[str] | None = None) -> int:
    """Time the steps and print what came of it; 4 where the machine is too busy."""
    asked = _parse(arguments)
    busy = psutil.cpu_percent(interval=1.0)
    if busy > asked.busy and not asked.anyway:
        sys.stderr.write(f"{busy:.0f} % of the processors are busy: no timing would mean anything; --anyway does it\n")
        return 4
    timings = measure(asked.steps, asked.cache if asked.peers else None)
    names = dict.fromkeys(one.name for one in timings)
    others = {name: round(min(ratios(timings, name, OURS)), 2) for name in names if name not in (OURS, FLOOR)}
    report = Report(machine(busy), timings, round(max(ratios(timings, OURS, FLOOR)), 2), others)
    sys.stdout.write(json.dumps(asdict(report)) + "\n" if asked.json else table(report))
    return 0


@dataclass(frozen=True)
class Report:
    """What came of it."""

    machine: dict[str, str]
    timings: list[Timing]
    ours_to_floor: float
    """Our median step by the floor's, on the page where that is the most."""
    times_ours: dict[str, float]
    """The others' median steps by ours, on the page where that is the least."""


def machine(busy: float) -> dict[str, str]:
    """What was timed on, and how busy it was just before."""
    return {
        "python": platform.python_version(),
        "system": platform.platform(terse=True),
        "processors": str(os.cpu_count()),
        "busy": f"{busy:.0f} %",
        "load": f"{os.getloadavg()[0]:.2f}",
    }


def measure(steps: int, cache: Path | None) -> list[Timing]:
    """Time everyone on every page; the peers too, where there is a place for them."""
    with ExitStack() as stack:
        origin = stack.enter_context(serve())
        contenders: dict[str, Contender] = {FLOOR: stack.enter_context(floor()), OURS: stack.enter_context(ours())}
        if cache is not None:
            contenders |= {name: stack.enter_context(peer(name, cache)) for name in PEERS}
        return [timing for page in STATIC for timing in contest(contenders, page, f"{origin}/{page}", steps)]


def table(report: Report) -> str:
    """The figures for a person."""
    lines = [", ".join(f"{name} {value}" for name, value in report.machine.items())]
    lines.append(f"{'page':<8}{'':<34}{'median':>9}{'least':>9}  ms, {report.timings[0].steps} steps each")
    lines += [f"{one.page:<8}{one.name:<34}{one.median:9.1f}{one.least:9.1f}" for one in report.timings]
    lines.append(f"handeye takes at most {report.ours_to_floor} times the floor")
    lines += [f"{name} takes at least {times} times handeye's step" for name, times in report.times_ours.items()]
    return "\n".join(lines) + "\n"


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m env.bench", description=__doc__)
    parser.add_argument("--steps", type=int, default=30, help="of each on each page")
    parser.add_argument("--peers", action="store_true", help="also BrowserGym and browser-use; installs them first")
    parser.add_argument("--cache", type=Path, default=CACHE, help="folder for the environments of the peers")
    parser.add_argument("--busy", type=float, default=BUSY, help="per cent of the processors that others may use")
    parser.add_argument("--anyway", action="store_true", help="report on a busy machine too")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
