"""AndroidControl's episodes as recorded steps: one JSON object a line, with the fields of its records.

`screenshots` are names of picture files in place of the pictures themselves, and `boxes`, which the records keep in
their accessibility trees, may tell for each action the boxes of what was meant.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, Json

from actions import Action, ActionSpace, Back, Click, Frame, Navigate, Point, Scroll, Type, Wait, points
from actions.tongue import HOME
from agent.canonical import Canonical
from agent.evaluate.order import LeftOut
from agent.evaluate.steps.match import Box, Truth
from agent.evaluate.steps.moment import Ask, Moment
from agent.exchange.outside import Shot, Wrong, inside, rows
from agent.step import Reply, Step
from env import Image, Observation

SPACE = ActionSpace(
    frozenset({"click", "drag", "scroll", "type", "key", "wait", "navigate", "back", "answer", "finish"})
)
"""What a phone can be told."""

HOLD, PAUSE = 1.0, 1.0
"""Seconds of a long press and of a wait, of which the data tells none."""

Told = Literal["goal", "step"]
_Number = Annotated[float, Field(allow_inf_nan=False)]


class Deed(BaseModel):
    """What was done, in the words of the data set; fields that an action does not have are passed over."""

    model_config = ConfigDict(frozen=True)

    action_type: str
    x: int | None = None
    y: int | None = None
    text: str | None = None
    direction: Literal["up", "down", "left", "right"] | None = None
    app_name: str | None = None


class Row(BaseModel):
    """An episode."""

    model_config = ConfigDict(frozen=True)

    episode_id: int | str
    goal: str
    screenshots: tuple[str, ...] = Field(min_length=1)
    actions: tuple[Deed | Json[Deed], ...] = Field(min_length=1)
    step_instructions: tuple[str, ...] = ()
    boxes: tuple[tuple[tuple[_Number, _Number, _Number, _Number], ...], ...] = ()


class Episode:
    """One line of such a file."""

    def __init__(self, name: str, row: Row, shots: Sequence[Shot], told: Told) -> None:
        self.name, self.row, self.shots, self.told = name, row, tuple(shots), told

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the line, and of whose instructions are told."""
        return hashlib.sha256(f"{self.told} {self.row.model_dump_json()}".encode()).hexdigest()

    @cached_property
    def deeds(self) -> tuple[Action | str, ...]:
        """Each action, or why there is none like it here."""
        return tuple(_deed(deed, shot) for deed, shot in zip(self.row.actions, self.shots, strict=False))

    @cached_property
    def asks(self) -> Sequence[Ask]:
        """The steps whose action there is here."""
        return [
            Ask(self.name, number, self._instruction(number), deed, number == 1)
            for number, deed in enumerate(self.deeds, start=1)
            if not isinstance(deed, str)
        ]

    @cached_property
    def left(self) -> Sequence[LeftOut]:
        """The others."""
        found = [(number, deed) for number, deed in enumerate(self.deeds, start=1) if isinstance(deed, str)]
        return [LeftOut(place=f"{self.name}, step {number}", why=why) for number, why in found]

    def moments(self) -> Mapping[int, Moment]:
        """What belongs to each step; actions that there are none of here are in no past either."""
        pictures: dict[Path, Image] = {}
        seen = [Observation(pictures.setdefault(shot.path, _pixels(shot))) for shot in self.shots]
        past: list[Step] = []
        found = {}
        for ask in self.asks:
            now, shot = seen[ask.step - 1], self.shots[ask.step - 1]
            truth = Truth(ask.recorded, shot.width, shot.height, self._boxes(ask), touch=True)
            found[ask.step] = Moment(tuple(past), now, truth, SPACE)
            frame = Frame(shot.width, shot.height, shot.width, shot.height)
            said = Reply(Canonical().print(ask.recorded, frame))
            after = seen[ask.step] if ask.step < len(seen) else now
            past.append(Step(len(past) + 1, now, said, frame, ask.recorded, after=after))
        return found

    def _instruction(self, number: int) -> str:
        return self.row.goal if self.told == "goal" else self.row.step_instructions[number - 1]

    def _boxes(self, ask: Ask) -> tuple[tuple[Box, ...], ...]:
        known = self.row.boxes[ask.step - 1] if self.row.boxes else ()
        return (known,) * len(points(ask.recorded))


def episodes(path: Path, *, told: Told = "goal", pictures: Path | None = None) -> Iterator[Episode | LeftOut]:
    """The episodes in a file. Raises `Wrong` where it cannot be read."""
    folder = pictures or path.parent
    known: set[str] = set()
    for place, row in rows(path, Row):
        if isinstance(row, Wrong):
            yield LeftOut(place=place, why=str(row).removeprefix(f"{place}: "))
            continue
        name = f"{path.stem} {row.episode_id}"
        why = f"there is an episode {row.episode_id} before it" if name in known else _unfit(row, told)
        known.add(name)
        try:
            shots = [] if why else [_shot(folder, shot) for shot in row.screenshots]
        except Wrong as wrong:
            why = str(wrong)
        yield LeftOut(place=place, why=why) if why else Episode(name, row, shots, told)


def _shot(folder: Path, name: str) -> Shot:
    from model.image import ImageError, image_size

    path = inside(folder, name)
    try:
        return Shot(path, *image_size(path))
    except ImageError as error:
        raise Wrong(str(error)) from error


def _pixels(shot: Shot) -> Image:
    from model import ImageError

    try:
        return shot.image()
    except ImageError as error:
        raise Wrong(str(error)) from error


def _unfit(row: Row, told: Told) -> str:
    """Why an episode does not hang together; empty where it does."""
    count = len(row.actions)
    if len(row.screenshots) not in (count, count + 1):
        return f"screenshots: {len(row.screenshots)} for {count} actions; expected {count + 1}, or {count}"
    if told == "step" and len(row.step_instructions) != count:
        return f"step_instructions: {len(row.step_instructions)} for {count} actions; expected as many"
    if row.boxes and len(row.boxes) != count:
        return f"boxes: {len(row.boxes)} for {count} actions; expected a list for each"
    return ""


def _deed(deed: Deed, shot: Shot) -> Action | str:
    at = Point(x=deed.x, y=deed.y) if deed.x is not None and deed.y is not None else None
    if at and not (0 <= at.x < shot.width and 0 <= at.y < shot.height):
        return f"({at.x}, {at.y}) lies outside the screen of {shot.width}x{shot.height} pixels"
    match deed.action_type:
        case "click" | "long_press" if at is None:
            return f"{deed.action_type} without x and y"
        case "click":
            return Click(at=at)
        case "long_press":
            return Click(at=at, hold=HOLD)
        case "input_text" if deed.text is not None:
            return Type(text=deed.text)
        case "type" if deed.text is not None:
            return Type(text=f"{deed.text}\n", at=at)
        case "scroll" if deed.direction is not None:
            away = {"up": (0, -1), "down": (0, 1), "left": (-1, 0), "right": (1, 0)}[deed.direction]
            return Scroll(dx=away[0] * shot.width // 2, dy=away[1] * shot.height // 2)
        case "navigate_back":
            return Back()
        case "navigate_home":
            return Navigate(url=HOME)
        case "wait":
            return Wait(seconds=PAUSE)
        case "open_app":
            return "open_app: there are no apps to open here"
    return f"action_type {deed.action_type[:60]!r}, with the fields it has, is no action here"
