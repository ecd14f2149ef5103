"""What the screens without a browser are made of, and how it is told from its neighbours."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Discriminator

from env.observation import Box, Evidence

LETTER, LINE = 8, 14  # pixels of a letter and a line, about: words have no box of their own
NEAREST = 6


@dataclass(frozen=True)
class Text:
    """Words that do nothing, their left top corner at `x`, `y`."""

    text: str
    x: int
    y: int
    kind: Literal["text"] = "text"


@dataclass(frozen=True)
class Button:
    """A click on it leads to the screen `to`; empty stays where it is."""

    label: str
    box: Box
    to: str = ""
    kind: Literal["button"] = "button"


@dataclass(frozen=True)
class Field:
    """A line of text to type into; two fields of one name share their text."""

    name: str
    box: Box
    kind: Literal["field"] = "field"


@dataclass(frozen=True)
class Check:
    """A box that a click ticks or clears, its label beside it."""

    label: str
    box: Box
    kind: Literal["check"] = "check"


Widget = Annotated[Text | Button | Field | Check, Discriminator("kind")]


@dataclass(frozen=True)
class Screen:
    """Widgets in page pixels; a `height` beyond that of the window can be scrolled."""

    name: str
    widgets: tuple[Widget, ...]
    height: int = 0


def describe(part: Widget | None) -> str:
    """'button "OK"' and the like; empty for nothing."""
    match part:
        case Button():
            return f'button "{part.label}"'
        case Check():
            return f'checkbox "{part.label}"'
        case Field():
            return f'text field "{part.name}"'
        case Text():
            return f'text "{part.text}"'
        case None:
            return ""


def evidence(screen: Screen, part: Widget | None, scroll: int) -> Evidence:
    """What tells `part` from the others of `screen`, its box in a window that is scrolled so far."""
    if part is None:
        return Evidence()
    role, name = _called(part)
    left, top, right, bottom = outline(part)
    others = [each for each in screen.widgets if each is not part]
    others.sort(key=lambda each: math.dist(_middle(each), _middle(part)))
    near = tuple(_called(each)[1] for each in others[:NEAREST])
    text = name if isinstance(part, Button | Text) else ""
    return Evidence(role, name, text, box=(left, top - scroll, right, bottom - scroll), near=near)


def outline(part: Widget) -> Box:
    """Its box on the whole screen."""
    if isinstance(part, Text):
        return part.x, part.y, part.x + LETTER * len(part.text), part.y + LINE
    return part.box


def _called(part: Widget) -> tuple[str, str]:
    match part:
        case Button():
            return "button", part.label
        case Check():
            return "checkbox", part.label
        case Field():
            return "textbox", part.name
        case Text():
            return "text", part.text


def _middle(part: Widget) -> tuple[float, float]:
    left, top, right, bottom = outline(part)
    return (left + right) / 2, (top + bottom) / 2
