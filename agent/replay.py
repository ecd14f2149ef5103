"""Do again what a record says, without a model, as long as every screen is the one that was recorded."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict

from actions import Action, ActionError, Finish, Navigate
from agent.expect import Ground, Verdict, verify
from agent.outcome import Outcome, weigh
from agent.picture import encode
from agent.reader import Run
from agent.record import claim
from agent.record import replace as put
from agent.schema import Look
from env import Environment, EnvironmentBroken, Image, Observation, Task
from env.observation import changed


class Difference(BaseModel):
    """The first screen that is not the recorded one."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    step: int
    when: str
    """'before' or 'after' the action of that step."""
    pixels: int
    box: tuple[int, int, int, int]
    """x0, y0, x1, y1 around all that differs; x1 and y1 lie just outside."""
    recorded: str
    actual: str
    """File name of the picture beside the replay's report."""


class Replay(BaseModel):
    """What a replay came to."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    outcome: Outcome
    detail: str
    steps: int
    """Recorded steps that were gone through."""
    actions: int
    """Actions carried out, each once."""
    difference: Difference | None = None
    verdicts: tuple[Verdict, ...] = ()
    folder: str = ""

    @property
    def code(self) -> int:
        """The exit code of the command line."""
        return self.outcome.code


class Halt(Exception):
    """The replay cannot go on as recorded."""

    def __init__(self, detail: str, difference: Difference | None = None, screen: Image | None = None) -> None:
        super().__init__(detail)
        self.detail, self.difference, self.screen = detail, difference, screen


@dataclass
class Progress:
    """How far a replay has come."""

    steps: int = 0
    actions: int = 0


def replay(run: Run, env: Environment, *, origin: str = "", to: int | None = None) -> Replay:
    """Repeat the recorded actions of `run` in `env`, checking each screen by its pixels before acting.

    No action is tried a second time, whatever happens. `origin` is where the pages of the run are served now.
    With `to`, go no further than that step. A report is written to RUN/replays/.
    """
    progress, screen = Progress(), None
    try:
        seen = _repeat(run, env, origin, to, progress)
        result = _ended(run, env, seen, to, progress)
    except Halt as halt:
        screen = halt.screen
        result = _result(progress, Outcome.FAILED, f"halted: {halt.detail}", halt.difference)
    except EnvironmentBroken as error:
        result = _result(progress, Outcome.BROKEN, str(error))
    except KeyboardInterrupt:
        result = _result(progress, Outcome.STOPPED, "interrupted")
    return _report(run, result, screen)


def _repeat(run: Run, env: Environment, origin: str, to: int | None, progress: Progress) -> Observation:
    task = run.manifest.task
    moved = Move(run.manifest.environment.origin or "", origin)
    seen = env.reset(Task(task.instruction, moved.url(task.start), task.seed))
    lines = run.lines if to is None else run.lines[:to]
    for number, line in enumerate(lines):
        _compare(run, line.before, seen, line.index, "before")
        if line.error and line.after:
            raise Halt(f"step {line.index} broke the screen when it was recorded, and is not done again: {line.error}")
        if line.action and line.after:
            progress.actions += 1
            seen = _act(env, moved.action(line.action), line.index)
        progress.steps += 1
        if number + 1 == len(lines) and line.after:
            _compare(run, line.after, seen, line.index, "after")
    return seen


def _act(env: Environment, action: Action, index: int) -> Observation:
    try:
        return env.step(action)
    except ActionError as error:
        raise Halt(f"step {index} was possible when it was recorded, and is not now: {error}") from error


def _compare(run: Run, look: Look, seen: Observation, index: int, when: str) -> None:
    recorded = run.screen(look.screen)
    pixels, box = changed(recorded, seen.screenshot)
    if box is None:
        return
    difference = Difference(
        step=index, when=when, pixels=pixels, box=box, recorded=f"{look.screen}.png", actual="actual.png"
    )
    said = f"{when} step {index} the screen differs from the record in {pixels} pixels within {box}"
    raise Halt(said, difference, seen.screenshot)


def _ended(run: Run, env: Environment, seen: Observation, to: int | None, progress: Progress) -> Replay:
    if to is not None and to < len(run.lines):
        return _result(progress, Outcome.UNVERIFIED, f"stopped after step {to}, as asked")
    if not run.lines:
        return _result(progress, Outcome.UNVERIFIED, "the record holds no step")
    verdicts = verify(run.manifest.expect, env, seen, Ground(run.folder))
    last = run.lines[-1].action
    outcome = weigh(verdicts, seen.reward)
    if isinstance(last, Finish) and not last.success:
        outcome = Outcome.FAILED
    detail = f"all {progress.steps} steps as recorded"
    if outcome is Outcome.VERIFIED and any(check.python for check in run.manifest.expect):
        outcome, detail = Outcome.UNVERIFIED, f"{detail}; checks in Python are run with their script alone"
    if run.pending or run.manifest.stop is None:
        detail += "; the run itself was cut off after them"
    return _result(progress, outcome, detail).model_copy(update={"verdicts": verdicts})


def _result(progress: Progress, outcome: Outcome, detail: str, difference: Difference | None = None) -> Replay:
    return Replay(
        outcome=outcome,
        detail=detail,
        steps=progress.steps,
        actions=progress.actions,
        difference=difference,
    )


def _report(run: Run, result: Replay, screen: Image | None) -> Replay:
    folder = claim(run.folder / "replays", "exact")
    result = result.model_copy(update={"folder": str(folder)})
    if screen is not None:
        put(folder / "actual.png", encode(screen))
    put(folder / "report.json", result.model_dump_json(indent=1).encode() + b"\n")
    return result


@dataclass(frozen=True)
class Move:
    """Addresses of the recorded site, brought to where it is served now."""

    old: str
    new: str

    def url(self, url: str) -> str:
        """`url` on the present site where it was on the recorded one."""
        if not self.old or not self.new or not (url == self.old or url.startswith(f"{self.old}/")):
            return url
        return self.new + url.removeprefix(self.old)

    def action(self, action: Action) -> Action:
        """`action` with its address moved, where it has one."""
        return action.model_copy(update={"url": self.url(action.url)}) if isinstance(action, Navigate) else action
