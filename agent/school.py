"""How the built-in model is trained from nothing, as data: which pictures are made, and which stages follow.

The last term learns from the model's own mistakes: it acts, and the oracle says what would have been right. Whatever is
there already is gone on from: shards of pictures, and the checkpoint of each stage.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from agent.data.__main__ import fill, maker
from model.train.builtin import Plan
from model.train.examine import examine
from model.train.export import export
from model.train.loop import STATE
from model.train.processes import train_together
from model.train.stages import STAGES

MADE = "measures.json"
"""Each stage's measure before and behind it, in a school's folder."""


@dataclass(frozen=True)
class Pictures:
    """Shards of one kind in a folder of that name; seeds below 1000000."""

    name: str
    kind: str
    count: int
    seed: int
    by: str = ""  # the stage whose model acts in them
    tasks: tuple[str, ...] = ()  # of MiniWoB++, all of them where none is named
    sizes: tuple[tuple[int, int], ...] = ()  # width and height of form pages, 160x208 where none is given


@dataclass(frozen=True)
class Term:
    """One stage: from whose weights it begins, what it sees (folder and weight), and how long it takes."""

    stage: str
    minutes: float
    data: tuple[tuple[str, float], ...] = ()
    init: tuple[str, ...] = ()


@dataclass(frozen=True)
class School:
    """Pictures to learn from, those to be judged by, and the stages in order."""

    pictures: tuple[Pictures, ...]
    judged: Pictures
    terms: tuple[Term, ...]
    lessons: int  # that a stage is judged by

    def scaled(self, by: float) -> School:
        """The same with so many times the pictures and minutes."""
        return replace(
            self,
            pictures=tuple(replace(one, count=math.ceil(one.count * by)) for one in self.pictures),
            terms=tuple(replace(term, minutes=term.minutes * by) for term in self.terms),
        )


def _terms(
    vision: float, language: float, joint: float, instruct: float, polish: float, mend: float
) -> tuple[Term, ...]:
    """Vision first, and beside it the decoder's copying; then everything; then instructions; then own mistakes."""
    shown = (("miniwob", 0.35), ("hard", 0.1), ("forms", 0.11), ("larger", 0.08), ("mistakes", 0.12), ("slips", 0.18))
    return (
        Term("vision", vision, (("tiles", 1.0),)),
        Term("language", language),
        Term("joint", joint, (("tiles", 0.4), ("miniwob", 0.6)), ("vision", "language")),
        Term("instruct", instruct, (("tiles", 0.2), ("miniwob", 0.65), ("forms", 0.15)), ("joint",)),
        Term("polish", polish, (("tiles", 0.11), *shown), ("joint", "instruct")),
        Term("mend", mend, (("tiles", 0.05), *shown), ("polish",)),
    )


HARD = (
    "click-checkboxes",
    "click-checkboxes-large",
    "click-collapsible-2",
    "click-link",
    "click-option",
    "click-shape",
    "find-word",
    "read-table",
    "simple-arithmetic",
)
"""The tasks that are learnt last."""

SIZES = ((320, 240), (400, 304), (480, 352), (640, 480))
"""Of pages that are larger than those of MiniWoB++."""

FULL = School(
    (
        Pictures("tiles", "tiles", 30_000, 0),
        Pictures("miniwob", "miniwob", 26_000, 100_000),
        Pictures("hard", "miniwob", 5_000, 350_000, tasks=HARD),
        Pictures("forms", "forms", 6_000, 200_000),
        Pictures("larger", "forms", 5_000, 500_000, sizes=SIZES),
        Pictures("mistakes", "miniwob", 4_000, 300_000, by="instruct"),
        Pictures("slips", "forms", 8_000, 400_000, by="instruct"),
    ),
    Pictures("judged", "miniwob", 500, 999_000),
    _terms(7, 7, 44, 33, 34, 40),
    lessons=60,
)
"""Much as the shipped weights were made; two processes share the minutes of every stage."""

SMOKE = School(
    (
        Pictures("tiles", "tiles", 300, 0),
        Pictures("miniwob", "miniwob", 100, 100_000),
        Pictures("hard", "miniwob", 20, 350_000, tasks=HARD),
        Pictures("forms", "forms", 40, 200_000),
        Pictures("larger", "forms", 24, 500_000, sizes=SIZES),
        Pictures("mistakes", "miniwob", 40, 300_000, by="instruct"),
        Pictures("slips", "forms", 20, 400_000, by="instruct"),
    ),
    Pictures("judged", "miniwob", 40, 999_000),
    _terms(0.4, 0.4, 0.6, 0.4, 0.25, 0.2),
    lessons=6,
)
"""Every stage, as short as shows that it learns."""


@dataclass(frozen=True)
class Brought:
    """What a stage was measured by, before and behind it."""

    stage: str
    measure: str
    before: float
    after: float


def attend(school: School, out: Path, processes: int, *, tell: Callable[[str], None]) -> Iterator[Brought]:
    """Go through `school` in the folder `out`, a stage at a time, and export OUT/model; `tell` hears what is done."""
    for wanted in (*school.pictures, school.judged):
        if not wanted.by:
            _make(wanted, out, tell)
    brought: list[Brought] = []
    for term in school.terms:
        for wanted in school.pictures:
            if wanted.by and wanted.name in dict(term.data):
                _make(wanted, out, tell)
        tell(f"{term.stage}: {term.minutes:g} minutes")
        brought.append(_term(school, term, out, processes))
        (out / MADE).write_text(json.dumps([vars(one) for one in brought], indent=1) + "\n", encoding="utf-8")
        yield brought[-1]
    export(out / school.terms[-1].stage / STATE, out / "model")


def _make(wanted: Pictures, out: Path, tell: Callable[[str], None]) -> None:
    tell(f"pictures: {wanted.count} of {wanted.name}")
    make = maker(wanted.kind, out / wanted.by / STATE if wanted.by else None, wanted.tasks, wanted.sizes)
    fill(make, out / "data" / wanted.name, wanted.count, wanted.seed, tell)


def _term(school: School, term: Term, out: Path, processes: int) -> Brought:
    stage = STAGES[term.stage]
    plan = Plan(
        stage,
        tuple((out / "data" / name, weight) for name, weight in term.data),
        out / term.stage,
        tuple(out / name / STATE for name in term.init),
        term.minutes,
    )
    train_together(plan, processes, plan.out)
    before, after = examine(plan, ((out / "data" / school.judged.name, 1.0),), school.lessons)
    return Brought(term.stage, stage.measure, before, after)
