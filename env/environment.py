"""The contract every screen keeps, and the error it breaks with."""

from __future__ import annotations

from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Literal, Protocol, Self, runtime_checkable

if TYPE_CHECKING:
    from actions import Action, ActionSpace
    from env.observation import Observation

Reason = Literal["crash", "timeout", "closed", "unreachable", "missing"]


class EnvironmentBroken(RuntimeError):
    """The screen itself failed; the episode is over and no action of the agent is to blame.

    `reason` is "crash" (page or browser died), "timeout" (a call passed its deadline), "closed" (used after
    `close`), "unreachable" (the start could not be opened) or "missing" (something has to be installed).
    After any but "closed" and "missing", `reset` works again. `begun` is False where it is certain that nothing of the
    action was done.
    """

    def __init__(self, reason: Reason, message: str, begun: bool = True) -> None:
        super().__init__(f"{reason}: {message}")
        self.reason: Reason = reason
        self.message = message
        self.begun = begun

    def __reduce__(self) -> tuple[type[EnvironmentBroken], tuple[Reason, str, bool]]:
        return type(self), (self.reason, self.message, self.begun)


@dataclass(frozen=True)
class Task:
    """What is to be done, and where it starts."""

    instruction: str = ""
    start: str = ""
    """The address, screen or page name to start from; empty for the environment's own."""
    seed: int = 0


@dataclass(frozen=True)
class Recovery:
    """A screen to go on with after the one before broke."""

    seen: Observation
    told: str
    """What was kept and what is gone, in words for the agent."""


@runtime_checkable
class Recoverable(Protocol):
    """An environment that can go on in the same episode after it broke."""

    def recover(self) -> Recovery:
        """A fresh screen where the last one was seen; nothing that was done is done again.

        Raise `EnvironmentBroken` where there is none to be had.
        """
        ...


class Environment(Protocol):
    """A screen to act on. Every call returns in bounded time or raises `EnvironmentBroken`."""

    @property
    def space(self) -> ActionSpace:
        """The actions that `step` carries out here."""
        ...

    def reset(self, task: Task) -> Observation:
        """Begin `task` from its start, whatever came before."""
        ...

    def step(self, action: Action) -> Observation:
        """Carry out `action`, wait until the screen has settled, and look.

        Where the action cannot be done here, raise `ActionError`; the screen is unchanged.
        """
        ...

    def close(self) -> None:
        """End everything this environment started; a second call does nothing."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
