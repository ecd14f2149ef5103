"""Do again what a record says, without a model, as long as every screen is the one that was recorded.

`agent.ladder` does it where screens have changed; both write the same report.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict

from actions import Action, ActionError, Finish, Navigate
from agent.ahead import Ahead
from agent.expect import Check, Ground, Verdict, verify
from agent.outcome import Outcome, weigh
from agent.picture import encode
from agent.policy import PolicyBroken
from agent.reader import Run
from agent.record import claim
from agent.record import replace as put
from agent.schema import Line, Look
from env import Environment, EnvironmentBroken, Image, Observation, Task
from env.observation import changed

Rung = Literal["pixels", "template", "names", "words", "patch", "model", "place"]
"""By what a target was found: the same pixels in the same place, its picture elsewhere, its role and name, words that
were read in the picture, an earlier repair, the model; or the recorded place, where any will do, as for the wheel."""

Mode = Literal["exact", "ladder", "heal"]


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


class Found(BaseModel):
    """By what the target of a step was found, and where."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    step: int
    rung: Rung
    recorded: tuple[int, int]
    at: tuple[int, int]
    score: float
    """How well it fits, up to 1."""
    target: str = ""
    scrolled: tuple[int, int] = (0, 0)
    """How far the page was scrolled to it beside what was recorded."""


class Replay(BaseModel):
    """What a replay came to."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    mode: Mode = "exact"
    outcome: Outcome
    detail: str
    steps: int
    """Recorded steps that were gone through."""
    actions: int
    """Actions carried out, each once."""
    halted: bool = False
    """Whether it stopped before an action that might not have been the recorded one."""
    difference: Difference | None = None
    found: tuple[Found, ...] = ()
    patches: tuple[str, ...] = ()
    """Files of repairs that were written, below the run's folder."""
    verdicts: tuple[Verdict, ...] = ()
    folder: str = ""
    seconds: float = 0.0
    """From the first look to the last verdict, without the start of the browser."""
    page_seconds: float = 0.0
    """What the page took of that: to act, to settle, and for its pictures."""

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
    """How far a replay has come, and what it took."""

    steps: int = 0
    actions: int = 0
    seconds: float = 0.0
    page: float = 0.0
    clock: Callable[[], float] = time.perf_counter

    def count(self, seen: Observation) -> Observation:
        """The same look, once what it took is counted."""
        self.page += sum(seen.timings.values())
        return seen

    def begin(self, env: Environment, task: Task) -> Observation:
        """The first look. What comes before it, as the start of a browser, is no part of the replay."""
        began, page = self.clock(), self.page
        seen = self.count(env.reset(task))
        self.seconds -= self.clock() - began - (self.page - page)
        return seen

    @contextmanager
    def timed(self) -> Iterator[None]:
        """The replay is inside."""
        began = self.clock()
        try:
            yield
        finally:
            self.seconds += self.clock() - began


def replay(run: Run, env: Environment, *, origin: str = "", to: int | None = None) -> Replay:
    """Repeat the recorded actions of `run` in `env`, checking each screen by its pixels before acting.

    No action is tried a second time, whatever happens. `origin` is where the pages of the run are served now.
    With `to`, go no further than that step. A report is written to RUN/replays/.
    """
    progress = Progress()

    def work() -> Replay:
        seen = exactly(run, env, origin=origin, to=to, progress=progress)
        return ended(run, run.manifest.expect, env, seen, progress, to)

    return report(run, *guarded(work, progress), progress)


def shown(lines: tuple[Line, ...]) -> list[str]:
    """The screens that a replay of `lines` is held against, in order."""
    last = [lines[-1].after.screen] if lines and lines[-1].after else []
    return [line.before.screen for line in lines] + last


def guarded(work: Callable[[], Replay], progress: Progress) -> tuple[Replay, Image | None]:
    """What `work` comes to, however it ends, and the screen that halted it."""
    with progress.timed():
        try:
            return work(), None
        except (Halt, EnvironmentBroken, PolicyBroken, KeyboardInterrupt) as error:
            return _cut(progress, error)


def failed(run: Run, progress: Progress, error: Halt | EnvironmentBroken | KeyboardInterrupt) -> Replay:
    """What a replay came to that `error` has ended, with its report."""
    return report(run, *_cut(progress, error), progress)


