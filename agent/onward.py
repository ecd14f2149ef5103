"""Go on with a recorded run: from where it was cut off, or another way from one of its steps.

A fresh environment is brought to that step by doing again what the record says, and a policy goes on from there, with
all that was done before. What comes of it is a run of its own: it names its parent, and needs it for nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from actions import Finish, Move, Scroll, Wait
from agent.approve import Approval, Careful, Caution, Request
from agent.episode import ignore
from agent.expect import Ground
from agent.limits import Limits
from agent.lineage import inherit, lineage, moved
from agent.manifest import describe
from agent.opening import Opening
from agent.outcome import Result
from agent.perform import Job, perform
from agent.policy import Policy
from agent.reader import Run
from agent.recall import recall, remember
from agent.record import Recorder
from agent.replay import Halt, Progress, Replay, exactly, failed
from agent.stage import Stage
from agent.step import Step
from env import Environment, EnvironmentBroken, Observation, Task

ENDED = ("finished", "done", "met")
"""Stop reasons of runs that came to their own end."""

HARMLESS = (Move, Scroll, Wait)
"""What does nothing lasting where nobody can tell what an action hits."""


class ResumeError(ValueError):
    """A run that nothing can go on from, and why; nothing was started."""


class Unreached(Exception):
    """The step to go on from was not reached; `replay` says how far it went, and what was in the way."""

    def __init__(self, replay: Replay) -> None:
        super().__init__(replay.detail)
        self.replay = replay


class Held(Halt):
    """The next step may not be undone, and would be done a second time."""


class Drive(Protocol):
    """How recorded steps are done again: `exactly`, or another way to find what they hit. Each is done once at most."""

    def __call__(self, run: Run, env: Environment, *, progress: Progress) -> Observation:
        """The screen that they lead to. Raises `Halt` where they cannot go on."""
        ...


@dataclass(frozen=True)
class Terms:
    """On which terms a run goes on."""

    again: bool = False
    """Whether `resume` does steps again that may not be undone, such as sending a form; `branch` always does."""
    limits: Limits | None = None
    """For what is new; None for those of the run, which count anew."""
    caution: Caution | None = None
    """Who is asked before a new action."""
    drive: Drive = exactly
    watch: Callable[[Step], None] = ignore
    """Told of every new step once it is on disk."""


TERMS = Terms()


def resume(run: Run, stage: Stage, policy: Policy, folder: Path, *, terms: Terms = TERMS) -> Result:
    """Go on with `run`, which was cut off, after its last complete step; the run that comes of it is kept in `folder`.

    The step that was under way is not done: the policy is told of it, and looks. `Unreached` is raised before a step
    that may not be undone, unless the `terms` say otherwise, and where a screen is not the recorded one;
    `ResumeError` for a run that came to its own end. Then nothing is written to `folder`.
    """
    cut_off(run)
    return _go_on(run, stage, policy, folder, terms)


def cut_off(run: Run) -> None:
    """Raise `ResumeError` for a run that came to its own end."""
    stop = run.manifest.stop
    if stop is not None and stop.reason in ENDED:
        raise ResumeError(
            f"{run.folder}: it was not cut off but ended by itself ({stop.reason}); to go another way from its "
            f"step N: handeye replay {run.folder} --to N --then MODEL"
        )


def branch(run: Run, step: int, stage: Stage, policy: Policy, folder: Path, *, terms: Terms = TERMS) -> Result:
    """Do again what `run` did up to `step`, as a replay does, and let `policy` go on from there, kept in `folder`.

    `Unreached` where a screen is not the recorded one; `ResumeError` where there is no such step to go on from.
    """
    return _go_on(upto(run, step), stage, policy, folder, replace(terms, again=True))


def upto(run: Run, step: int) -> Run:
    """`run` as if it had been cut off after `step`. Raises `ResumeError` where nothing can go on from there."""
    if not 0 <= step <= len(run.lines):
        raise ResumeError(f"{run.folder}: there is no step {step} to go on from; it has {len(run.lines)}")
    lines = run.lines[:step]
    if lines and isinstance(lines[-1].action, Finish):
        raise ResumeError(f"{run.folder}: at step {step} it had finished; go on from an earlier one")
    return replace(run, lines=lines, pending=None, manifest=run.manifest.model_copy(update={"stop": None}))


def _go_on(run: Run, stage: Stage, policy: Policy, folder: Path, terms: Terms) -> Result:
    if (folder / "run.json").exists():
        raise FileExistsError(f"{folder} already holds a run; choose another folder")
    _plain(run)
    parent = lineage(run)
    run = moved(run, stage.origin)
    past, unsure = recall(run), doubt(run)  # before anything is done: a picture may be missing
    opening = Opening(_reach(run, stage, terms), past, unsure)
    entry, task = run.manifest, run.manifest.task
    job = Job(
        Task(task.instruction, task.start, task.seed),
        terms.limits or Limits(**entry.limits.model_dump()),
        entry.expect,
        entry.until,
        terms.caution,
        stage.secrets,
        opening,
        Ground(run.folder),
    )
    told = describe(
        job, policy, stage.entry, name=entry.name, script=entry.script, parameters=entry.parameters
    ).model_copy(update={"parent": parent})
    inherit(run, folder, stage.secrets)
    with Recorder(folder, told, secrets=stage.secrets, past=run.lines) as record:
        return perform(stage.env, policy, job, record=record, watch=terms.watch)


def _plain(run: Run) -> None:
    """Raise `ResumeError` for a run whose record does not hold all that its end is judged by."""
    if run.manifest.legs:
        raise ResumeError(f"{run.folder}: its script has several steps, and no record goes on with those; run it anew")
    if any(check.python for check in run.manifest.expect):
        raise ResumeError(f"{run.folder}: its script checks in Python, which no record keeps; run it anew")


def _reach(run: Run, stage: Stage, terms: Terms) -> Observation:
    progress, env = Progress(), stage.env
    if not terms.again:
        env = Careful(env, Caution(_holding(progress), always=stage.entry.kind == "desktop"))
    try:
        with progress.timed():
            return terms.drive(run, env, progress=progress)
    except (Halt, EnvironmentBroken, KeyboardInterrupt) as error:
        raise Unreached(failed(run, progress, error)) from error


def _holding(progress: Progress) -> Callable[[Request], Approval]:
    """Stops before what may have lasting effects; on a screen where nobody can tell, only what has none is done."""

    def hold(request: Request) -> Approval:
        if not request.risks and isinstance(request.action, HARMLESS):
            return Approval(True)
        why = "" if request.risks else ": nobody can tell what it does here"
        said = f"step {progress.steps + 1} would be done a second time, and may not be undone: {request}{why}"
        raise Held(f"{said}; --again does it")

    return hold


def doubt(run: Run) -> Step | None:
    """The step of which nobody knows whether it was done: the pending one, or the one at which the screen broke."""
    stop, last = run.manifest.stop, run.lines[-1] if run.lines else None
    broke = stop is not None and stop.reason == "environment" and last is not None and last.error and not last.after
    line = run.pending or (last if broke else None)
    return remember(line, run.screen) if line else None
