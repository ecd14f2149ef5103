"""Which recorded steps a model was shown, and what its actions come to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from pydantic import Field

from agent.describe import describe
from agent.evaluate.estimate import Estimate, estimate
from agent.evaluate.order import LeftOut, Order
from agent.evaluate.score import cost, last, mean, spent
from agent.evaluate.sheet import Sheet, parted, percent, tabled
from agent.evaluate.steps.mark import FIRST, Matched
from agent.evaluate.steps.match import Text


class Matching(Order[Matched]):
    """The steps of runs, and the rules of their comparison."""

    kind: Literal["steps"] = "steps"
    runs: dict[str, str]
    """SHA-256 of the record of each run by its name."""
    tolerance: float
    text: Text
    told: Literal["goal", "step"]
    """Whose instruction the model is told: that of the whole run, or of the step."""
    left_out: tuple[LeftOut, ...] = Field(default=())

    @property
    def subject(self) -> Mapping[str, str]:
        """The runs and the rules."""
        runs = {f"run {name}": digest for name, digest in self.runs.items()}
        return {"tolerance": f"{self.tolerance:g}", "text": self.text, "instructions": self.told, **runs}

    def read(self, line: bytes) -> Matched:
        """The mark of a line."""
        return Matched.model_validate_json(line)

    def final(self, marks: Iterable[Matched]) -> tuple[Matched, ...]:
        """The last mark of each step, runs in their order."""
        return last(marks, list(self.runs))

    def summary(self, marks: Sequence[Matched]) -> Mapping[str, object]:
        """The scores as `handeye eval steps --json` prints them."""
        first = [mark for mark in marks if mark.first]
        rows = tabled(marks, _cells, "")[:-1] if marks else ()
        groups = {row.name: [mark for mark in marks if row.name in mark.groups] for row in rows}
        return {
            "suite": self.suite,
            "steps": len(marks),
            "runs": len({mark.run for mark in marks}),
            **_share("step_correct", estimate(marks) if marks else None),
            **_share("kind_correct", estimate(marks, _kind) if marks else None),
            **_share("first_step_correct", estimate(first) if first else None),
            "place_correct": _placed(marks),
            "unreadable": _unreadable(marks),
            "kinds": {name: _told(group) for name, group in groups.items() if name != FIRST},
            "model": self.model.name,
            "tolerance": self.tolerance,
            "text": self.text,
            "instructions": self.told,
            "left_out": [each.model_dump() for each in self.left_out],
            **spent(marks),
        }

    def sheet(self, marks: Sequence[Matched]) -> Sheet:
        """The same for people."""
        kind = estimate(marks, _kind)
        return Sheet(
            suite=self.suite,
            model=self.model.name,
            measure="steps right",
            over=f"{len(marks)} steps of {len({mark.run for mark in marks})} runs",
            facts=(
                f"Kind right: {100 * kind.mean:.1f} % ({100 * kind.low:.1f} to {100 * kind.high:.1f}) · "
                f"{_unreadable(marks)} unreadable, {len(self.left_out)} left out · {cost(marks)}",
                f"Without a box: within {self.tolerance:g} of the screen. Texts: {self.text}. "
                f"Told the instruction of the {self.told}.",
                *self.facts,
            ),
            heads=("steps", "kind", "place", "unreadable", "s a step", "tokens", "broken"),
            rows=tabled(marks, _cells, "all steps"),
            entry_heads=("step", "came to", "recorded", "given", "seconds", "detail"),
            parts=parted(marks, _entry),
            left_out=tuple(map(str, self.left_out)),
        )


def _kind(mark: Matched) -> float:
    return float(mark.kind_correct)


def _share(name: str, found: Estimate | None) -> dict[str, object]:
    confidence = "confidence" if name == "step_correct" else f"{name}_confidence"
    return {name: round(found.mean, 4) if found else None, confidence: found.confidence if found else None}


def _placed(marks: Sequence[Matched]) -> float | None:
    """How often the place was right, of those whose kind was, and that have one."""
    known = [mark.place_correct for mark in marks if mark.place_correct is not None]
    return round(mean(known), 4) if known else None


def _unreadable(marks: Sequence[Matched]) -> int:
    return sum(mark.ended == "unreadable" for mark in marks)


def _told(group: Sequence[Matched]) -> Mapping[str, object]:
    score = estimate(group)
    return {
        "step_correct": round(score.mean, 4),
        "confidence": score.confidence,
        "kind_correct": round(mean([mark.kind_correct for mark in group]), 4),
        "place_correct": _placed(group),
        "steps": len(group),
        "unreadable": _unreadable(group),
        "broken": sum(mark.broken for mark in group),
        "seconds": round(mean([mark.seconds for mark in group]), 3),
    }


def _cells(group: Sequence[Matched]) -> tuple[str, ...]:
    return (
        str(len(group)),
        percent(mean([mark.kind_correct for mark in group])),
        percent(_placed(group)),
        str(_unreadable(group)),
        f"{mean([mark.seconds for mark in group]):.3f}",
        f"{mean([mark.prompt_tokens + mark.completion_tokens for mark in group]):.1f}",
        str(sum(mark.broken for mark in group)),
    )


def _entry(mark: Matched) -> tuple[str, ...]:
    return (
        f"{mark.run} {mark.step}",
        mark.ended,
        describe(mark.recorded),
        describe(mark.given) if mark.given else "–",
        f"{mark.seconds:.2f}",
        mark.detail,
    )
