"""The friendly face: give an instruction and an address, get back what came of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from pydantic import BaseModel

from agent.approve import Caution
from agent.care import NO_CARE, Care
from agent.choose import choose
from agent.episode import ignore
from agent.expect import Check
from agent.extract import Modelled, Value
from agent.limits import Limits
from agent.manifest import describe
from agent.outcome import Result
from agent.perform import Job, perform
from agent.play import check, play
from agent.policy import Policy, PolicyBroken, Scripted, Sized
from agent.record import Recorder, claim
from agent.schema import EnvironmentEntry
from agent.script import Script, given, read_script
from agent.stage import hidden
from agent.step import Step
from env import Browser, BrowserOptions, Environment, Task
from env.secrets import NONE, Secrets

SIZE = (1288, 728)
"""Screens of a browser when the model does not ask for another size; multiples of 28."""


class Agent:
    """Carries out instructions in a browser, or in any environment it is given.

    `model` is "builtin", a checkpoint folder, or a policy of the caller's; "script" plays the actions of scripts.
    Without `env` a browser is started at the first instruction and ended by `close` or the with-block. With `out`, each
    run is kept in a new folder there.
    """

    def __init__(
        self,
        model: str | Path | Policy = "builtin",
        *,
        env: Environment | None = None,
        size: tuple[int, int] | None = None,
        headed: bool = False,
        out: Path | None = None,
    ) -> None:
        self._scripted = model == "script"
        self.policy: Policy = _policy(model)
        self.size = size or preferred(self.policy)
        self.headed, self.out = headed, out
        self._env, self._given = env, env is not None

    @property
    def env(self) -> Environment:
        """The screen it acts on."""
        if self._env is None:
            self._env = Browser(BrowserOptions(size=self.size, headed=self.headed))
        return self._env

    def run(
        self,
        instruction: str,
        *,
        url: str = "",
        expect: Sequence[Check] = (),
        until: Literal["finish", "expect"] = "finish",
        limits: Limits | None = None,
        seed: int = 0,
        watch: Callable[[Step], None] = ignore,
        caution: Caution | None = None,
        extract: Mapping[str, Value] | None = None,
        result: type[BaseModel] | None = None,
    ) -> Result:
        """Carry out `instruction` from `url` on, and say what came of it; `watch` is told of every step.

        `caution` names who is asked before an action that may not be undone, or before every one.

        With `until="expect"` it ends as soon as everything in `expect` holds, whatever the model says. `extract` names
        values to bring back, of the page or of what the model tells; with `result` the model has to tell just what that
        pydantic model describes, and `Result.read` gives it.
        """
        task, held = Task(instruction, url, seed), tuple(expect)
        form = Modelled(result) if result else None
        job = Job(task, limits or Limits(), held, until, caution, self._secrets, extract=extract or {}, result=form)
        if self.out is None:
            return perform(self.env, self.policy, job, watch=watch)
        manifest = describe(job, self.policy, self._entry(), name=instruction or url)
        slug = self._secrets.scrub(instruction or "run")
        with Recorder(claim(self.out, slug), manifest, secrets=self._secrets) as record:
            return perform(self.env, self.policy, job, record=record, watch=watch)

    def play(
        self,
        script: Script | Path,
        *,
        settings: Mapping[str, str] | None = None,
        folder: Path | None = None,
        care: Care = NO_CARE,
        watch: Callable[[Step], None] = ignore,
    ) -> Result:
        """Play a task script, of a file or of Python, in the environment that it describes, and say what came of it.

            script = Script(
                name="greet",
                start="page.html",
                instruction="Enter a name and press Send.",
                expect=(Check(text="Hello"),),
                extract={"greeting": Value(element="#greeting")},
            )
            with Agent(out=Path("runs")) as agent:
                result = agent.play(script, folder=Path("pages"))
            print(result.outcome, result.values["greeting"])

        `settings` are its parameters. The paths in a `Script` start from `folder`, by default the current one, those in
        a file from where that lies. The record is kept in `out`, by default in runs/. `ScriptError`, `StageError`, and
        `ModelError` where "script" finds no actions to play: before anything starts.
        """
        if self._given:
            raise ValueError("env: a script brings an environment of its own; make an Agent without one")
        if isinstance(script, Script):
            loaded = given(script, folder or Path(), settings)
        else:
            loaded = read_script(script, settings)
        check(loaded, care, scripted=self._scripted)
        where = claim(self.out or Path("runs"), hidden(loaded, care).scrub(loaded.script.name))
        policy = None if self._scripted else self.policy
        return play(loaded, policy, where, headed=self.headed, care=care, watch=watch)

    @property
    def _secrets(self) -> Secrets:
        return self._env.options.secrets if isinstance(self._env, Browser) else NONE

    def _entry(self) -> EnvironmentEntry:
        if self._given:
            return EnvironmentEntry(kind="custom")
        return EnvironmentEntry(kind="browser", width=self.size[0], height=self.size[1])

    def close(self) -> None:
        """End the browser, if it was started here."""
        if self._env is not None and not self._given:
            self._env.close()
            self._env = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _policy(model: str | Path | Policy) -> Policy:
    if model == "script":
        return Scripted((), name="script")
    return choose(str(model)) if isinstance(model, str | Path) else model


def preferred(policy: Policy) -> tuple[int, int]:
    """The size of screen that suits `policy`."""
    try:
        asked = policy.screen if isinstance(policy, Sized) else None
    except PolicyBroken:
        return SIZE  # the first reply says why
    return asked or SIZE
