"""`python -m agent.ladder.pace RUN`: how long a replay takes beside what the page itself takes of it.

The page's own time is that of its actions, of settling and of its pictures; a replay's is all from the first look to
the last verdict, without the start of the browser. Their quotient says what the replay adds.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path

from agent.reader import Run, read_run
from agent.replay import Replay, replay
from agent.stage import open_stage


def main(arguments: Sequence[str] | None = None) -> int:
    """Replay so often and print the median; 1 where a replay was not verified."""
    parser = argparse.ArgumentParser(prog="python -m agent.ladder.pace", description=__doc__)
    parser.add_argument("run", type=Path, help="a run folder")
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--mode", choices=("exact", "ladder"), default="exact")
    asked = parser.parse_args(arguments)
    results = repeat(read_run(asked.run), asked.times, asked.mode)
    sys.stdout.write(json.dumps(summary(results)) + "\n")
    return 0 if all(result.code == 0 for result in results) else 1


def repeat(run: Run, times: int, mode: str = "exact") -> list[Replay]:
    """So many replays in one browser, one after another."""
    with open_stage(run.manifest.environment, start=run.manifest.task.start) as stage:
        if mode == "exact":
            return [replay(run, stage.env, origin=stage.origin) for _ in range(times)]
        from agent.ladder.ascent import Way, climb

        return [climb(run, stage.env, Way(origin=stage.origin)) for _ in range(times)]


def summary(results: Sequence[Replay]) -> dict[str, float | int]:
    """Medians over all replays."""
    return {
        "replays": len(results),
        "verified": sum(result.code == 0 for result in results),
        "actions": results[0].actions,
        "seconds": round(statistics.median(result.seconds for result in results), 3),
        "page_seconds": round(statistics.median(result.page_seconds for result in results), 3),
        "ratio": round(statistics.median(result.seconds / result.page_seconds for result in results), 3),
    }


if __name__ == "__main__":
    sys.exit(main())
