"""The probe of a desktop: a window of ours that writes down what arrives, and where that is in a picture of the screen.

The window shows two marks. Where they are in the screenshot says where each of its pixels is seen, whatever the desktop
itself believes of its scale and origin.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import BaseModel

from actions import Action
from agent.aim import Place, line
from agent.probe import Acts
from env import EnvironmentBroken
from env.desktop.probe import INKS
from env.observation import Image

SHIFT = 1  # the bit of a state that says that shift is down
TWICE = 500  # milliseconds within which two clicks are one double click
WHEEL = {4: (0, -1), 5: (0, 1), 6: (-1, 0), 7: (1, 0)}
NOTCH = 120  # pixels of one notch of the wheel
NAMES = {2: "middle", 3: "contextmenu", 8: "back", 9: "forward"}


class Noted(BaseModel):
    """A line of the window's program: an event, or where a mark is."""

    kind: Literal["mark", "down", "up", "motion", "press", "release"]
    x: int
    y: int
    state: int
    time: int
    button: int = 0
    text: str = ""


class WindowProbe:
    """The probe window, open on a desktop that `env` acts on and that showed `screenshot` just now.

    EnvironmentBroken where its marks are not seen there.
    """

    def __init__(self, name: str, env: Acts, log: Path, screenshot: Image) -> None:
        self.name, self.space = name, env.space
        self.size = screenshot.shape[1], screenshot.shape[0]
        self._env, self._log, self._read = env, log, 0
        marks = [(one.x, one.y) for one in self._new() if one.kind == "mark"][-len(INKS) :]
        shown = [_seen(screenshot, ink) for ink in INKS]
        if len(marks) < len(INKS) or None in shown:
            raise EnvironmentBroken("unreachable", "the probe window is not seen whole: something lies over it")
        pairs = [(mark, place) for mark, place in zip(marks, shown, strict=True) if place is not None]
        self._axes = [line([(mark[axis], place[axis]) for mark, place in pairs]) for axis in (0, 1)]

    def arrivals(self, action: Action) -> tuple[list[tuple[str, Place]], str]:
        """What the window got of `action`."""
        self._new()
        self._env.step(action)
        got = self._new()
        found = [(kind, self._place(one)) for one in got for kind in _kinds(one)]
        downs = [one for one in got if one.kind == "down" and one.button == 1]
        found += [("dblclick", self._place(last)) for one, last in pairwise(downs) if last.time - one.time < TWICE]
        turns = [WHEEL[one.button] for one in got if one.kind == "down" and one.button in WHEEL]
        if turns:
            found.append(("wheel", (NOTCH * sum(dx for dx, _ in turns), NOTCH * sum(dy for _, dy in turns))))
        return found, "".join(one.text for one in got if one.kind == "press")

    def _new(self) -> Sequence[Noted]:
        """What was written down since this was last asked."""
        lines = self._log.read_text(encoding="utf-8").splitlines()
        fresh, self._read = lines[self._read :], len(lines)
        return [Noted.model_validate_json(one) for one in fresh]

    def _place(self, one: Noted) -> Place:
        """Where in the screenshot a pixel of the window is."""
        (wide, left), (high, top) = self._axes
        return wide * one.x + left, high * one.y + top


def _seen(screenshot: Image, ink: int) -> Place | None:
    """The middle of all that is drawn in `ink`; None where nothing is."""
    rows, columns = np.nonzero((screenshot == list(ink.to_bytes(3, "big"))).all(axis=2))
    return (float(columns.mean()), float(rows.mean())) if rows.size else None


def _kinds(one: Noted) -> Iterator[str]:
    """What a page would call an event."""
    if one.kind == "motion":
        yield "pointermove"
    elif one.kind == "press" and one.text == "\n":
        yield "key Enter"
    elif one.kind in ("down", "up") and one.button == 1:
        yield "pointerdown" if one.kind == "down" else "pointerup"
        if one.state & SHIFT and one.kind == "down":
            yield "shift"
    elif one.kind == "down" and one.button in NAMES:
        yield NAMES[one.button]
