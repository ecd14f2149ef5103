"""Import: data in the forms of others, through the canonical actions, as run folders."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError

from actions import ActionError, Frame
from actions.code import read_code
from agent.exchange import osworld, pyautogui, talk, uitars
from agent.exchange.manifest import beside
from agent.exchange.outside import Missing, Shot, Wrong, contents, picture, rows, text
from agent.exchange.story import SHARED, Scene, Story, keep
from agent.exchange.style import Style
from agent.record import claim

Format = Literal["sft", "llamafactory", "osworld", "pyautogui", "uitars"]
FORMATS: tuple[Format, ...] = get_args(Format)
WORDS = ("DONE", "FAIL", "WAIT")

_DOC = re.compile(r"\A\s*('(?:[^'\\\n]|\\.)*+'|\"(?:[^\"\\\n]|\\.)*+\")[ \t]*$", re.MULTILINE)
_SIZE = re.compile(r"\n\nFor a screen of ([1-9][0-9]{0,4})x([1-9][0-9]{0,4}) pixels\.\Z")


@dataclass(frozen=True)
class Source:
    """How files are to be read: their form, their coordinates, and what they do not say themselves."""

    format: Format
    style: Style
    folder: Path | None = None
    """Where pictures lie; beside the file, where nobody says."""
    size: tuple[int, int] | None = None
    """Of screens that no picture tells of."""


def bring(paths: Sequence[Path], out: Path, source: Source) -> Iterator[Path | Wrong]:
    """Yield a run folder in `out` for each run that was read, and a word on whatever is none."""
    for path in paths:
        try:
            for found in read(path, source):
                if isinstance(found, Wrong):
                    yield found
                    continue
                folder = claim(out, found.name)
                keep(found, folder, source=source.format, dialect=source.style.dialect)
                yield folder
        except Wrong as why:
            yield why


def read(path: Path, source: Source) -> Iterator[Story | Wrong]:
    """The runs in a file, and a word on each part of it that is none. Raises `Wrong`."""
    match source.format:
        case "sft" | "llamafactory":
            yield from talk.read(path, source.folder or path.parent, source.style)
        case "osworld":
            yield _trajectory(path, source)
        case "pyautogui":
            yield _script(path, source)
        case "uitars":
            yield _text(path, source)


class Row(BaseModel):
    """A line of traj.jsonl; other fields are passed over."""

    model_config = ConfigDict(frozen=True)

    action: JsonValue
    screenshot_file: str = ""


class TaskFile(BaseModel):
    """What of task.json is read."""

    model_config = ConfigDict(frozen=True)

    instruction: str = ""


def _trajectory(path: Path, source: Source) -> Story:
    folder = source.folder or path.parent
    found: list[tuple[str, Row]] = []
    for place, row in rows(path, Row):
        if isinstance(row, Wrong):
            raise row
        found.append((place, row))
    if not found:
        raise Wrong(f"{path}: holds no step")
    screens = [_seen(path, folder, "step_0.png"), *(_seen(place, folder, row.screenshot_file) for place, row in found)]
    size = next(((screen.width, screen.height) for screen in screens if screen), source.size)
    if size is None:
        raise Wrong(f"{path}: none of its pictures is in {folder}; state the size of the screen (--size)")
    scenes: list[Scene] = []
    for (_, row), screen in zip(found, screens, strict=False):
        shown = (screen.width, screen.height) if screen else size
        scenes += _scenes(row.action, screen, Frame(*shown, *shown))
    return Story(str(path), path.resolve().parent.name, _instruction(path.parent), tuple(scenes), screens[-1])


def _seen(place: object, folder: Path, name: str) -> Shot | None:
    """A picture that the data names; None where it names none, or none is there."""
    try:
        return picture(folder, name) if name else None
    except Missing:
        return None
    except Wrong as why:
        raise Wrong(f"{place}: {why}") from why


def _scenes(action: JsonValue, screen: Shot | None, frame: Frame) -> list[Scene]:
    """What one action of OSWorld comes to: each of its calls is a step on the one screen that was kept."""
    if not isinstance(action, str):
        return [Scene(str(action)[:1000], frame, screen, error="the action is no text; expected code or a word")]
    try:
        if action.strip() in WORDS:
            return [Scene(action, frame, screen, pyautogui.DIALECT.parse(action, frame))]
        actions = list(pyautogui.read(action, frame))
    except ActionError as mistake:
        return [Scene(action, frame, screen, error=str(mistake))]
    if not actions:
        return [Scene(action, frame, screen, error="the code makes no call")]
    notes = ((), *((SHARED,) for _ in actions[1:]))
    return [Scene(action, frame, screen, each, notes=note) for each, note in zip(actions, notes, strict=False)]


def _instruction(folder: Path) -> str:
    try:
        return TaskFile.model_validate_json(contents(folder / osworld.TASK)).instruction
    except (Wrong, ValidationError):
        return ""


def _script(path: Path, source: Source) -> Story:
    code = text(path)
    try:
        told = _told(code)
        stated = _SIZE.search(told)
        size = source.size or ((int(stated[1]), int(stated[2])) if stated else None)
        if size is None:
            raise Wrong(f"{path}: a script does not say the size of its screen; state it (--size)")
        frame = Frame(*size, *size)
        actions = list(pyautogui.read(code, frame))
    except ActionError as mistake:
        raise Wrong(f"{path}: {mistake}") from mistake
    if not actions:
        raise Wrong(f"{path}: makes no call of pyautogui")
    scenes = [
        Scene("\n".join(pyautogui.spell(each, frame, n)), frame, action=each) for n, each in enumerate(actions, 1)
    ]
    return Story(str(path), path.stem, _SIZE.sub("", told), tuple(scenes))


def _told(code: str) -> str:
    """The text that a script begins with; empty where it begins with code."""
    found = _DOC.search(code)
    if found is None:
        return ""
    (said,) = read_code(f"print({found[1]})")[0].values
    return str(said)


def _text(path: Path, source: Source) -> Story:
    replies = list(uitars.read(text(path)))
    if not replies:
        raise Wrong(f"{path}: holds no line that begins with Action:")
    folder = source.folder or path.with_suffix("")
    names = sorted(each.name for each in folder.glob("*.png")) if folder.is_dir() else []
    if names and len(names) != len(replies):
        raise Wrong(f"{path}: has {len(replies)} actions, and {folder} holds {len(names)} pictures")
    if not names and source.size is None:
        raise Wrong(f"{path}: there are no pictures in {folder}; state the size of the screen (--size)")
    screens = [_seen(path, folder, name) for name in names] or [None] * len(replies)
    scenes = tuple(_reply(each, screen, source) for each, screen in zip(replies, screens, strict=True))
    manifest = beside(path)
    known = {run.run: run.instruction for run in manifest.runs} if manifest else {}
    return Story(str(path), path.stem, known.get(path.stem, ""), scenes)


def _reply(said: str, screen: Shot | None, source: Source) -> Scene:
    dialect = source.style.speech
    width, height = (screen.width, screen.height) if screen else source.size or (0, 0)
    try:
        frame = source.style.frame(width, height)
    except ValueError as error:
        raise Wrong(f"a screen of {width}x{height} pixels: {error}") from error
    try:
        return Scene(said, frame, screen, dialect.parse(said, frame))
    except ActionError as mistake:
        return Scene(said, frame, screen, error=str(mistake))


def styled(path: Path, given: Style, stated: frozenset[str]) -> Style:
    """How a file is to be read: as its manifest says, where it has one, but for what is `stated`."""
    manifest = beside(path)
    return (
        given
        if manifest is None
        else manifest.style.model_copy(update={name: value for name, value in given if name in stated})
    )
