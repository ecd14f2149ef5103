"""`python -m agent.bench`: MiniWoB++ steps by the built-in model, on transformers and on our engine, in one run.

Every question of an episode is put to three: transformers' `generate`, our engine writing freely, and our engine as
agents use it, with what its session has read and held to a grammar. All compute in the same type, on the same weights.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from agent.engine import Engine
from agent.evaluate import Table, evaluate, final, plan
from agent.foreign import Foreign
from agent.settings import BUILTIN, Settings
from agent.speaker import Question, Said, Sight
from agent.spoken import ModelPolicy
from env import MiniWoB
from env.miniwob.suites import suite

WARM = 3
"""Questions at the beginning that are not counted: each engine has gone first in one of them."""


@dataclass(frozen=True)
class Round:
    """One question: seconds of transformers, of ours writing freely and under the grammar; whose tokens were equal."""

    seconds: tuple[float, float, float]
    free_equal: bool
    equal: bool


class Beside(Engine):
    """Our engine as agents use it, which puts each question to the two others as well."""

    def __init__(self, folder: Path, sight: Sight) -> None:
        settings = Settings.read(folder)
        super().__init__(folder, sight=sight, settings=settings)
        self.theirs, self.free = (kind(folder, sight=sight, settings=settings) for kind in (Foreign, Engine))
        self.rounds: list[Round] = []

    def say(self, question: Question, watch: Callable[[str], None] | None = None) -> Said:
        """Asked in another order each time, so that nobody always finds the caches as another has left them."""
        plain = replace(question, grammar=None)
        asked = [(self.theirs.say, plain), (self.free.say, plain), (super().say, question)]
        said: dict[int, tuple[float, Said]] = {}
        for turn in range(3):
            number = (turn + len(self.rounds)) % 3
            say, words = asked[number]
            start = time.perf_counter()
            answer = say(words)
            said[number] = time.perf_counter() - start, answer
        tokens = [self._tokens(said[number][1]) for number in range(3)]
        seconds = (said[0][0], said[1][0], said[2][0])
        self.rounds.append(Round(seconds, tokens[1] == tokens[0], tokens[2] == tokens[0]))
        return said[2][1]

    def _tokens(self, said: Said) -> tuple[int, ...]:
        """What was written, without the token that ends it: a grammar ends by itself."""
        return tuple(token for token in said.tokens if token not in self.model.eos)


@dataclass(frozen=True)
class Found:
    """What the rounds came to."""

    rounds: int
    transformers: float  # median seconds
    free: float
    ours: float
    equal_free: int  # rounds in which our engine, writing freely, wrote the same tokens
    equal: int  # the same under the grammar
    success: float  # of the episodes, played with `ours`

    def lines(self) -> str:
        """For a person."""
        return (
            f"{self.rounds} questions, seconds in the median: transformers {self.transformers:.3f}, our engine writing "
            f"freely {self.free:.3f} ({self.free / self.transformers:.2f} x), as agents use it {self.ours:.3f} "
            f"({self.ours / self.transformers:.2f} x)\n"
            f"tokens equal to transformers': {self.equal_free} writing freely, {self.equal} under the grammar\n"
            f"episodes solved: {self.success:.2f}"
        )


def compare(folder: Path, sight: Sight, tasks: Sequence[str], episodes: int, seed: int) -> Found:
    """Play the episodes with our engine's answers; the first `WARM` questions are not counted."""
    beside = Beside(folder, sight)
    with MiniWoB() as env:
        marks = final(evaluate(Table(env, ModelPolicy(beside)), plan(tasks, episodes, seed)), tasks)
    rounds = beside.rounds[WARM:]
    if not rounds:
        raise SystemExit(f"{len(beside.rounds)} questions were put; expected more than {WARM}: play more --episodes")
    theirs, freely, held = (statistics.median(lap.seconds[number] for lap in rounds) for number in range(3))
    return Found(
        len(rounds),
        theirs,
        freely,
        held,
        sum(lap.free_equal for lap in rounds),
        sum(lap.equal for lap in rounds),
        sum(mark.success for mark in marks) / len(marks),
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """0 where our engine, writing freely, wrote the tokens of transformers every time, otherwise 1."""
    parser = argparse.ArgumentParser(prog="python -m agent.bench", description=__doc__)
    parser.add_argument("--checkpoint", type=Path, default=BUILTIN, help="a folder (default: the built-in weights)")
    usual = ",".join(suite("basic15"))
    parser.add_argument("--tasks", default=usual, help="names with commas between (default: those of basic15)")
    parser.add_argument("--episodes", type=int, default=2, help="of each task (default %(default)s)")
    parser.add_argument("--seed", type=int, default=1_000_000)
    parser.add_argument("--dtype", default="auto", choices=("auto", "float32", "bfloat16"), help="default: as stored")
    parser.add_argument("--json", action="store_true", help="one JSON object and nothing else")
    asked = parser.parse_args(arguments)
    found = compare(asked.checkpoint, Sight(dtype=asked.dtype), asked.tasks.split(","), asked.episodes, asked.seed)
    print(json.dumps(asdict(found)) if asked.json else found.lines())
    return 0 if found.equal_free == found.rounds else 1


if __name__ == "__main__":
    sys.exit(main())
