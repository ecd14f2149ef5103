"""What run.json says of a run before its first step."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version

from agent.limits import Limits
from agent.perform import Job
from agent.policy import Policy, PolicyBroken, Weighed
from agent.record import now
from agent.schema import EnvironmentEntry, LimitsEntry, ModelEntry, RunFile, TaskEntry

PACKAGES = ("handeye", "playwright", "pillow", "torch", "miniwob", "mss", "python-xlib")


def versions() -> dict[str, str]:
    """Python, the system, and the packages that a run depends on; nothing is imported for it."""
    found = {"python": platform.python_version(), "system": platform.platform(terse=True)}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def describe(
    job: Job,
    policy: Policy,
    environment: EnvironmentEntry,
    *,
    name: str,
    script: str | None = None,
    parameters: Mapping[str, str] | None = None,
) -> RunFile:
    """The manifest of a run that is about to begin."""
    return RunFile(
        name=name,
        created=now().isoformat(timespec="seconds"),
        task=TaskEntry(instruction=job.task.instruction, start=job.task.start, seed=job.task.seed),
        script=script,
        parameters=dict(parameters or {}),
        model=model(policy),
        environment=environment,
        limits=limits(job.limits),
        expect=job.expect,
        until=job.until,
        versions=versions(),
    )


def model(policy: Policy) -> ModelEntry:
    """Who decides; of a model that cannot be reached nothing but the name is known, and the first reply says why."""
    plain = ModelEntry(name=policy.name, dialect="")
    try:
        plain = plain.model_copy(update={"dialect": policy.dialect.name})
        if isinstance(policy, Weighed):
            return plain.model_copy(update={"hash": policy.hash, "max_pixels": policy.max_pixels})
    except PolicyBroken:
        return plain
    return plain


def limits(given: Limits) -> LimitsEntry:
    """The budgets as they are recorded."""
    return LimitsEntry(
        steps=given.steps,
        seconds=given.seconds,
        tokens=given.tokens,
        repeats=given.repeats,
        recoveries=given.recoveries,
    )
