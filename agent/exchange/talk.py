"""ChatML in JSON lines as qwen-vl-finetune and LLaMA-Factory read it, as runs again; see `agent.exchange.chatml`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from actions import ActionError, Frame
from agent.exchange.outside import Wrong, picture, rows
from agent.exchange.sample import IMAGE
from agent.exchange.story import Scene, Story
from agent.exchange.style import Style

ASKED, DONE = "Instruction: ", "\nPrevious actions:"
"""What our own prompts put around the instruction."""

ROLES = {"human": "user", "gpt": "assistant"}


class Value(BaseModel):
    """A turn as qwen-vl-finetune has it."""

    model_config = ConfigDict(frozen=True)

    role: str = Field(alias="from")
    text: str = Field(alias="value")


class Content(BaseModel):
    """A turn as LLaMA-Factory has it."""

    model_config = ConfigDict(frozen=True)

    role: str
    text: str = Field(alias="content")


class Row(BaseModel):
    """A sample in either form; other fields are passed over. `run` and `step` are ours."""

    model_config = ConfigDict(frozen=True)

    conversations: tuple[Value, ...] = ()
    messages: tuple[Content, ...] = ()
    image: str | tuple[str, ...] = ()
    images: tuple[str, ...] = ()
    run: str | None = None
    step: int | None = None
    coordinates: tuple[int, int] | None = Field(default=None, description="the width and height that they count to")

    @property
    def pictures(self) -> tuple[str, ...]:
        """The names of its pictures, in order."""
        return ((self.image,) if isinstance(self.image, str) else self.image) + self.images


@dataclass(frozen=True)
class Pair:
    """What was asked, the name of the newest picture then, and what was answered."""

    asked: str
    picture: str
    answer: str


def read(path: Path, folder: Path, style: Style) -> Iterator[Story | Wrong]:
    """The runs in a file, and a word on each line that is none. Raises `Wrong` where nothing of it can be read.

    Lines of one `run` that follow each other are one run, a step each; any other line is a run of its own.
    """
    begun: Story | None = None
    for place, row in rows(path, Row):
        if isinstance(row, Wrong):
            yield row
            continue
        try:
            story = _story(place, row, folder, style)
        except Wrong as why:
            yield why if str(why).startswith(place) else Wrong(f"{place}: {why}")
            continue
        if begun and row.run is not None and row.run == begun.name:
            begun = Story(begun.place, begun.name, begun.instruction, (*begun.scenes, *story.scenes))
            continue
        if begun:
            yield begun
        begun = story
    if begun:
        yield begun


def _story(place: str, row: Row, folder: Path, style: Style) -> Story:
    pairs = list(_pairs(row))
    if not pairs:
        raise Wrong("no picture is followed by an answer")
    kept = pairs if row.step is None else pairs[-1:]
    scenes = tuple(_scene(pair, folder, style, row.coordinates) for pair in kept)
    stem, _, line = place.rpartition("/")[2].rpartition(":")
    return Story(place, row.run or f"{stem or line}-{line}", _instruction(pairs[0].asked), scenes)


def _instruction(asked: str) -> str:
    start = 0 if asked.startswith(ASKED) else asked.find(f"\n{ASKED}") + 1
    end = asked.find(DONE, start)
    if end < 0 or not asked.startswith(ASKED, start):
        return asked.replace(IMAGE, "").strip()
    return asked[start + len(ASKED) : end]


def _pairs(row: Row) -> Iterator[Pair]:
    turns: Sequence[Value | Content] = row.conversations or row.messages
    pictures, used, asked = row.pictures, 0, ""
    for turn in turns:
        role = ROLES.get(turn.role, turn.role)
        if role == "user":
            asked, used = turn.text, used + turn.text.count(IMAGE)
            if used > len(pictures):
                raise Wrong(f"{used} or more {IMAGE} stand in it, and it has {len(pictures)} pictures")
        elif role == "assistant" and used:
            yield Pair(asked, pictures[used - 1], turn.text)
    if used < len(pictures):
        raise Wrong(f"it has {len(pictures)} pictures, and only {used} {IMAGE} stand in it")


def _scene(pair: Pair, folder: Path, style: Style, edges: tuple[int, int] | None) -> Scene:
    screen = picture(folder, pair.picture)
    size = screen.width, screen.height
    try:
        frame = Frame(*size, *edges) if edges else style.frame(*size)
    except ValueError as error:
        raise Wrong(str(error)) from error
    try:
        return Scene(pair.answer, frame, screen, style.speech.parse(pair.answer, frame))
    except ActionError as mistake:
        return Scene(pair.answer, frame, screen, error=str(mistake))
