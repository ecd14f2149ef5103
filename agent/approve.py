"""Asking before an action that may not be undone, or before every one; a refusal is the agent's own mistake."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from actions import Action, ActionError, ActionSpace, Navigate, Upload
from agent.describe import clean, describe
from env import Environment, EnvironmentBroken, Observation, Recoverable, Recovery, Task
from env.foresight import Foreseeing, Foresight, Risk
from env.untrusted import page

MEANINGS: dict[Risk, str] = {
    "submit": "sends a form",
    "purchase": "may spend money",
    "delete": "may remove something",
    "send": "may tell or grant others something",
    "origin": "leaves the site",
    "upload": "gives a file away",
    "download": "takes a file",
    "dialog": "accepts a dialog",
    "unknown": "hits something that the page does not name",
}


@dataclass(frozen=True)
class Request:
    """An action that waits for leave, and what is known of it; `target` and `url` are the page's words."""

    action: Action
    target: str
    url: str
    risks: tuple[Risk, ...]

    @property
    def reasons(self) -> str:
        """What speaks against it, in words; empty where nothing does."""
        return ", ".join(MEANINGS[risk] for risk in self.risks)

    def __str__(self) -> str:
        hit = f" on {clean(self.target, 80)}" if self.target else ""
        why = f": {self.reasons}" if self.risks else ""
        return f"{describe(self.action)}{hit} at {clean(self.url, 120) or 'this screen'}{why}"


@dataclass(frozen=True)
class Approval:
    """Whether the action may be done; `reason` is told to the policy where it may not."""

    granted: bool
    reason: str = ""


Approve = Callable[[Request], Approval]


def safe(request: Request) -> Approval:
    """Refuses whatever may not be undone, and asks nobody."""
    return Approval(not request.risks, "this run does nothing that may not be undone")


@dataclass(frozen=True)
class Caution:
    """Who is asked, and whether of every action or only of those that may not be undone."""

    approve: Approve
    always: bool = False


class Careful:
    """The same environment, each step of which asks first where `caution` says so."""

    def __init__(self, env: Environment, caution: Caution) -> None:
        self.env, self.caution = env, caution

    @property
    def space(self) -> ActionSpace:
        """That of the environment."""
        return self.env.space

    def reset(self, task: Task) -> Observation:
        """As the environment does; a start is the caller's own, and nobody is asked."""
        return self.env.reset(task)

    def step(self, action: Action) -> Observation:
        """As the environment does, once it is approved; otherwise ActionError, and nothing is done."""
        self.space.check(action)
        seen = self.env.foresee(action) if isinstance(self.env, Foreseeing) else plain(action)
        if seen.risks or self.caution.always:
            request = Request(action, seen.target, seen.url, seen.risks)
            answer = self.caution.approve(request)
            if not answer.granted:
                raise ActionError(refusal(request, answer))
        return self.env.step(action)

    def recover(self) -> Recovery:
        """As the environment does, where it can; nothing is done, and nobody is asked."""
        if not isinstance(self.env, Recoverable):
            raise EnvironmentBroken("closed", "this environment cannot go on after it broke; reset first")
        return self.env.recover()

    def close(self) -> None:
        """End the environment."""
        self.env.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def plain(action: Action) -> Foresight:
    """What is known of an action where nobody can look: only its kind."""
    if isinstance(action, Upload):
        return Foresight(risks=("upload",))
    return Foresight(risks=("origin",)) if isinstance(action, Navigate) else Foresight()


def refusal(request: Request, answer: Approval) -> str:
    """What the policy is told; the page's words are marked as such."""
    hit = f" on {page(request.target, 80)}" if request.target else ""
    why = f" {request.reasons}" if request.risks else " was asked about"
    said = f"; {answer.reason}" if answer.reason else ""
    return f"{request.action.kind}: refused: the action{hit}{why}{said}"