def _cut(
    progress: Progress, error: Halt | EnvironmentBroken | PolicyBroken | KeyboardInterrupt
) -> tuple[Replay, Image | None]:
    if isinstance(error, Halt):
        late = error.difference is not None and error.difference.when == "after"
        outcome = Outcome.FAILED if late else Outcome.STOPPED
        ending = result(progress, outcome, f"halted: {error.detail}", error.difference)
        return ending.model_copy(update={"halted": not late}), error.screen
    if isinstance(error, KeyboardInterrupt):
        return result(progress, Outcome.STOPPED, "interrupted"), None
    return result(progress, Outcome.BROKEN, str(error)), None


def exactly(
    run: Run, env: Environment, *, origin: str = "", to: int | None = None, progress: Progress | None = None
) -> Observation:
    """The screen that the recorded actions lead to in `env`, each done once where its screen is the recorded one.

    Raises `Halt` where it is another; `progress` tells how far it came.
    """
    lines = run.lines if to is None else run.lines[:to]
    with Ahead(run, shown(lines)) as ahead:
        return _repeat(run, lines, env, origin, ahead, progress or Progress())


def _repeat(
    run: Run, lines: tuple[Line, ...], env: Environment, origin: str, ahead: Ahead, progress: Progress
) -> Observation:
    task = run.manifest.task
    moved = Move(run.manifest.environment.origin or "", origin)
    seen = progress.begin(env, Task(task.instruction, moved.url(task.start), task.seed))
    for number, line in enumerate(lines):
        _compare(ahead, line.before, seen, line.index, "before")
        if line.error and line.after:
            raise Halt(f"step {line.index} broke the screen when it was recorded, and is not done again: {line.error}")
        if line.action and line.after:
            progress.actions += 1
            seen = progress.count(act(env, moved.action(line.action), line.index))
        progress.steps += 1
        if number + 1 == len(lines) and line.after:
            _compare(ahead, line.after, seen, line.index, "after")
    return seen


def act(env: Environment, action: Action, index: int) -> Observation:
    """The screen after `action`; `Halt` where it cannot be done here."""
    try:
        return env.step(action)
    except ActionError as error:
        raise Halt(f"step {index} was possible when it was recorded, and is not now: {error}") from error


def _compare(ahead: Ahead, look: Look, seen: Observation, index: int, when: str) -> None:
    pixels, box = changed(ahead.get(look.screen), seen.screenshot)
    if box is None:
        return
    difference = Difference(
        step=index, when=when, pixels=pixels, box=box, recorded=f"{look.screen}.png", actual="actual.png"
    )
    said = f"{when} step {index} the screen differs from the record in {pixels} pixels within {box}"
    raise Halt(said, difference, seen.screenshot)


def ended(
    run: Run, expect: tuple[Check, ...], env: Environment, seen: Observation, progress: Progress, to: int | None
) -> Replay:
    """What a replay came to that was halted by nothing."""
    if to is not None and to < len(run.lines):
        return result(progress, Outcome.UNVERIFIED, f"stopped after step {to}, as asked")
    if not run.lines:
        return result(progress, Outcome.UNVERIFIED, "the record holds no step")
    verdicts = verify(expect, env, seen, Ground(run.folder))
    last = run.lines[-1].action
    outcome = weigh(verdicts, seen.reward)
    if isinstance(last, Finish) and not last.success:
        outcome = Outcome.FAILED
    detail = f"all {progress.steps} steps as recorded"
    if outcome is Outcome.VERIFIED and any(check.python for check in run.manifest.expect):
        outcome, detail = Outcome.UNVERIFIED, f"{detail}; checks in Python are run with their script alone"
    if run.pending or run.manifest.stop is None:
        detail += "; the run itself was cut off after them"
    return result(progress, outcome, detail).model_copy(update={"verdicts": verdicts})


def result(progress: Progress, outcome: Outcome, detail: str, difference: Difference | None = None) -> Replay:
    """What a replay came to, as far as it has come."""
    return Replay(
        outcome=outcome,
        detail=detail,
        steps=progress.steps,
        actions=progress.actions,
        difference=difference,
    )


def report(run: Run, ending: Replay, screen: Image | None, progress: Progress) -> Replay:
    """The same, once it is on disk with what it took and the screen that halted it."""
    folder = claim(run.folder / "replays", ending.mode)
    times = {"seconds": round(progress.seconds, 4), "page_seconds": round(progress.page, 4)}
    ending = ending.model_copy(update={"folder": str(folder), **times})
    if screen is not None:
        put(folder / "actual.png", encode(screen))
    put(folder / "report.json", ending.model_dump_json(indent=1).encode() + b"\n")
    return ending


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
