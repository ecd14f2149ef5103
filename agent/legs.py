"""A script of several steps: one episode after another in one environment, and one record of them all."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol, TypeVar, runtime_checkable

from pydantic import JsonValue

from agent.episode import ignore
from agent.expect import CodeError, Verdict
from agent.limits import Limits
from agent.loops import Trail
from agent.outcome import LegResult, Outcome, Result, weigh
from agent.perform import Job, attempt, conclude
from agent.policy import Policy
from agent.record import Recorder
from agent.step import Step, Stop, Trajectory
from env import Environment, EnvironmentBroken, Observation

N = TypeVar("N", int, float)

GOES_ON = (Outcome.VERIFIED, Outcome.UNVERIFIED)
"""What the next step may follow."""


@runtime_checkable
class Looking(Protocol):
    """An environment that can be looked at between two actions."""

    def look(self) -> Observation:
        """What is seen now."""
        ...


@dataclass(frozen=True)
class Stretch:
    """A step of the script as it is carried out: what it is called, what to do, and who decides."""

    name: str
    job: Job
    policy: Policy


@dataclass
class Walked:
    """How far a script has come."""

    began: float
    steps: list[Step] = field(default_factory=list)
    ends: list[LegResult] = field(default_factory=list)
    values: dict[str, JsonValue] = field(default_factory=dict)

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        """Those of all legs so far."""
        return tuple(verdict for end in self.ends for verdict in end.verdicts)


def walk(
    env: Environment,
    whole: Job,
    legs: Sequence[Stretch],
    *,
    record: Recorder,
    watch: Callable[[Step], None] = ignore,
) -> Result:
    """The legs of `whole` in their order, none after one that came to no good end, and what came of them.

    Each policy is told of its own leg alone: what was done before shows on the screen. Steps are numbered through.
    The limits, expectations and values of `whole` are those of all legs together.
    """
    walked = Walked(whole.limits.clock())
    for number, leg in enumerate(legs, start=1):
        end = _leg(env, whole, leg, walked, record, watch)
        if end.outcome not in GOES_ON or _over(end, legs[number:]):
            break
    result = _ended(env, whole, legs, walked)
    record.finish(result.stop, result.outcome.value, result.verdicts, result.values)
    return replace(result, folder=record.folder)


def _leg(
    env: Environment, whole: Job, leg: Stretch, walked: Walked, record: Recorder, watch: Callable[[Step], None]
) -> LegResult:
    """Carry one leg out, note it in `walked` and in the record, and say what came of it."""
    clock, number, before = whole.limits.clock, len(walked.ends) + 1, len(walked.steps)
    since = clock()

    def numbered(step: Step) -> Step:
        return replace(step, index=before + step.index, leg=number)

    def decided(step: Step) -> None:
        record.decided(numbered(step))

    def done(step: Step) -> None:
        record.add(numbered(step))
        watch(numbered(step))

    result = _attempt(env, whole.limits, leg, walked, decided, done)
    verdicts = tuple(one.model_copy(update={"leg": number}) for one in result.verdicts)
    outcome = _judged(result)
    end = LegResult(leg.name, outcome, result.stop, verdicts, clock() - since)
    walked.steps += [numbered(step) for step in result.trajectory.steps]
    walked.ends.append(end)
    walked.values |= result.values
    record.ended(number, result.stop, outcome.value, end.seconds)
    return end


def _judged(result: Result) -> Outcome:
    """The outcome of a leg: what the environment thinks of the whole task counts only once it has come to its end."""
    finish = result.trajectory.finish
    if result.stop.reason not in ("finished", "met") or (finish is not None and not finish.success):
        return result.outcome
    return weigh(result.verdicts, None)


def _attempt(
    env: Environment,
    limits: Limits,
    leg: Stretch,
    walked: Walked,
    decided: Callable[[Step], None],
    done: Callable[[Step], None],
) -> Result:
    """What the leg comes to; nothing is done where the whole script has used up what it may."""
    used = limits.stop(walked.steps, walked.began, Trail())
    if used:
        return Result(Trajectory(leg.job.task, (), used), Outcome.STOPPED)
    try:
        begun = _look(env, walked)
    except EnvironmentBroken as error:
        return Result(Trajectory(leg.job.task, (), Stop("environment", str(error))), Outcome.BROKEN)
    job = replace(leg.job, limits=rest(limits, leg.job.limits, walked))
    return attempt(env, leg.policy, job, decided=decided, watch=done, begun=begun)


def _look(env: Environment, walked: Walked) -> Observation | None:
    """What is seen before the next leg; None before the first one, which opens its start."""
    if not walked.ends:
        return None
    if isinstance(env, Looking):
        return env.look()
    last = walked.steps[-1]
    return last.after or last.before


def rest(limits: Limits, own: Limits, walked: Walked) -> Limits:
    """The limits of a leg: its own, and no more than is left of those of the whole script."""
    spent = sum(step.reply.usage.total for step in walked.steps)
    return replace(
        own,
        steps=_least(own.steps, _left(limits.steps, len(walked.steps))),
        seconds=_least(own.seconds, _left(limits.seconds, limits.clock() - walked.began)),
        tokens=_least(own.tokens, _left(limits.tokens, spent)),
        recoveries=_least(own.recoveries, _left(limits.recoveries, sum(step.recovered for step in walked.steps))),
    )


def _left(limit: N | None, used: N) -> N | None:
    return None if limit is None else limit - used


def _least(first: N | None, second: N | None) -> N | None:
    known = [each for each in (first, second) if each is not None]
    return min(known) if known else None


def _over(end: LegResult, left: Sequence[Stretch]) -> bool:
    """Whether the environment came to its own end before the legs that are `left`."""
    return bool(left) and end.stop is not None and end.stop.reason == "done"


def _ended(env: Environment, whole: Job, legs: Sequence[Stretch], walked: Walked) -> Result:
    """What all of it comes to: the end of the last leg, and then what the whole expects and brings back."""
    last, waiting = walked.ends[-1], legs[len(walked.ends) :]
    assert last.stop is not None
    assert last.outcome is not None
    stop, outcome, verdicts, values = last.stop, last.outcome, walked.verdicts, walked.values
    if _over(last, waiting):
        outcome = Outcome.FAILED
        stop = Stop("done", f"before the step {waiting[0].name}")
    elif outcome not in GOES_ON:
        stop = replace(stop, detail=f"step {last.name}: {stop.detail}")
    else:
        stop, held, more = _whole(env, whole, Trajectory(whole.task, tuple(walked.steps), stop))
        verdicts, values = (*verdicts, *held), values | dict(more)
        reward = Trajectory(whole.task, tuple(walked.steps), stop).reward
        outcome = Outcome.BROKEN if stop.reason in ("environment", "error") else weigh(verdicts, reward)
    trajectory = Trajectory(whole.task, tuple(walked.steps), stop)
    ends = (*walked.ends, *(LegResult(leg.name) for leg in waiting))
    return Result(trajectory, outcome, verdicts, values=values, legs=ends)


def _whole(
    env: Environment, whole: Job, trajectory: Trajectory
) -> tuple[Stop, tuple[Verdict, ...], Mapping[str, JsonValue]]:
    try:
        verdicts, values = conclude(env, whole, trajectory)
    except EnvironmentBroken as error:
        return Stop("environment", str(error)), (), {}
    except CodeError as error:
        return Stop("error", str(error)), (), {}
    return trajectory.stop, verdicts, values
