"""How a model's action compares with the recorded one, as it is kept."""

from __future__ import annotations

from pydantic import Field

from actions import Action
from agent.evaluate.judged import Judged, Key
from agent.evaluate.steps.match import Why

FIRST = "first steps"
"""The row of all steps that nothing came before."""


class Matched(Judged):
    """One step; `success` says that the whole action was right."""

    run: str
    step: int = Field(ge=1)
    instruction: str
    first: bool
    """Whether nothing was done before it: a first step is read off the screen, not off the past."""
    recorded: Action
    given: Action | None = None
    """None where the reply could not be read."""
    kind_correct: bool
    place_correct: bool | None = None
    """None where the kind is wrong, or there is no place that counts."""
    why: Why | None = None
    """What is wrong first; None for a reply that nobody can read, and for one that never came."""

    @property
    def key(self) -> Key:
        """Its run and its number in there."""
        return self.run, self.step

    @property
    def label(self) -> dict[str, str | int]:
        """The same by names."""
        return {"run": self.run, "step": self.step}

    @property
    def groups(self) -> tuple[str, ...]:
        """What was recorded, and first steps apart."""
        return (self.recorded.kind, FIRST) if self.first else (self.recorded.kind,)

    @property
    def stratum(self) -> str:
        """All steps weigh the same."""
        return ""

    @property
    def unit(self) -> Key:
        """Its run: steps of one run depend on each other."""
        return self.run, 0

    @property
    def ended(self) -> str:
        """What came of it."""
        if self.broken:
            return "broken"
        if self.why is None:
            return "unreadable"
        return f"other {self.why}" if self.why else "right"
