"""What a person has done, as an environment tells it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from actions.action import Action
from env.environment import Environment
from env.observation import Observation
from env.secrets import Secrets


@dataclass(frozen=True)
class Deed:
    """An action of a person, with the screens before and after it."""

    action: Action
    before: Observation
    after: Observation
    notes: tuple[str, ...] = ()
    """What has to be said of it, such as that the next one came before the screen had come to rest."""
    open: bool = False
    """Whether it may still grow, as a text does that is being typed."""
    seconds: float = 0.0
    """From its first event to its last picture."""


class Attended(Environment, Protocol):
    """A screen on which a person acts and we look on."""

    def deed(self, seconds: float) -> Deed | None:
        """The next deed; None where `seconds` pass without one. An open one may come again, as it is by then."""
        ...

    def last(self) -> Deed | None:
        """The deed that was still open, ended: nothing more will be heard."""
        ...

    def pause(self, *, on: bool) -> None:
        """Take no notice of the person from here on, or take notice again."""
        ...

    @property
    def ended(self) -> bool:
        """Whether the person has closed the screen."""
        ...

    @property
    def secrets(self) -> Secrets:
        """What was typed into fields that hide it, so far."""
        ...

    @property
    def bound(self) -> Mapping[str, tuple[str, ...]]:
        """What stands for them in actions, and the origins that each was typed into."""
        ...
