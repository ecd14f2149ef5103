"""Who decides: the contract of a policy, and one that plays a list."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol, runtime_checkable

from actions import Action, ActionSpace, Dialect, Finish, Frame
from agent.canonical import Canonical
from agent.step import Reply, Step
from env import Observation, Task


class PolicyBroken(RuntimeError):
    """The policy itself failed (weights missing, server gone); no action of the agent is to blame."""


class Policy(Protocol):
    """Something that looks at a screen and writes what to do next."""

    @property
    def name(self) -> str:
        """What records call it."""
        ...

    @property
    def dialect(self) -> Dialect:
        """How its replies are read."""
        ...

    def frame(self, seen: Observation) -> Frame:
        """The frame in which the coordinates of a reply about `seen` are meant."""
        ...

    def reply(self, task: Task, history: Sequence[Step], seen: Observation) -> Reply:
        """What to do next, in words of the dialect. Raises `PolicyBroken` where it cannot go on."""
        ...


@runtime_checkable
class Weighed(Protocol):
    """A policy with weights, so that a record can say which."""

    @property
    def hash(self) -> str:
        """SHA-256 of the weights in hexadecimal."""
        ...

    @property
    def max_pixels(self) -> int | None:
        """The largest image it looks at, in pixels."""
        ...


@runtime_checkable
class Bounded(Protocol):
    """A policy that tells its model what can be done, and so has to know the screen it acts on."""

    def within(self, space: ActionSpace) -> Policy:
        """The same policy, offering exactly the actions of `space`."""
        ...


@runtime_checkable
class Strict(Protocol):
    """A policy whose actions have to be of a form."""

    def check(self, action: Action, history: Sequence[Step]) -> None:
        """ActionError where `action`, after the steps of `history`, is not."""
        ...


@runtime_checkable
class Sized(Protocol):
    """A policy that is at home on screens of one size."""

    @property
    def screen(self) -> tuple[int, int] | None:
        """Width and height; None for any. Raises `PolicyBroken` where that cannot be found out."""
        ...


def within(policy: Policy, space: ActionSpace) -> Policy:
    """`policy` as it is used where `space` can be done."""
    return policy.within(space) if isinstance(policy, Bounded) else policy


class Scripted:
    """Plays a list of actions or raw texts, one a step, and then says that it has finished.

    Actions are in screen pixels. Texts are given to the dialect as they are, mistakes included.
    """

    def __init__(
        self, replies: Iterable[Action | str], *, dialect: Dialect | None = None, name: str = "scripted"
    ) -> None:
        self.replies = tuple(replies)
        self.dialect: Dialect = dialect or Canonical()
        self.name = name

    def frame(self, seen: Observation) -> Frame:
        """The screen itself: nothing is resized."""
        width, height = seen.size
        return Frame(width, height, width, height)

    def reply(self, task: Task, history: Sequence[Step], seen: Observation) -> Reply:
        """The entry of the list that has this step's number."""
        turn = len(history)
        chosen = self.replies[turn] if turn < len(self.replies) else Finish(text="end of the script")
        if isinstance(chosen, str):
            return Reply(chosen)
        return Reply(self.dialect.print(chosen, self.frame(seen)))
