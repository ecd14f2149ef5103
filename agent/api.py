"""The friendly face: give an instruction and an address, get back what came of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from agent.approve import Caution
from agent.choose import choose
from agent.episode import ignore
from agent.expect import Check
from agent.limits import Limits
from agent.manifest import describe
from agent.outcome import Result
from agent.perform import Job, perform
from agent.policy import Policy, PolicyBroken, Sized
from agent.record import Recorder, claim
from agent.schema import EnvironmentEntry
from agent.step import Step
from env import Browser, BrowserOptions, Environment, Task
from env.secrets import NONE, Secrets

SIZE = (1288, 728)
"""Screens of a browser when the model does not ask for another size; multiples of 28."""


class Agent:
    """Carries out instructions in a browser, or in any environment it is given.

    `model` is "builtin", a checkpoint folder, or a policy of the caller's. Without `env` a browser is started at the
    first instruction and ended by `close` or the with-block. With `out`, each run is kept in a new folder there.
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
        self.policy: Policy = choose(str(model)) if isinstance(model, str | Path) else model
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
    ) -> Result:
        """Carry out `instruction` from `url` on, and say what came of it; `watch` is told of every step.

        `caution` names who is asked before an action that may not be undone, or before every one.

        With `until="expect"` it ends as soon as everything in `expect` holds, whatever the model says.
        """
        job = Job(Task(instruction, url, seed), limits or Limits(), tuple(expect), until, caution, self._secrets)
        if self.out is None:
            return perform(self.env, self.policy, job, watch=watch)
        manifest = describe(job, self.policy, self._entry(), name=instruction or url)
        slug = self._secrets.scrub(instruction or "run")
        with Recorder(claim(self.out, slug), manifest, secrets=self._secrets) as record:
            return perform(self.env, self.policy, job, record=record, watch=watch)

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


def preferred(policy: Policy) -> tuple[int, int]:
    """The size of screen that suits `policy`."""
    try:
        asked = policy.screen if isinstance(policy, Sized) else None
    except PolicyBroken:
        return SIZE  # the first reply says why
    return asked or SIZE
