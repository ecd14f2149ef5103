"""Grounding sets as they are published: ScreenSpot, ScreenSpot-v2 and ScreenSpot-Pro.

The first two write boxes as x, y, width and height, the third as two corners; nothing in a box says which. The fields
beside it do: only ScreenSpot-Pro has `img_size` and `ui_type`, only the other two `data_type` and `data_source`. Where
they do not, or where the boxes contradict them, nobody guesses: whoever asks has to say it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from agent.evaluate.judged import Key
from agent.evaluate.order import LeftOut
from agent.exchange.outside import Wrong, contents, inside, rows
from agent.speaker import QuestionError, Speaker

Form = Literal["xywh", "xyxy"]
"""How a box is written: its corner, its width and its height, or its corner and the one across from it."""

Box = tuple[float, float, float, float]
"""x1, y1, x2, y2 in pixels of the picture."""

ENDS = (".json", ".jsonl")
FOLDERS = ("", "annotations")
"""Where in a folder its files lie."""

PICTURES = ("images", "screenspot_imgs", "screenspotv2_image", "")
"""Where pictures lie, in the folder of a file or in the one above it."""

PLATFORMS: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys(("ios", "android"), "mobile"),
        **dict.fromkeys(("macos", "windows"), "desktop"),
        **dict.fromkeys(("shop", "forum", "gitlab", "tool"), "web"),
    }
)
"""What the tables of ScreenSpot call its sources; others keep their own names."""

_Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
_Side = Annotated[int, Field(strict=True, ge=1)]


class DataError(ValueError):
    """Data that cannot be evaluated on, and what would be right."""


class Row(BaseModel):
    """One item as it is published; other fields are passed over."""

    model_config = ConfigDict(frozen=True)

    img_filename: str = Field(min_length=1)
    bbox: tuple[_Number, _Number, _Number, _Number]
    instruction: str = Field(min_length=1)
    data_type: str | None = None
    data_source: str | None = None
    img_size: tuple[_Side, _Side] | None = None
    ui_type: str | None = None
    platform: str | None = None
    group: str | None = None

    @property
    def form(self) -> Form | None:
        """The form of its box, as its fields tell; None where they do not."""
        pro = self.img_size is not None and self.ui_type is not None
        plain = self.data_type is not None and self.data_source is not None
        if pro == plain:
            return None
        return "xyxy" if pro else "xywh"

    def box(self, form: Form) -> Box:
        """Its corners."""
        x, y, third, fourth = self.bbox
        return (x, y, third, fourth) if form == "xyxy" else (x, y, x + third, y + fourth)

    @property
    def where(self) -> str:
        """The platform or the group of programs that it counts in."""
        if self.group or self.platform:
            return self.group or self.platform or ""
        source = (self.data_source or "").lower()
        return PLATFORMS.get(source, source)


@dataclass(frozen=True)
class Item:
    """One thing to point at."""

    file: str
    number: int
    """From 1, within its file."""
    path: Path
    size: tuple[int, int]
    row: Row
    box: Box

    @property
    def key(self) -> Key:
        """What tells it from the others."""
        return self.file, self.number


@dataclass(frozen=True)
class Read:
    """A row, where it stands, and its picture."""

    file: str
    number: int
    place: str
    row: Row
    path: Path
    size: tuple[int, int]


@dataclass(frozen=True)
class Data:
    """All that was read."""

    files: Mapping[str, str]
    """SHA-256 of each file by its name, in their order."""
    form: Form
    said_by: Literal["fields", "user"]
    items: tuple[Item, ...]
    left: tuple[LeftOut, ...]


def read(path: Path, *, form: Form | None = None, pictures: Path | None = None) -> Data:
    """The items of a file, or of all files in a folder; `form` is what the user says of their boxes.

    What cannot be used is named. Raises `DataError` where nothing can be read, and where nobody says what boxes are.
    """
    found: list[Read] = []
    left: list[LeftOut] = []
    digests: dict[str, str] = {}
    try:
        for file in _files(path):
            digests[file.name] = hashlib.sha256(contents(file)).hexdigest()
            for each in _rows(file, pictures):
                found.append(each) if isinstance(each, Read) else left.append(each)
    except Wrong as why:
        raise DataError(str(why)) from why
    if not found:
        raise DataError(f"{path}: holds no item that can be used; {_some(left)}")
    said = form or _told(path, found)
    items: list[Item] = []
    for one in found:
        box = one.row.box(said)
        if unfit := _unfit(box, one.size):
            left.append(LeftOut(place=one.place, why=unfit))
        else:
            items.append(Item(one.file, one.number, one.path, one.size, one.row, box))
    if not items:
        raise DataError(f"{path}: none of {len(left)} items can be used; {_some(left)}")
    return Data(digests, said, "user" if form else "fields", tuple(items), tuple(left))


def seen(data: Data, speaker: Speaker) -> Data:
    """The same without the pictures that `speaker` cannot see. Raises `PolicyBroken`."""
    sizes = {item.size for item in data.items}
    wrong = {size: why for size in sizes if (why := _blind(speaker, size))}
    left = [
        LeftOut(place=f"{item.file}, item {item.number}", why=wrong[item.size])
        for item in data.items
        if item.size in wrong
    ]
    items = tuple(item for item in data.items if item.size not in wrong)
    return Data(data.files, data.form, data.said_by, items, (*data.left, *left))


def _blind(speaker: Speaker, size: tuple[int, int]) -> str:
    try:
        speaker.size(*size)
    except QuestionError as error:
        return str(error)
    return ""


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    found = [each for name in FOLDERS for each in sorted((path / name).glob("*")) if each.suffix in ENDS]
    if not found:
        raise DataError(f"{path}: holds no {' or '.join(ENDS)} file, nor does its folder annotations")
    names = [each.name for each in found]
    if twice := {name for name in names if names.count(name) > 1}:
        raise DataError(f"{path}: has two files called {', '.join(sorted(twice))}; give one of the folders")
    return found


def _rows(file: Path, pictures: Path | None) -> Iterator[Read | LeftOut]:
    known: dict[str, tuple[Path, tuple[int, int]] | str] = {}
    for number, (place, row) in enumerate(rows(file, Row), start=1):
        if isinstance(row, Wrong):
            yield LeftOut(place=place, why=str(row).removeprefix(f"{place}: "))
            continue
        name = row.img_filename
        shot = known[name] if name in known else known.setdefault(name, _picture(name, file, pictures))
        if isinstance(shot, str):
            yield LeftOut(place=place, why=shot)
        elif row.img_size is not None and row.img_size != shot[1]:
            theirs, ours = ("{}x{}".format(*size) for size in (row.img_size, shot[1]))
            why = f"img_size says {theirs}, and picture {name[:200]!r} has {ours} pixels"
            yield LeftOut(place=place, why=why)
        else:
            yield Read(file.name, number, place, row, *shot)


def _picture(name: str, file: Path, pictures: Path | None) -> tuple[Path, tuple[int, int]] | str:
    """Where a picture lies, and its size; why not, where it cannot be used. The data wrote its name."""
    from model.image import ImageError, image_size

    roots = [file.parent / each for each in PICTURES] + [file.parent.parent / each for each in PICTURES[:-1]]
    problem = ""
    for root in [pictures] if pictures else roots:
        if root.is_dir():
            try:
                path = inside(root, name)
                return path, image_size(path)
            except ImageError as error:
                return f"picture {name[:200]!r}: {error}"
            except Wrong as why:
                problem = problem or str(why)
    return problem or f"picture {name[:200]!r}: there is no folder of pictures; say it (--images)"


def _told(path: Path, found: Sequence[Read]) -> Form:
    """The form that the fields of all rows tell, where no box speaks against it. Raises `DataError`."""
    ask = "say which they are: --boxes xywh (corner, width, height) or --boxes xyxy (two corners)"
    forms = {one.row.form for one in found}
    if len(forms) > 1 or None in forms:
        unclear = next(one.place for one in found if one.row.form is None or one.row.form != found[0].row.form)
        raise DataError(f"{path}: the fields of {unclear} do not tell in which form the boxes of all are; {ask}")
    form: Form = "xyxy" if "xyxy" in forms else "xywh"
    other: Form = "xywh" if form == "xyxy" else "xyxy"
    if all(max(one.row.bbox) <= 1 for one in found):
        raise DataError(f"{path}: all boxes are parts of a picture's sides; expected pixels")
    astray = [one for one in found if not _within(one.row.box(form), one.size)]
    if astray and all(_within(one.row.box(other), one.size) for one in found):
        raise DataError(
            f"{path}: by their fields boxes are {form}, but {len(astray)} of {len(found)} do not fit so "
            f"(the first: {astray[0].place}), and all of them fit as {other}; {ask}"
        )
    return form


def _within(box: Box, size: tuple[int, int]) -> bool:
    x1, y1, x2, y2 = box
    return 0 <= x1 < x2 <= size[0] and 0 <= y1 < y2 <= size[1]


def _unfit(box: Box, size: tuple[int, int]) -> str:
    """Why nothing can hit a box; empty where something can."""
    x1, y1, x2, y2 = box
    if x2 <= x1 or y2 <= y1:
        return f"bbox: from ({x1:g}, {y1:g}) to ({x2:g}, {y2:g}) is empty"
    if x1 >= size[0] or y1 >= size[1] or x2 <= 0 or y2 <= 0:
        return f"bbox: from ({x1:g}, {y1:g}) to ({x2:g}, {y2:g}) lies outside the picture of {size[0]}x{size[1]} pixels"
    return ""


def _some(left: Sequence[LeftOut]) -> str:
    return f"the first: {left[0]}" if left else "it is empty"
