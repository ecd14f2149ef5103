"""Reading a screen without acting on it: what lies where, by name, and when something of it changes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from actions.action import Point
from env.observation import Evidence, Observation


@runtime_checkable
class Naming(Protocol):
    """An environment that can say what is on its screen."""

    def lies(self, places: Sequence[Point]) -> tuple[Evidence, ...]:
        """What lies at each of these places now; empty where nobody can tell."""
        ...

    def named(self, *, beyond: bool = False) -> tuple[Evidence, ...]:
        """All that can be read or used on the screen now, but what is covered, hidden or switched off.

        With `beyond` also what scrolling would bring into view, its boxes outside the screenshot.
        """
        ...


@runtime_checkable
class Stirring(Protocol):
    """An environment that notices by itself when its screen changes."""

    def stir(self, seconds: float) -> Observation:
        """The screen once something of it has changed and it has settled, or as it is after so many seconds."""
        ...
