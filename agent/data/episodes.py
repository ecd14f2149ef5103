"""`python -m agent.data.episodes --out FOLDER --count RUNS --seed SEED` records MiniWoB++ episodes of the oracle.

The records are those of any other run, so that `handeye export` makes training data of them. Run again, it goes on.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from actions import DIALECTS, Finish, Frame
from agent.data.seeds import training_seed
from agent.limits import Limits
from agent.manifest import describe
from agent.outcome import Outcome
from agent.perform import Job, perform
from agent.reader import RecordError, read_run
from agent.record import Recorder
from agent.schema import EnvironmentEntry
from agent.step import Reply, Step
from env import MiniWoB, Observation, Task
from env.miniwob import TASKS, Expected

LONGEST = 30
"""Steps after which an episode is given up."""


class Solving(Protocol):
    """A screen that knows what is right on it."""

    def solve(self) -> Expected | None:
        """A right next action; None where there is none any more."""
        ...


class Oracle:
    """Plays a page by what `env.solve` says is right, in words of the dialect qwen2.5."""

    name = "oracle"
    dialect = DIALECTS["qwen2.5"]

    def __init__(self, env: Solving) -> None:
        self.env = env

    def frame(self, seen: Observation) -> Frame:
        """The screen itself."""
        return Frame(*seen.size, *seen.size)

    def reply(self, task: Task, history: Sequence[Step], seen: Observation) -> Reply:
        """The right next action; where there is none any more, that it failed."""
        expected = self.env.solve()
        return Reply(self.dialect.print(expected.action if expected else Finish(success=False), self.frame(seen)))


def record(env: MiniWoB, folder: Path, task: str, seed: int) -> Outcome:
    """Play one episode and keep it in `folder`."""
    job = Job(Task(start=task, seed=training_seed(seed)), Limits(steps=LONGEST))
    policy = Oracle(env)
    with Recorder(folder, describe(job, policy, EnvironmentEntry(kind="miniwob"), name=task)) as kept:
        return perform(env, policy, job, record=kept).outcome


def fill(out: Path, count: int, seed: int) -> int:
    """Record the episodes that are missing, tasks in turn; return how many there are that were won."""
    won = 0
    with MiniWoB() as env:
        for number in range(count):
            task = TASKS[number % len(TASKS)]
            folder = out / f"{number:05}-{task}"
            if not _whole(folder):
                if (folder / "run.json").exists():  # it was cut off
                    shutil.rmtree(folder)
                record(env, folder, task, seed + number)
            won += read_run(folder).manifest.outcome == Outcome.VERIFIED.value
    return won


def _whole(folder: Path) -> bool:
    try:
        return read_run(folder).manifest.stop is not None
    except RecordError:
        return False


def main(arguments: list[str] | None = None) -> int:
    """Record until the folder holds `count` episodes."""
    parser = argparse.ArgumentParser(prog="python -m agent.data.episodes", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder of the run folders")
    parser.add_argument("--count", type=int, required=True, help="how many episodes")
    parser.add_argument("--seed", type=int, default=0, help="of the first episode; all are below 1000000")
    options = parser.parse_args(arguments)
    won = fill(options.out, options.count, options.seed)
    print(f"{options.count} episodes in {options.out}, {won} of them won")
    return 0


if __name__ == "__main__":
    sys.exit(main())
