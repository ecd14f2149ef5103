"""What a right next action is on a MiniWoB++ page, read from the page itself."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from typing import Literal, TypedDict

from actions import Action, Click, Point, Type

TASKS = (
    "click-button",
    "click-button-sequence",
    "click-checkboxes",
    "click-collapsible",
    "click-dialog",
    "click-dialog-2",
    "click-link",
    "click-option",
    "click-shape",
    "click-tab",
    "click-test",
    "click-test-2",
    "click-widget",
    "enter-password",
    "enter-text",
    "enter-text-dynamic",
    "focus-text",
    "focus-text-2",
    "login-user",
    "simple-arithmetic",
)
"""The tasks for which the oracle knows the right actions."""

WIDTH, HEIGHT = 160, 208
"""The part of the page that is seen, in pixels: the task without its last two (white) rows."""

VIEWPORT = (332, 214)
"""The window in CSS pixels: in a narrower one the dialogs of some tasks open out of sight."""

Box = tuple[int, int, int, int]
ExpectedKind = Literal["click", "triple_click", "type"]


class ExpectedData(TypedDict):
    """An expected action as the page reports it."""

    kind: ExpectedKind
    text: str
    boxes: list[list[int]]


@dataclass(frozen=True)
class Expected:
    """A right next action.

    A click may go into any of `boxes` (pixels, half open, the visible parts only), the first of which is the usual
    choice; a text is typed into the field of the one box, which has the focus.
    """

    kind: ExpectedKind
    boxes: tuple[Box, ...]
    text: str = ""

    @property
    def point(self) -> tuple[int, int]:
        """The middle of the first box."""
        x0, y0, x1, y1 = self.boxes[0]
        return (x0 + x1) // 2, (y0 + y1) // 2

    @property
    def action(self) -> Click | Type:
        """The action itself."""
        if self.kind == "type":
            return Type(text=self.text)
        x, y = self.point
        return Click(at=Point(x=x, y=y), count=3 if self.kind == "triple_click" else 1)

    def accepts(self, action: Action) -> bool:
        """Whether `action` is as right: the same text, or as many left clicks inside any of the boxes."""
        if isinstance(action, Type):
            return self.kind == "type" and action.text == self.text
        if self.kind == "type" or not isinstance(action, Click) or action.at is None:
            return False
        x, y = action.at.x, action.at.y
        inside = any(x0 <= x < x1 and y0 <= y < y1 for x0, y0, x1, y1 in self.boxes)
        return (
            inside
            and action.button == "left"
            and not action.modifiers
            and action.count == (3 if self.kind == "triple_click" else 1)
        )


def script() -> str:
    """The JavaScript that gives a page its `measure` and `oracle` objects."""
    folder = files("env.miniwob")
    return folder.joinpath("measure.js").read_text("utf-8") + folder.joinpath("oracle.js").read_text("utf-8")


def read_expected(data: ExpectedData | None) -> Expected | None:
    """The action that a page reported, or None where the episode is over or cannot be won any more."""
    if data is None:
        return None
    return Expected(data["kind"], tuple(box(values) for values in data["boxes"]), data["text"])


def box(values: list[int]) -> Box:
    """Four numbers of a page as a box."""
    x0, y0, x1, y1 = values
    return x0, y0, x1, y1
