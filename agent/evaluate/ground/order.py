"""What a model was to point at, and what its answers come to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from pydantic import Field

from agent.evaluate.estimate import estimate
from agent.evaluate.ground.data import Form
from agent.evaluate.ground.mark import Answer, Pointed
from agent.evaluate.order import LeftOut, Order
from agent.evaluate.score import cost, last, mean, spent
from agent.evaluate.sheet import Sheet, parted, tabled


class Pointing(Order[Pointed]):
    """The items of files, and the form that their boxes were read in."""

    kind: Literal["ground"] = "ground"
    files: dict[str, str]
    """SHA-256 of each file by its name."""
    boxes: Form
    said_by: Literal["fields", "user"]
    """Who says that boxes are of this form."""
    wording: str
    """How things were asked for; among the options too, since two wordings can be compared and not mixed."""
    items: int = Field(ge=0)
    left_out: tuple[LeftOut, ...] = ()

    @property
    def subject(self) -> Mapping[str, str]:
        """The data, and the form of its boxes."""
        files = ", ".join(f"{name} {digest[:12]}" for name, digest in sorted(self.files.items()))
        return {"data": files, "boxes": self.boxes}

    def read(self, line: bytes) -> Pointed:
        """The mark of a line."""
        return Pointed.model_validate_json(line)

    def final(self, marks: Iterable[Pointed]) -> tuple[Pointed, ...]:
        """The last mark of each item, files in their order."""
        return last(marks, list(self.files))

    def summary(self, marks: Sequence[Pointed]) -> Mapping[str, object]:
        """The scores as `handeye eval ground --json` prints them."""
        score = estimate(marks) if marks else None
        return {
            "suite": self.suite,
            "items": len(marks),
            "accuracy": round(score.mean, 4) if score else None,
            "confidence": score.confidence if score else None,
            "groups": {row.name: _told(row.name, marks) for row in tabled(marks, _cells, "")[:-1]} if marks else {},
            "model": self.model.name,
            "boxes": self.boxes,
            "boxes_said_by": self.said_by,
            "pictures": len({mark.picture for mark in marks}),
            "missed": _count(marks, "miss"),
            "no_answer": _count(marks, "nowhere"),
            "invalid": _count(marks, "invalid"),
            "left_out": [each.model_dump() for each in self.left_out],
            **spent(marks),
        }

    def sheet(self, marks: Sequence[Pointed]) -> Sheet:
        """The same for people."""
        said = "their fields" if self.said_by == "fields" else "the user"
        return Sheet(
            suite=self.suite,
            model=self.model.name,
            measure="clicks inside the box",
            over=f"{len(marks)} items on {len({mark.picture for mark in marks})} pictures",
            facts=(
                f"{_count(marks, 'miss')} beside the box, {_count(marks, 'nowhere')} without a place, "
                f"{_count(marks, 'invalid')} invalid, {len(self.left_out)} items left out · {cost(marks)}",
                f"Boxes are {self.boxes}, as {said} said. Asked for as: {self.wording}",
                *self.facts,
            ),
            heads=("items", "no answer", "invalid", "s an item", "tokens", "broken"),
            rows=tabled(marks, _cells, "all items"),
            entry_heads=("item", "answer", "at", "box", "seconds", "asked for"),
            parts=parted(marks, _entry),
            left_out=tuple(map(str, self.left_out)),
        )


def _count(marks: Iterable[Pointed], answer: Answer) -> int:
    return sum(mark.answer == answer for mark in marks)


def _told(group: str, marks: Sequence[Pointed]) -> Mapping[str, object]:
    members = [mark for mark in marks if group in mark.groups]
    score = estimate(members)
    return {
        "accuracy": round(score.mean, 4),
        "confidence": score.confidence,
        "items": len(members),
        "no_answer": _count(members, "nowhere"),
        "invalid": _count(members, "invalid"),
        "broken": _count(members, "broken"),
        "seconds": round(mean([mark.seconds for mark in members]), 3),
    }


def _cells(group: Sequence[Pointed]) -> tuple[str, ...]:
    return (
        str(len(group)),
        str(_count(group, "nowhere")),
        str(_count(group, "invalid")),
        f"{mean([mark.seconds for mark in group]):.3f}",
        f"{mean([mark.prompt_tokens + mark.completion_tokens for mark in group]):.1f}",
        str(_count(group, "broken")),
    )


def _entry(mark: Pointed) -> tuple[str, ...]:
    place = "–" if mark.at is None else "{:g}, {:g}".format(*mark.at)
    return (
        f"{mark.file} {mark.item}",
        mark.answer,
        place,
        "{:g}, {:g}, {:g}, {:g}".format(*mark.box),
        f"{mark.seconds:.2f}",
        f"{mark.instruction} · {mark.detail}" if mark.detail else mark.instruction,
    )
