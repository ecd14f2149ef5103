"""Runs that go on from a record: `handeye run --resume RUN` and `handeye replay RUN --to N --then MODEL`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import typer

from actions import Action
from agent.care import Care
from agent.choose import Ways
from agent.commands.ending import end, refuse
from agent.commands.given import folder_for, model_of, script
from agent.console import STYLES, StepLine, console, outcomes, plain, starting, summary
from agent.limits import Limits
from agent.onward import ResumeError, Terms, Unreached, branch, cut_off, resume, upto
from agent.outcome import Result
from agent.place import Place
from agent.policy import Policy
from agent.reader import RecordError, Run, read_run
from agent.script import Loaded
from agent.stage import Stage, StageError, admit, open_stage
from agent.terminal import Terminal

PERSON = "person"
"""In the place of a model: whoever sits at the terminal."""

UNBOUNDED = Limits(steps=None, seconds=None, tokens=None, repeats=None)
"""A person stops by saying so."""

Go = Callable[[Run, Stage, Policy, Path, Terms], Result]
"""How a run goes on once its screen is open."""


def go_on(run: Run, stage: Stage, policy: Policy, folder: Path, terms: Terms) -> Result:
    """After the last complete step."""
    return resume(run, stage, policy, folder, terms=terms)


def another_way(run: Run, stage: Stage, policy: Policy, folder: Path, terms: Terms) -> Result:
    """After all steps of `run`, as a branch."""
    return branch(run, len(run.lines), stage, policy, folder, terms=terms)


@dataclass(frozen=True)
class Onward:
    """A run to go on from, what it needs again, and what comes of it."""

    run: Run
    policy: Policy | None
    """None for the person at the terminal."""
    care: Care
    access: Place | None = None
    """What no record keeps, from the run's own script."""
    headed: bool = False
    out: Path | None = None
    as_json: bool = False

    def go(self, how: Go, *, again: bool = False) -> NoReturn:
        """Go on, and end the command with what came of it."""
        screen, name = console(quiet=self.as_json), self.run.manifest.name
        starting(screen, self.run.manifest.environment.program)
        folder = folder_for(self.out, name, alone=True)
        try:
            result = self._result(how, folder, again)
        except Unreached as stopped:
            _forget(folder)
            replay = stopped.replay
            screen.print(f"[{STYLES[replay.outcome]}]{replay.outcome.value}[/]  {plain(replay.detail)}")
            end(replay.outcome, {**replay.model_dump(mode="json"), "code": replay.code}, self.as_json)
        except (RecordError, ResumeError, StageError) as error:
            _forget(folder)
            refuse(str(error))
        screen.print(outcomes([(name, result)], "run"))
        end(result.outcome, {**summary(name, result), "parent": str(self.run.folder)}, self.as_json)

    def _result(self, how: Go, folder: Path, again: bool) -> Result:
        entry, start = self.run.manifest.environment, self.run.manifest.task.start
        admit(entry, start)
        caution = self.care.caution
        if entry.kind == "desktop" and caution and not caution.always:
            raise StageError("nobody can tell what is a risk on a desktop; --approve always asks of each action")
        watch = StepLine(console(quiet=self.as_json), "")
        terms = Terms(again=again, caution=caution, watch=watch, limits=None if self.policy else UNBOUNDED)
        said = f"does {len(self.run.lines)} steps of {plain(str(self.run.folder))} again, and goes on from there"
        console(quiet=self.as_json).print(f"  {said}")
        policy = self.policy or person(None if self.headed else folder / "screen.png")
        with open_stage(entry, headed=self.headed, start=start, values=self.care.values, access=self.access) as stage:
            return how(self.run, stage, policy, folder, terms)


def recorded(folder: Path) -> Run:
    """The run in `folder`. Ends the command where there is none."""
    try:
        return read_run(folder)
    except RecordError as error:
        refuse(str(error))


def part(folder: Path, step: int | None) -> Run:
    """The run in `folder` as if it had been cut off after `step`, or its last. Ends the command where it has none."""
    run = recorded(folder)
    try:
        return upto(run, len(run.lines) if step is None else step)
    except ResumeError as error:
        refuse(str(error))


def decider(model: str, ways: Ways, actions: Sequence[Action] = ()) -> Policy | None:
    """Who goes on; None for the person at the terminal. Ends the command where a model is not to be had."""
    if model == PERSON:
        return None
    if model == "script" and not actions:
        refuse("script: its actions stand in no record; give it too: handeye run --resume RUN SCRIPT")
    return model_of(model, actions, ways)


@dataclass(frozen=True)
class Before:
    """A run that was cut off, and its script, where one is given."""

    run: Run
    script: Loaded | None

    @classmethod
    def of(cls, folder: Path, scripts: Sequence[Path], settings: Sequence[str]) -> Before:
        """With the parameters that it had. Ends the command where it cannot go on, and for a script that is not its."""
        run = recorded(folder)
        try:
            cut_off(run)
        except ResumeError as error:
            refuse(f"--resume {error}")
        if not scripts and settings:
            refuse(f"--set {settings[0]}: goes with a script; a run that is resumed has its parameters")
        if len(scripts) > 1:
            refuse("--resume: goes on with one run; expected its script alone, or none")
        had = [f"{name}={value}" for name, value in run.manifest.parameters.items() if value]
        loaded = script(scripts[0], [*had, *settings]) if scripts else None
        if loaded and loaded.script.name != run.manifest.name:
            refuse(f"--resume: the run is of {run.manifest.name!r}, and {scripts[0]} is {loaded.script.name!r}")
        return cls(run, loaded)

    @property
    def names(self) -> list[str]:
        """Of the secrets that have to be given again."""
        return list(self.run.manifest.environment.secrets)

    @property
    def place(self) -> Place | None:
        """Where the script says what no record keeps."""
        return self.script.script.environment if self.script else None

    def decider(self, context: typer.Context, model: str, ways: Ways) -> Policy | None:
        """Who decides: `model` where the command line has one, else who did. Ends the command where none can tell."""
        source = context.get_parameter_source("model")
        known = self.run.manifest.model.name
        if source is not None and source.name != "DEFAULT":
            return decider(model, ways, self.script.script.actions if self.script else ())
        if known not in ("builtin", "script", PERSON):
            refuse(f"--resume: the run was by {plain(known)}, and no record keeps where that is; say --model again")
        return decider(known, ways, self.script.script.actions if self.script else ())


def person(picture: Path | None) -> Terminal:
    """Whoever sits at the terminal; prompts stand on standard error, since results belong to standard output."""

    def say(text: str) -> None:
        sys.stderr.write(text)
        sys.stderr.flush()

    def ask(prompt: str) -> str:
        say(prompt)
        line = sys.stdin.readline()
        if not line:
            raise EOFError
        return line

    return Terminal(ask, say, picture=picture)


def _forget(folder: Path) -> None:
    """Remove a folder that nothing was written to."""
    with suppress(OSError):
        folder.rmdir()
