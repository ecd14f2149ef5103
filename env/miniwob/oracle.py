"""What a right next action is on a MiniWoB++ page, read from the page itself."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from typing import Literal, TypedDict

from actions import Action, Click, Point, Scroll, Select, Type

TASKS = (
    "choose-list",
    "click-button",
    "click-button-sequence",
    "click-checkboxes",
    "click-checkboxes-large",
    "click-checkboxes-transfer",
    "click-collapsible",
    "click-collapsible-2",
    "click-color",
    "click-dialog",
    "click-dialog-2",
    "click-link",
    "click-menu-2",
    "click-option",
    "click-shape",
    "click-tab",
    "click-tab-2-easy",
    "click-test",
    "click-test-2",
    "click-test-transfer",
    "click-widget",
    "email-inbox-delete",
    "email-inbox-important",
    "enter-date",
    "enter-password",
    "enter-text",
    "enter-text-2",
    "enter-text-dynamic",
    "find-word",
    "focus-text",
    "focus-text-2",
    "form-sequence-2",
    "form-sequence-3",
    "grid-coordinate",
    "identify-shape",
    "login-user",
    "login-user-popup",
    "navigate-tree",
    "read-table",
    "simple-arithmetic",
)
"""The tasks for which the oracle knows the right actions."""

PARTS = ("measure.js", "oracle.js", "answers/clicks.js", "answers/fields.js", "answers/pages.js")
"""The files of the script, each of which needs those before it."""

WIDTH, HEIGHT = 160, 208
"""The part of the page that is seen, in pixels: the task without its last two (white) rows."""

VIEWPORT = (332, 214)
"""The window in CSS pixels: in a narrower one the dialogs of some tasks open out of sight."""

COUNTS = {"click": 1, "triple_click": 3}
"""How often the left button is pressed."""

TURN = 100
"""How many pixels a list is scrolled down at a time."""

Box = tuple[int, int, int, int]
ExpectedKind = Literal["click", "triple_click", "type", "select", "scroll"]


class ExpectedData(TypedDict):
    """An expected action as the page reports it."""

    kind: ExpectedKind
    text: str
    boxes: list[list[int]]


@dataclass(frozen=True)
class Expected:
    """A right next action.

    A click may go into any of `boxes` (pixels, half open, the visible parts only), the first of which is the usual
    choice. A text is typed into the field of the one box, which has the focus, or it is the option that is selected
    in the list there; what is scrolled is scrolled down by TURN.
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
    def action(self) -> Click | Type | Select | Scroll:
        """The action itself."""
        if self.kind == "type":
            return Type(text=self.text)
        at = Point(x=self.point[0], y=self.point[1])
        if self.kind == "select":
            return Select(at=at, label=self.text)
        if self.kind == "scroll":
            return Scroll(at=at, dy=TURN)
        return Click(at=at, count=COUNTS[self.kind])

    def accepts(self, action: Action) -> bool:
        """Whether `action` is as right: the same text, or as many left clicks inside any of the boxes."""
        match action:
            case Type():
                return self.kind == "type" and action.text == self.text
            case Select():
                return self.kind == "select" and action.label == self.text and self._holds(action.at)
            case Scroll():
                return self.kind == "scroll" and action.dy > 0 and self._holds(action.at)
            case Click(button="left", modifiers=()):
                return action.count == COUNTS.get(self.kind) and self._holds(action.at)
        return False

    def _holds(self, at: Point | None) -> bool:
        return at is not None and any(x0 <= at.x < x1 and y0 <= at.y < y1 for x0, y0, x1, y1 in self.boxes)


def script() -> str:
    """The JavaScript that gives a page its `measure` and `oracle` objects."""
    folder = files("env.miniwob")
    return "".join(folder.joinpath(name).read_text("utf-8") for name in PARTS)


def read_expected(data: ExpectedData | None) -> Expected | None:
    """The action that a page reported, or None where the episode is over or cannot be won any more."""
    if data is None:
        return None
    return Expected(data["kind"], tuple(box(values) for values in data["boxes"]), data["text"])


def box(values: list[int]) -> Box:
    """Four numbers of a page as a box."""
    x0, y0, x1, y1 = values
    return x0, y0, x1, y1
