"""An evaluation as people are shown it, at a terminal, on a page and in a chart: one table whatever it is of."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

from agent.evaluate.estimate import Estimate, estimate
from agent.evaluate.judged import Judged

State = Literal["won", "lost", "broken"]
J = TypeVar("J", bound=Judged)


@dataclass(frozen=True)
class Row:
    """A group of marks: its score, and whatever else there is to say of it."""

    name: str
    score: Estimate
    cells: tuple[str, ...]


@dataclass(frozen=True)
class Entry:
    """One mark of a group."""

    state: State
    cells: tuple[str, ...]
    """The second one says how it went."""


@dataclass(frozen=True)
class Part:
    """The marks of one group, one by one."""

    name: str
    entries: tuple[Entry, ...]

    @property
    def won(self) -> int:
        """How many were right."""
        return sum(entry.state == "won" for entry in self.entries)


@dataclass(frozen=True)
class Sheet:
    """All of it; the last of the rows is that of all marks. Text in it may have been written by models and data."""

    suite: str
    model: str
    measure: str
    """What the score counts."""
    over: str
    """How many of what it is a score of."""
    facts: tuple[str, ...]
    heads: tuple[str, ...]
    """Of the cells of rows."""
    rows: tuple[Row, ...]
    entry_heads: tuple[str, ...]
    parts: tuple[Part, ...]
    left_out: tuple[str, ...] = ()
    """What could not be used, and why."""

    @property
    def title(self) -> str:
        """Who was evaluated on what."""
        return f"{self.model} on {self.suite}"

    @property
    def score(self) -> Estimate:
        """That of all."""
        return self.rows[-1].score


def tabled(
    marks: Sequence[J], cells: Callable[[Sequence[J]], tuple[str, ...]], name: str, *, best: bool = False
) -> tuple[Row, ...]:
    """A row for each group that marks count in, the finest kind first or the `best` first, and one of all of them."""
    found: dict[str, list[J]] = {}
    most = max(len(mark.groups) for mark in marks)
    for level in range(most):
        for mark in marks:
            if level < len(mark.groups):
                found.setdefault(mark.groups[level], []).append(mark)
    rows = [Row(group, estimate(members), cells(members)) for group, members in found.items()]
    if best:
        rows.sort(key=lambda row: -row.score.mean)
    return (*rows, Row(name, estimate(marks), cells(marks)))


def parted(marks: Iterable[J], cells: Callable[[J], tuple[str, ...]]) -> tuple[Part, ...]:
    """The marks one by one, under the finest group of each."""
    found: dict[str, list[Entry]] = {}
    for mark in marks:
        state: State = "won" if mark.success else "broken" if mark.broken else "lost"
        found.setdefault(mark.groups[0], []).append(Entry(state, cells(mark)))
    return tuple(Part(name, tuple(entries)) for name, entries in found.items())


def percent(share: float | None) -> str:
    """A share as a whole percent; a dash where nobody knows it."""
    return "–" if share is None else f"{100 * share:.0f} %"
