"""One task from start to outcome: the loop, its record, and its expectations."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, field, replace
from typing import Literal

from agent.approve import Careful, Caution
from agent.episode import episode, ignore, named
from agent.expect import Check, Verdict, verify
from agent.limits import Limits
from agent.opening import Opening
from agent.outcome import Result, judge
from agent.policy import Policy
from agent.record import Recorder
from agent.step import Step, Stop, Trajectory
from env import Environment, EnvironmentBroken, Task
from env.secrets import NONE, Secrets


@dataclass(frozen=True)
class Job:
    """What to do, how long to try, and what must hold."""

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
    steps: list[Step] = list(job.opening.past) if job.opening else []
    job = replace(job, task=replace(job.task, instruction=job.secrets.scrub(job.task.instruction)))
    try:
        screen = Careful(env, job.caution) if job.caution else env
        turns = episode(
            screen, policy, job.task, limits=job.limits, decided=_both(decided, record), opening=job.opening
        )
        stop = _play(env, job, turns, steps, record, watch)
        verdicts = _verdicts(env, job, steps, stop)
    except EnvironmentBroken as error:
        stop, verdicts = Stop("environment", str(error)), ()
    except KeyboardInterrupt:
        stop, verdicts = Stop("person", "interrupted"), ()
    task = named(job.task, steps[0].before) if steps else job.task
    trajectory = Trajectory(task, tuple(steps), stop)
    outcome = judge(trajectory, verdicts)
    if record:
        record.finish(stop, outcome.value, verdicts)
    return Result(trajectory, outcome, verdicts, record.folder if record else None)


def _both(decided: Callable[[Step], None], record: Recorder | None) -> Callable[[Step], None]:
    if record is None:
        return decided

    def keep(step: Step) -> None:
        record.decided(step)
        decided(step)

    return keep


def _play(
    env: Environment,
    job: Job,
    turns: Generator[Step, None, Stop],
    steps: list[Step],
    record: Recorder | None,
    watch: Callable[[Step], None],
) -> Stop:
    try:
        while True:
            if job.until == "expect" and steps and steps[-1].after and _met(env, job, steps[-1]):
                return Stop("met", "every expectation holds")
            step = next(turns)
            steps.append(step)
            if record:
                record.add(step)
            watch(step)
    except StopIteration as end:
        stop: Stop = end.value
        return stop
    finally:
        turns.close()


def _met(env: Environment, job: Job, step: Step) -> bool:
    return all(verdict.held for verdict in verify(job.expect, env, step.after))


def _verdicts(env: Environment, job: Job, steps: list[Step], stop: Stop) -> tuple[Verdict, ...]:
    if stop.reason in ("environment", "model", "person") or not steps:
        return ()
    verdicts = verify(job.expect, env, steps[-1].after or steps[-1].before)
    scrub = job.secrets.scrub
    return tuple(Verdict(check=scrub(one.check), held=one.held, found=scrub(one.found)) for one in verdicts)
