"""Run task scripts: each in its own environment, with its own record."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from agent.care import NO_CARE, Care
from agent.episode import ignore
from agent.manifest import describe
from agent.outcome import Result
from agent.perform import Job, perform
from agent.policy import Policy
from agent.record import Recorder
from agent.script import Loaded
from agent.stage import open_stage, ready, start
from agent.step import Step
from env import Task


def play(
    loaded: Loaded,
    policy: Policy,
    folder: Path,
    *,
    headed: bool = False,
    care: Care = NO_CARE,
    watch: Callable[[Step], None] = ignore,
) -> Result:
    """Run the script with `policy` and keep the record in `folder`. Raises `StageError` before anything starts."""
    script = loaded.script
    place = script.environment
    with open_stage(ready(loaded, care), headed=headed, start=script.start, values=care.values, access=place) as stage:
        task = Task(script.instruction, start(loaded, stage.origin), script.seed)
        job = Job(task, script.limits.limits(), script.expect, script.until, care.caution, stage.secrets)
        manifest = describe(job, policy, stage.entry, name=script.name, script=loaded.path.name, parameters=loaded.told)
        with Recorder(folder, manifest, secrets=stage.secrets) as record:
            return perform(stage.env, policy, job, record=record, watch=watch)
