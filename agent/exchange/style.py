"""How a model that is to learn from a run is spoken to, and how it looks at pictures."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from actions import DIALECTS, Dialect, Frame, smart_resize
from agent.schema import Entry
from agent.settings import Settings

Pictures = Literal["resized", "captured"]
"""Whether pictures go out at the size at which the model sees them, or as they were taken."""


class Style(Entry):
    """The dialect of the answers, what a prompt shows, and the budget that coordinates count in.

    Pictures are resized to multiples of `factor` within the budget, as Qwen2-VL does it (`actions.smart_resize`);
    trainers have to be given the same budget, see docs/data.md.
    """

    dialect: str = "qwen2.5"
    history: str = Field(default="newest", pattern=r"^(newest|all|last:[1-9]\d{0,3}|chunk:[1-9]\d{0,3})$")
    system: bool = Field(default=True, description="whether a prompt tells the actions")
    factor: int = Field(default=28, ge=1)
    min_pixels: int = Field(default=3136, ge=1)
    max_pixels: int = Field(default=12_845_056, ge=1)
    thoughts: bool = Field(default=False, description="whether an answer has what was written before the call")
    pictures: Pictures = "resized"

    @property
    def speech(self) -> Dialect:
        """The dialect itself; ValueError where there is none of this name."""
        if self.dialect not in DIALECTS:
            raise ValueError(f"dialect: {self.dialect!r} is none of {', '.join(sorted(DIALECTS))}")
        return DIALECTS[self.dialect]

    @property
    def settings(self) -> Settings:
        """The same as policies take it."""
        return Settings(dialect=self.dialect, system=self.system, history=self.history, grammar=False)

    def size(self, width: int, height: int) -> tuple[int, int]:
        """Width and height at which a picture is seen. ValueError for one that no model of this kind can see."""
        rows, columns = smart_resize(
            height, width, factor=self.factor, min_pixels=self.min_pixels, max_pixels=self.max_pixels
        )
        return columns, rows

    def frame(self, width: int, height: int) -> Frame:
        """The frame in which coordinates on a picture of this size are meant. ValueError as `size`."""
        return self.speech.frame(width, height, *self.size(width, height))

    def kept(self, width: int, height: int) -> tuple[int, int]:
        """Width and height at which a picture goes out.

        A dialect that counts pixels of the screenshot is shown the screenshot, so that one is never resized.
        """
        if self.pictures == "captured" or self.speech.convention == "screen":
            return width, height
        return self.size(width, height)
