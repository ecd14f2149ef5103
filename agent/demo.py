"""The main job in under a minute: MiniWoB++ pages in a real browser, by the built-in model, with a report."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from agent.limits import Limits
from agent.manifest import describe
from agent.outcome import Result
from agent.perform import Job, perform
from agent.policy import Policy
from agent.record import Recorder
from agent.schema import EnvironmentEntry
from agent.step import Step
from env import MiniWoB, Task
from env.miniwob import OPTIONS

TASKS = ("click-test", "click-button", "click-tab", "click-dialog-2", "focus-text-2", "enter-text", "click-option")
"""One page of each; all are judged by MiniWoB++ itself."""

SEED = 1_000_000
"""Seeds from here up were never trained on."""


def demonstrate(
    policy: Policy,
    folder: Path,
    watcher: Callable[[str], Callable[[Step], None]],
    *,
    tasks: Sequence[str] = TASKS,
    headed: bool = False,
) -> Iterator[tuple[str, Result]]:
    """Play one episode of each task and yield its name and result; records go to folders in `folder`."""
    with MiniWoB(options=replace(OPTIONS, headed=headed)) as env:
        for task in tasks:
            job = Job(Task(start=task, seed=SEED), Limits(steps=10))
            manifest = describe(job, policy, EnvironmentEntry(kind="miniwob"), name=task)
            with Recorder(folder / task, manifest) as record:
                yield task, perform(env, policy, job, record=record, watch=watcher(task))
