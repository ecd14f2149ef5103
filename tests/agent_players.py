"""Who plays in the tests of evaluation; found by name in other processes."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from agent_runs import click

from actions import Dialect, Finish, Frame
from agent.policy import Policy, Scripted
from agent.step import Reply, Step
from env import MiniWoB, Observation, Task


@dataclass
class Solver:
    """Does what the page itself says is right; `wrong` steps first go astray."""

    env: MiniWoB
    wrong: int = 0
    name: str = "solver"
    script: Scripted = field(default_factory=lambda: Scripted([]))

    @property
    def dialect(self) -> Dialect:
        return self.script.dialect

    def frame(self, seen: Observation) -> Frame:
        return self.script.frame(seen)

    def reply(self, task: Task, history: Sequence[Step], seen: Observation) -> Reply:
        expected = self.env.solve()
        action = expected.action if expected else Finish()
        if len(history) < self.wrong:
            action = click(159, 1)
        return Reply(self.dialect.print(action, self.frame(seen)))


@dataclass
class Uneven(Solver):
    """Gives up where the seed is odd, so that marks differ."""

    def reply(self, task: Task, history: Sequence[Step], seen: Observation) -> Reply:
        if task.seed % 2:
            return Reply(self.dialect.print(Finish(success=False), self.frame(seen)))
        return super().reply(task, history, seen)


@dataclass
class Mortal(Uneven):
    """Kills its own process in the middle of the episode of `seed`, `lives` times in all."""

    folder: Path = Path()
    seed: int = 0
    lives: int = 1

    def reply(self, task: Task, history: Sequence[Step], seen: Observation) -> Reply:
        died = len(list(self.folder.glob("died-*")))
        if task.seed == self.seed and died < self.lives:
            (self.folder / f"died-{died}").touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return super().reply(task, history, seen)


@dataclass
class Faulty(Solver):
    """Has a bug."""

    def reply(self, task: Task, history: Sequence[Step], seen: Observation) -> Reply:
        raise KeyError("a bug of the policy")


def uneven(env: MiniWoB) -> Policy:
    return Uneven(env)


def faulty(env: MiniWoB) -> Policy:
    return Faulty(env)


@dataclass(frozen=True)
class Dying:
    """Makes a `Mortal`."""

    folder: Path
    seed: int
    lives: int

    def __call__(self, env: MiniWoB) -> Policy:
        return Mortal(env, folder=self.folder, seed=self.seed, lives=self.lives)
