"""One task from start to outcome: the loop, its record, its expectations, and what it brings back."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from pydantic import JsonValue

from agent.approve import Careful, Caution
from agent.episode import episode, ignore, named
from agent.expect import BARE, Check, CodeError, Ground, Verdict, awaited, verify
from agent.extract import Answering, Form, FormError, Value, answered, form, read, said
from agent.limits import Limits
from agent.opening import Opening
from agent.outcome import Result, judge
from agent.policy import Policy
from agent.record import Recorder
from agent.step import Step, Stop, Trajectory
from env import Environment, EnvironmentBroken, Task
from env.secrets import NONE, Secrets


def _nothing() -> Mapping[str, Value]:
    return {}


@dataclass(frozen=True)
class Job:
    """What to do, how long to try, what must hold, and what to bring back."""

    task: Task
    limits: Limits = field(default_factory=Limits)
    expect: tuple[Check, ...] = ()
    until: Literal["finish", "expect"] = "finish"
    caution: Caution | None = None
    """Who is asked before an action is carried out; None for nobody."""
    secrets: Secrets = NONE
    """What no prompt and no verdict may say."""
    opening: Opening | None = None
    """What was done of it before, and the screen that shows now; None to begin at its start."""
    ground: Ground = BARE
    """What the expectations stand on."""
    extract: Mapping[str, Value] = field(default_factory=_nothing)
    result: Form | None = None
    """What the policy is to tell, where `extract` does not say it."""

    @property
    def form(self) -> Form | None:
        """What the policy is to tell; None where nothing is asked of it."""
        return self.result or form(self.extract)


def perform(
    env: Environment,
    policy: Policy,
    job: Job,
    *,
    record: Recorder | None = None,
    decided: Callable[[Step], None] = ignore,
    watch: Callable[[Step], None] = ignore,
) -> Result:
    """Carry `job` out and say what came of it.

    `decided` is told of every step before its action is carried out, `watch` once the step is on disk.

    Ctrl-C ends it with the stop reason "person". The record is finished in every case but an error of ours, which
    travels up and which the recorder notes when its with-block ends.
    """
    if record is None:
        return attempt(env, policy, job, decided=decided, watch=watch)
    result = attempt(env, policy, job, decided=both(record.decided, decided), watch=both(record.add, watch))
    record.finish(result.stop, result.outcome.value, result.verdicts, result.values)
    return replace(result, folder=record.folder)


def attempt(
    env: Environment,
    policy: Policy,
    job: Job,
    *,
    decided: Callable[[Step], None] = ignore,
    watch: Callable[[Step], None] = ignore,
) -> Result:
    """The same without a record."""
    steps: list[Step] = list(job.opening.past) if job.opening else []
    job = replace(job, task=replace(job.task, instruction=job.secrets.scrub(job.task.instruction)))
    asked = Answering(policy, job.form) if job.form else policy
    values: Mapping[str, JsonValue] = {}
    try:
        screen = Careful(env, job.caution) if job.caution else env
        turns = episode(screen, asked, job.task, limits=job.limits, decided=decided, opening=job.opening)
        stop = _play(env, job, turns, steps, watch)
        verdicts, values = conclude(env, job, Trajectory(job.task, tuple(steps), stop))
    except EnvironmentBroken as error:
        stop, verdicts = Stop("environment", str(error)), ()
    except CodeError as error:
        stop, verdicts = Stop("error", str(error)), ()
    except KeyboardInterrupt:
        stop, verdicts = Stop("person", "interrupted"), ()
    task = named(job.task, steps[0].before) if steps else job.task
    trajectory = Trajectory(task, tuple(steps), stop)
    return Result(trajectory, judge(trajectory, verdicts), verdicts, values=values)


def both(first: Callable[[Step], None], second: Callable[[Step], None]) -> Callable[[Step], None]:
    """Tells `first` and then `second`."""

    def tell(step: Step) -> None:
        first(step)
        second(step)

    return tell


def _play(
    env: Environment,
    job: Job,
    turns: Generator[Step, None, Stop],
    steps: list[Step],
    watch: Callable[[Step], None],
) -> Stop:
    try:
        while True:
            if job.until == "expect" and steps and _met(env, job, steps):
                return Stop("met", "every expectation holds")
            step = next(turns)
            steps.append(step)
            watch(step)
    except StopIteration as end:
        stop: Stop = end.value
        return stop
    finally:
        turns.close()


def _met(env: Environment, job: Job, steps: list[Step]) -> bool:
    last = steps[-1]
    seen = last.after or (last.before if job.form and answered(last) else None)
    if seen is None or (job.form and not any(answered(step) for step in steps)):
        return False
    checks = [check for check in job.expect if not (job.ground.update and check.screenshot)]
    return all(verdict.held for verdict in verify(checks, env, seen, job.ground))


def conclude(env: Environment, job: Job, trajectory: Trajectory) -> tuple[tuple[Verdict, ...], Mapping[str, JsonValue]]:
    """What came of the expectations, once they have had their time, and the values that were to be brought back.

    A value that cannot be had is a verdict that does not hold; one that can verifies nothing.
    """
    seen, stop, finish = trajectory.seen, trajectory.stop, trajectory.finish
    if stop.reason in ("environment", "model", "person") or seen is None:
        return (), {}
    done = stop.reason in ("finished", "done", "met") and (finish is None or finish.success)
    ground = replace(job.ground, answers=trajectory.answers, update=job.ground.update and done)
    held = awaited(job.expect, env, seen, ground, job.limits.clock) if done else verify(job.expect, env, seen, ground)
    values, missing = _extracted(env, job, trajectory)
    scrub = job.secrets.scrub
    verdicts = [Verdict(check=scrub(one.check), held=one.held, found=scrub(one.found)) for one in (*held, *missing)]
    return tuple(verdicts), {name: _scrubbed(value, job.secrets) for name, value in values.items()}


def _extracted(
    env: Environment, job: Job, trajectory: Trajectory
) -> tuple[Mapping[str, JsonValue], tuple[Verdict, ...]]:
    values: dict[str, JsonValue] = {}
    missing = []
    for name, value in job.extract.items():
        if value.element is not None:
            try:
                values[name] = read(value, env, trajectory.seen)
            except FormError as error:
                missing.append(Verdict(check=f"extract {name}", held=False, found=str(error)))
    if job.form:
        try:
            values |= said(job.form, trajectory.steps)
        except FormError as error:
            missing.append(Verdict(check="extract what the policy tells", held=False, found=str(error)))
    return values, tuple(missing)


def _scrubbed(value: JsonValue, secrets: Secrets) -> JsonValue:
    if isinstance(value, str):
        return secrets.scrub(value)
    if isinstance(value, list):
        return [_scrubbed(part, secrets) for part in value]
    return {key: _scrubbed(part, secrets) for key, part in value.items()} if isinstance(value, dict) else value
