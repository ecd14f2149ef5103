"""What a recorded step was aimed at, and what comes of looking for it."""

from __future__ import annotations

from dataclasses import dataclass

from actions import Point
from agent.replay import Rung
from env import Evidence, Image


@dataclass(frozen=True)
class Aim:
    """A place of a recorded screen, and what lay there."""

    at: Point
    evidence: Evidence
    screen: Image
    told: bool = True
    """Whether the record says what lay there; an older one does not."""


@dataclass(frozen=True)
class Known:
    """What else the record names: a target by another name than its own is no target that was renamed."""

    names: frozenset[str] = frozenset()
    keys: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Spot:
    """Where a target is now. A place outside of the screenshot has to be scrolled to first."""

    at: Point
    rung: Rung
    score: float
    evidence: Evidence | None = None
    """What lies there; None where nobody can tell."""


class Missing(Exception):
    """The target is not there, or not yet."""


class Refused(Exception):
    """Two places are equally likely to be the target: none is taken."""


def plain(text: str) -> str:
    """`text` for comparison: case and white space do not count."""
    return " ".join(text.split()).casefold()


def told(evidence: Evidence) -> str:
    """In words for people, such as 'button "OK"'."""
    name = evidence.name or evidence.text
    return f'{evidence.role or "place"} "{name}"' if name else evidence.role or "a place without a name"
