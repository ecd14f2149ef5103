"""The screen as it is now, asked no more than once for each thing."""

from __future__ import annotations

from functools import cached_property

from actions import Point
from env import Environment, Evidence, Image, Naming, Observation


class Sight:
    """One look at the screen, and what the environment can say of it beside the picture."""

    def __init__(self, env: Environment, seen: Observation) -> None:
        self.seen = seen
        self._naming = env if isinstance(env, Naming) else None

    @property
    def screen(self) -> Image:
        """The picture."""
        return self.seen.screenshot

    @property
    def names(self) -> bool:
        """Whether the environment can say what lies where."""
        return self._naming is not None

    @cached_property
    def named(self) -> tuple[Evidence, ...]:
        """All that can be named, what has to be scrolled to included."""
        return self._naming.named(beyond=True) if self._naming else ()

    def lies(self, at: Point) -> Evidence | None:
        """What lies at a place of the screenshot; None where nobody can tell."""
        if self._naming is None or not self.shows(at):
            return None
        found = self._naming.lies((at,))
        return found[0] if found else None

    def shows(self, at: Point) -> bool:
        """Whether a place is within the screenshot."""
        width, height = self.seen.size
        return 0 <= at.x < width and 0 <= at.y < height
