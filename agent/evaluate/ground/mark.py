"""How a model pointed at one thing, as it is kept."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from agent.evaluate.judged import Judged, Key

Answer = Literal["hit", "miss", "nowhere", "invalid", "broken"]
"""Inside the box, beside it, at no place at all, in words that nobody can read, or never asked to the end."""

OTHER = "other"
"""Stands for what the data does not tell."""


class Pointed(Judged):
    """One item: what was asked for, where it is, and where the model says that it is."""

    file: str
    item: int = Field(ge=1)
    picture: str
    instruction: str
    platform: str = ""
    type: str = ""
    box: tuple[float, float, float, float]
    """x1, y1, x2, y2 in pixels of the picture."""
    answer: Answer
    at: tuple[float, float] | None = None
    """The place that counted; None where there is none."""

    @property
    def key(self) -> Key:
        """Its file and its number in there."""
        return self.file, self.item

    @property
    def label(self) -> dict[str, str | int]:
        """The same by names."""
        return {"file": self.file, "item": self.item}

    @property
    def groups(self) -> tuple[str, ...]:
        """Platform and type together, and each by itself."""
        platform, type_ = self.platform or OTHER, self.type or OTHER
        return f"{platform}, {type_}", f"{platform}, all", f"all, {type_}"

    @property
    def stratum(self) -> str:
        """All items weigh the same, as they do in what is published."""
        return ""

    @property
    def unit(self) -> Key:
        """Its picture: what is asked of one screen depends on each other."""
        return self.picture, 0

    @property
    def ended(self) -> str:
        """What came of it."""
        return self.answer
