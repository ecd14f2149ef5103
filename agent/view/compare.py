"""Two runs side by side, on a page of the same make as the report of one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from agent.reader import RecordError, Run
from agent.record import replace
from agent.schema import Look
from agent.view.album import Album, Shot
from agent.view.align import Pair, align, drifting, parting
from agent.view.card import Card, card, last, look_at
from agent.view.page import fill
from agent.view.section import facts, seconds, tokens
from agent.view.times import PARTS, Times, together
from env.observation import changed

Sort = Literal["same", "screen", "action", "end", "one", "other"]
"""All the same, other pixels before it, another action, one went wrong, a step of the first or second run alone."""

SAID: dict[Sort, str] = {
    "same": "the same in both",
    "screen": "the same action on another screen",
    "action": "another action",
    "end": "the same action, carried out in one run only",
    "one": "in A only",
    "other": "in B only",
}


OWN = ("folder", "begun")
"""What every run has for itself."""


@dataclass(frozen=True)
class Row:
    """A pair of steps as it is shown."""

    number: int
    sort: Sort
    said: str
    one: Card | None
    other: Card | None
    pixels: str
    parts: bool
    """Whether the runs part here."""


@dataclass(frozen=True)
class Ends:
    """The last screens of both runs."""

    one: Shot
    other: Shot
    pixels: str


@dataclass(frozen=True)
class Fact:
    """Something that is to be known of both runs."""

    name: str
    one: str
    other: str

    @property
    def same(self) -> bool:
        """Whether it tells nothing between them."""
        return self.one == self.other or self.name in OWN


@dataclass(frozen=True)
class Comparison:
    """Two runs as they are shown beside each other."""

    names: tuple[str, str]
    brief: tuple[str, str]
    facts: tuple[Fact, ...]
    rows: tuple[Row, ...]
    ends: Ends | None
    times: tuple[Times, Times]
    verdict: str


def write_comparison(one: Run, other: Run, path: Path | None = None) -> Path:
    """Write one page that holds `other` against `one`, and return where: compare.html in the folder of `one`."""
    target, album = path or one.folder / "compare.html", Album()
    both = comparison(album, one, other)
    page = fill("compare.html.j2", f"handeye: {both.names[0]} and {both.names[1]}", album.prints(), both)
    replace(target, page.encode())
    return target


def comparison(album: Album, one: Run, other: Run) -> Comparison:
    """Two runs made ready for the template."""
    pairs = align(one.lines, other.lines)
    first = parting(pairs)
    rows = [_row(album, (one, other), pair, n, n == first) for n, pair in enumerate(pairs)]
    return Comparison(
        names=(one.manifest.name, other.manifest.name),
        brief=(_brief("A", one), _brief("B", other)),
        facts=_facts(one, other),
        rows=tuple(rows),
        ends=_ends(album, one, other),
        times=(_times(rows, 0), _times(rows, 1)),
        verdict=_verdict(rows, first, drifting(pairs)),
    )


def _row(album: Album, runs: tuple[Run, Run], pair: Pair, number: int, parts: bool) -> Row:
    sort = _sort(pair)
    return Row(
        number=number + 1,
        sort=sort,
        said=SAID[sort],
        one=card(album, runs[0], pair.one) if pair.one else None,
        other=card(album, runs[1], pair.other) if pair.other else None,
        pixels=_before(runs, pair),
        parts=parts,
    )


def _sort(pair: Pair) -> Sort:
    if pair.one is None or pair.other is None:
        return "other" if pair.one is None else "one"
    if not pair.same_action:
        return "action"
    if not pair.same_end:
        return "end"
    return "same" if pair.same_screen else "screen"


def _ends(album: Album, one: Run, other: Run) -> Ends | None:
    if not (one.lines and other.lines):
        return None
    looks = last(one.lines), last(other.lines)
    said = f"they {_apart((one, other), *looks)}"
    return Ends(look_at(album, one, looks[0]), look_at(album, other, looks[1]), said)


def _before(runs: tuple[Run, Run], pair: Pair) -> str:
    if pair.one is None or pair.other is None:
        return ""
    return f"the screens before it {_apart(runs, pair.one.before, pair.other.before)}"


def _apart(runs: tuple[Run, Run], one: Look, other: Look) -> str:
    """In how many pixels two screens differ."""
    if one.screen == other.screen:
        return "are the same, pixel by pixel"
    try:
        screens = runs[0].screen(one.screen), runs[1].screen(other.screen)
    except RecordError as error:
        return f"cannot be compared, as one is missing: {error}"
    if screens[0].shape != screens[1].shape:
        return "have different sizes"
    pixels, box = changed(*screens)
    return f"differ in {pixels} pixels within {box}"


def _brief(letter: str, run: Run) -> str:
    said = f"{letter}: {run.manifest.outcome or 'unfinished'}, {len(run.lines)} steps, {seconds(run):.1f} s"
    return f"{said}, {tokens(run)}" if tokens(run) else said


def _verdict(rows: Sequence[Row], first: int | None, drift: int | None) -> str:
    if first is not None:
        said = f"They part at pair {first + 1}: {rows[first].said}."
    else:
        said = f"Both do the same in all {len(rows)} steps." if rows else "Neither took a step."
    if drift is not None:
        return f"{said} The first screen that differs is the one before pair {drift + 1}."
    return said


def _facts(one: Run, other: Run) -> tuple[Fact, ...]:
    named = [dict(facts(run)) for run in (one, other)]
    outcomes = [run.manifest.outcome or "unfinished" for run in (one, other)]
    names = list(dict.fromkeys([*named[0], *named[1]]))
    rows = [Fact(name, named[0].get(name, ""), named[1].get(name, "")) for name in names]
    failed = [", ".join(str(each.check) for each in run.manifest.verdicts if not each.held) for run in (one, other)]
    head = [
        Fact("folder", str(one.folder), str(other.folder)),
        Fact("instruction", one.manifest.task.instruction, other.manifest.task.instruction),
        Fact("outcome", *outcomes),
        Fact("stopped by", _stop(one), _stop(other)),
        Fact("did not hold", *failed),
    ]
    return tuple(row for row in (*head, *rows) if row.one or row.other)


def _stop(run: Run) -> str:
    stop = run.manifest.stop
    return f"{stop.reason} {stop.detail}".strip() if stop else "cut off"


def _times(rows: Sequence[Row], side: int) -> Times:
    cards = [row.one if side == 0 else row.other for row in rows]
    return together(each.times for each in cards if each) if any(cards) else Times(dict.fromkeys(PARTS, 0.0))
