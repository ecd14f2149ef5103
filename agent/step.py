"""What happened, as data: replies, steps, why an episode ended, and the whole trajectory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

from actions import Action, Answer, Finish, Frame

if TYPE_CHECKING:
    from env import Observation, Task

StopReason = Literal[
    "finished",  # the policy said so
    "done",  # the environment knows its own end
    "met",  # every expectation holds, and the task asked to stop there
    "steps",
    "seconds",
    "tokens",
    "loop",  # the same action, or two or three in turn, again and again on the same screens
    "person",
    "environment",  # the screen broke
    "model",  # the policy broke
    "error",  # anything else; the error itself travelled on
]


def _nothing() -> Mapping[str, float]:
    return MappingProxyType({})


def added(*counts: int | None) -> int | None:
    """The sum of those that are known; None where none is."""
    known = [count for count in counts if count is not None]
    return sum(known) if known else None


@dataclass(frozen=True)
class Usage:
    """Tokens of one reply; `prompt_tokens` counts the image tokens too."""

    prompt_tokens: int = 0
    image_tokens: int = 0
    completion_tokens: int = 0
    prefilled_tokens: int | None = None
    """Those of the prompt that had not been read before; None where nobody tells."""

    @property
    def total(self) -> int:
        return self.prompt_tokens + self.completion_tokens

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.prompt_tokens + other.prompt_tokens,
            self.image_tokens + other.image_tokens,
            self.completion_tokens + other.completion_tokens,
            added(self.prefilled_tokens, other.prefilled_tokens),
        )


@dataclass(frozen=True)
class Chance:
    """How sure a model was: natural logs of the probability of its call, and of the numbers of its places in there.

    Where it was `held` to a grammar, they count among what that allowed; else among all that could be written.
    """

    call: float
    places: float | None
    """None for a call that names no place."""
    held: bool


@dataclass(frozen=True)
class Reply:
    """The text a policy wrote, what it cost, the seconds it took by part, and what did not agree about it."""

    text: str
    usage: Usage = Usage()
    timings: Mapping[str, float] = field(default_factory=_nothing)
    warnings: tuple[str, ...] = ()
    chance: Chance | None = None
    """None where nobody tells."""


@dataclass(frozen=True)
class Step:
    """One turn of the loop: what was seen, what was replied, what came of it."""

    index: int
    """Counts from 1 within the episode."""
    before: Observation
    reply: Reply
    frame: Frame
    """The frame in which the reply's coordinates were read."""
    action: Action | None = None
    """None where the reply could not be read as an action."""
    error: str = ""
    """Why nothing was carried out: the policy's mistake, or how the environment broke."""
    after: Observation | None = None
    """The screen the action led to; None where nothing was carried out. Beside an error, the fresh one after it."""
    leg: int | None = None
    """Which of the script's steps it belongs to, from 1; None where the script has none."""
    timings: Mapping[str, float] = field(default_factory=_nothing)
    """Seconds: policy, parse, env (all of the environment's turn), and the parts of that which it names itself."""

    @property
    def recovered(self) -> bool:
        """Whether the screen broke, and the episode went on with a fresh one."""
        return bool(self.error) and self.after is not None


@dataclass(frozen=True)
class Stop:
    """Why an episode ended; `detail` says it in words."""

    reason: StopReason
    detail: str = ""


@dataclass(frozen=True)
class Trajectory:
    """A whole episode."""

    task: Task
    steps: tuple[Step, ...]
    stop: Stop

    @property
    def finish(self) -> Finish | None:
        """The policy's own last word, where it gave one."""
        action = self.steps[-1].action if self.steps else None
        return action if isinstance(action, Finish) else None

    @property
    def reward(self) -> float | None:
        """The environment's last raw reward in [-1, 1]; None where it gives none."""
        seen = self.seen
        return seen.reward if seen else None

    @property
    def seen(self) -> Observation | None:
        """The last screen; None where the first could not be opened."""
        if not self.steps:
            return None
        return self.steps[-1].after or self.steps[-1].before

    @property
    def answers(self) -> tuple[str, ...]:
        """What the policy told the user, in order."""
        return tuple(step.action.text for step in self.steps if isinstance(step.action, Answer))

    @property
    def usage(self) -> Usage:
        """Tokens of all steps together."""
        return sum((step.reply.usage for step in self.steps), Usage())
