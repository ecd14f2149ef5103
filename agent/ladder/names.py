"""Telling a target by what a screen reader is told of it: role, name, what its author calls it, and the texts around.

Three ways lead to a target, the surest first: the same role and name; the same role and author's name under another
wording; the same role among the same texts under a wording that is much alike. A button is never taken by its place or
its author's name alone: what it says is what it does.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass

from agent.ladder.aim import Aim, Known, Missing, Refused, plain, told
from env import Evidence

ENTERED = frozenset(
    {
        "checkbox",
        "color",
        "combobox",
        "date",
        "datetime-local",
        "file",
        "listbox",
        "month",
        "radio",
        "searchbox",
        "slider",
        "spinbutton",
        "switch",
        "textbox",
        "time",
        "week",
    }
)
"""Roles of what is filled in: nothing is sent or done by it."""

SHARED = 0.6  # part of the texts around that have to be there still, where the nearest is not
CLOSE = 0.75  # the same for a target under another name
RESEMBLES = 0.55  # how alike two wordings have to be, as difflib counts
MARGIN = 0.12  # how much better than the second the best has to be


@dataclass(frozen=True)
class Likeness:
    """How well one thing on the screen fits a target."""

    way: int
    """2 by its name, 1 by what its author calls it, 0 by its surroundings."""
    around: float
    """How much of the texts around it is the same, 0 to 1, the nearest counting most."""
    found: Evidence

    @property
    def score(self) -> float:
        """Both in one number up to 1, for reports."""
        return round((self.way + self.around) / 3, 3)


def choose(aim: Aim, screen: Iterable[Evidence], known: Known) -> Likeness:
    """The one thing of `screen` that `aim` was; `Missing` where none is, `Refused` where two fit equally well."""
    wanted = aim.evidence
    if not (wanted.role and (wanted.name or wanted.key or wanted.text)):
        raise Missing(f"{told(wanted)} has no name to look for")
    fits = [found for each in screen if each.box and (found := fit(wanted, each, known))]
    if not fits:
        raise Missing(f"{told(wanted)} is not on the screen")
    way = max(each.way for each in fits)
    best, *others = sorted((each for each in fits if each.way == way), key=lambda each: each.around, reverse=True)
    if others and best.around - others[0].around < MARGIN:
        raise Refused(f"{told(wanted)} may be any of {1 + len(others)} that look alike")
    return best


def fit(wanted: Evidence, found: Evidence, known: Known) -> Likeness | None:
    """How `found` may be `wanted`; None where it cannot be."""
    if found.role != wanted.role:
        return None
    around, share = overlap(wanted.near, found.near)
    settled = not wanted.near or _first(wanted, found) or share >= SHARED
    if wanted.name and plain(found.name) == plain(wanted.name):
        other = bool(wanted.key and found.key and found.key != wanted.key and found.key in known.keys)
        return Likeness(2, around, found) if settled and not other else None
    if plain(found.name) in known.names:
        return None  # another target of the record, or a neighbour of this one
    alike = resemblance(wanted.name, found.name) >= RESEMBLES
    if wanted.key and found.key == wanted.key:
        return Likeness(1, around, found) if settled and (alike or wanted.role in ENTERED or not wanted.name) else None
    if wanted.key or found.key or not (alike or not (wanted.name or found.name)):
        return None
    return Likeness(0, around, found) if _first(wanted, found) and share >= CLOSE else None


def overlap(wanted: tuple[str, ...], found: tuple[str, ...]) -> tuple[float, float]:
    """How much of the texts around is the same: the nearest counting most, and each counting the same."""
    if not wanted:
        return (1.0, 1.0) if not found else (0.5, 1.0)
    there = [plain(each) for each in found]
    weights = [1 / (1 + number) for number in range(len(wanted))]
    held = [
        weight * (1 - 0.1 * min(abs(there.index(plain(each)) - number), 9))
        for number, (each, weight) in enumerate(zip(wanted, weights, strict=True))
        if plain(each) in there
    ]
    return sum(held) / sum(weights), len(held) / len(wanted)


def agrees(wanted: Evidence, found: Evidence) -> bool:
    """Whether what lies at a place is what was recorded, by every word of it that identifies it."""
    alike = (found.role, plain(found.name), found.key) == (wanted.role, plain(wanted.name), wanted.key)
    return alike and (not wanted.near or _first(wanted, found) or overlap(wanted.near, found.near)[1] >= SHARED)


def resemblance(one: str, other: str) -> float:
    """How alike two wordings are, 0 to 1."""
    return difflib.SequenceMatcher(None, plain(one), plain(other)).ratio() if one and other else 0.0


def _first(wanted: Evidence, found: Evidence) -> bool:
    """Whether the nearest text is still around."""
    return bool(wanted.near) and plain(wanted.near[0]) in {plain(each) for each in found.near}
