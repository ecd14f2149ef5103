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
from agent.opening import Opening
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
class Walk:
    """A script on its way: where, what it is as a whole, who is told, and how far it has come."""

    env: Environment
    whole: Job
    record: Recorder
    watch: Callable[[Step], None]
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
    going = Walk(env, whole, record, watch, whole.limits.clock())
    for number, leg in enumerate(legs, start=1):
        end = _leg(going, leg)
        if end.outcome not in GOES_ON or _over(end, legs[number:]):
            break
    result = _ended(going, legs)
    record.finish(result.stop, result.outcome.value, result.verdicts, result.values)
    return replace(result, folder=record.folder)


def _leg(going: Walk, leg: Stretch) -> LegResult:
    """Carry one leg out, note it, also in the record, and say what came of it."""
    clock, number, before = going.whole.limits.clock, len(going.ends) + 1, len(going.steps)
    since = clock()

    def numbered(step: Step) -> Step:
        return replace(step, index=before + step.index, leg=number)

    def decided(step: Step) -> None:
        going.record.decided(numbered(step))

    def done(step: Step) -> None:
        going.record.add(numbered(step))
        going.watch(numbered(step))

    result = _attempt(going, leg, decided, done)
    verdicts = tuple(one.model_copy(update={"leg": number}) for one in result.verdicts)
    outcome = _judged(result)
    end = LegResult(leg.name, outcome, result.stop, verdicts, clock() - since)
    going.steps += [numbered(step) for step in result.trajectory.steps]
    going.ends.append(end)
    going.values |= result.values
    going.record.ended(number, result.stop, outcome.value, end.seconds)
    return end


def _judged(result: Result) -> Outcome:
    """The outcome of a leg: what the environment thinks of the whole task counts only once it has come to its end."""
    finish = result.trajectory.finish
    if result.stop.reason not in ("finished", "met") or (finish is not None and not finish.success):
        return result.outcome
    return weigh(result.verdicts, None)


def _attempt(going: Walk, leg: Stretch, decided: Callable[[Step], None], done: Callable[[Step], None]) -> Result:
    """What the leg comes to; nothing is done where the whole script has used up what it may."""
    used = going.whole.limits.stop(going.steps, going.began, Trail())
    if used:
        return Result(Trajectory(leg.job.task, (), used), Outcome.STOPPED)
    try:
        begun = _look(going)
    except EnvironmentBroken as error:
        return Result(Trajectory(leg.job.task, (), Stop("environment", str(error))), Outcome.BROKEN)
    opening = Opening(begun) if begun else None
    job = replace(leg.job, limits=_rest(going, leg.job.limits), opening=opening)
    return attempt(going.env, leg.policy, job, decided=decided, watch=done)


def _look(going: Walk) -> Observation | None:
    """What is seen before the next leg; None before the first one, which opens its start."""
    if not going.ends:
        return None
    if isinstance(going.env, Looking):
        return going.env.look()
    last = going.steps[-1]
    return last.after or last.before


def _rest(going: Walk, own: Limits) -> Limits:
    """The limits of a leg: its own, and no more than is left of those of the whole script."""
    limits, steps = going.whole.limits, going.steps
    spent = sum(step.reply.usage.total for step in steps)
    return replace(
        own,
        steps=_least(own.steps, _left(limits.steps, len(steps))),
        seconds=_least(own.seconds, _left(limits.seconds, limits.clock() - going.began)),
        tokens=_least(own.tokens, _left(limits.tokens, spent)),
        recoveries=_least(own.recoveries, _left(limits.recoveries, sum(step.recovered for step in steps))),
    )


def _left(limit: N | None, used: N) -> N | None:
    return None if limit is None else limit - used


def _least(first: N | None, second: N | None) -> N | None:
    known = [each for each in (first, second) if each is not None]
    return min(known) if known else None


def _over(end: LegResult, left: Sequence[Stretch]) -> bool:
    """Whether the environment came to its own end before the legs that are `left`."""
    return bool(left) and end.stop is not None and end.stop.reason == "done"


def _ended(going: Walk, legs: Sequence[Stretch]) -> Result:
    """What all of it comes to: the end of the last leg, and then what the whole expects and brings back."""
    last, waiting = going.ends[-1], legs[len(going.ends) :]
    assert last.stop is not None
    assert last.outcome is not None
    trajectory = Trajectory(going.whole.task, tuple(going.steps), last.stop)
    outcome, verdicts, values = last.outcome, going.verdicts, going.values
    if _over(last, waiting):
        outcome, stop = Outcome.FAILED, Stop("done", f"before the step {waiting[0].name}")
    elif outcome not in GOES_ON:
        stop = replace(last.stop, detail=f"step {last.name}: {last.stop.detail}")
    else:
        stop, held, more = _whole(going, trajectory)
        verdicts, values = (*verdicts, *held), values | dict(more)
        outcome = Outcome.BROKEN if stop.reason in ("environment", "error") else weigh(verdicts, trajectory.reward)
    ends = (*going.ends, *(LegResult(leg.name) for leg in waiting))
    return Result(replace(trajectory, stop=stop), outcome, verdicts, values=values, legs=ends)


def _whole(going: Walk, trajectory: Trajectory) -> tuple[Stop, tuple[Verdict, ...], Mapping[str, JsonValue]]:
    try:
        verdicts, values = conclude(going.env, going.whole, trajectory)
    except EnvironmentBroken as error:
        return Stop("environment", str(error)), (), {}
    except CodeError as error:
        return Stop("error", str(error)), (), {}
    return trajectory.stop, verdicts, values
