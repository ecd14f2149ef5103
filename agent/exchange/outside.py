"""Files that others wrote: opened inside one folder only, bounded in size, and never believed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError

from env import Image

LINE = 20_000_000
"""Most bytes of a line."""

WHOLE = 500_000_000
"""Most bytes of a file that is read at once."""


class Wrong(ValueError):
    """What cannot be used: the file, the line where there is one, and what is wrong there."""


class Missing(Wrong):
    """A picture that is not there."""


@dataclass(frozen=True)
class Shot:
    """A picture that was looked at once, and can be read again: data may hold more than fit into memory."""

    path: Path
    width: int
    height: int

    def image(self) -> Image:
        """Its pixels."""
        from model import read_image

        return read_image(self.path)


M = TypeVar("M", bound=BaseModel)
_ROWS = TypeAdapter(list[object])


def rows(path: Path, row: type[M]) -> Iterator[tuple[str, M | Wrong]]:
    """Each line of a .jsonl file, or each item of a .json list, with its place; `Wrong` where it is no `row`."""
    if path.suffix == ".json":
        yield from _items(path, row)
        return
    try:
        with path.open("rb") as file:
            for number, line in enumerate(iter(lambda: file.readline(LINE + 1), b""), start=1):
                place = f"{path}:{number}"
                if len(line) > LINE:
                    yield place, Wrong(f"{place}: a line of more than {LINE} bytes; what follows is not read")
                    return
                if line.strip():
                    yield place, _row(place, line, row)
    except OSError as error:
        raise Wrong(f"{path}: {error.strerror}") from error


def _items(path: Path, row: type[M]) -> Iterator[tuple[str, M | Wrong]]:
    try:
        found = _ROWS.validate_json(contents(path))
    except ValidationError as error:
        raise Wrong(f"{path}: {_first(error)}; expected a list of objects") from error
    for number, item in enumerate(found, start=1):
        place = f"{path}[{number}]"
        try:
            yield place, row.model_validate(item)
        except ValidationError as error:
            yield place, Wrong(f"{place}: {_first(error)}")


def _row(place: str, line: bytes, row: type[M]) -> M | Wrong:
    try:
        return row.model_validate_json(line)
    except ValidationError as error:
        return Wrong(f"{place}: {_first(error)}")


def _first(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    field = ".".join(str(part) for part in first["loc"])
    return f"{field}: {first['msg']}" if field else first["msg"]


def contents(path: Path) -> bytes:
    """All of a file. Raises `Wrong`."""
    try:
        if path.stat().st_size > WHOLE:
            raise Wrong(f"{path}: more than {WHOLE} bytes")
        return path.read_bytes()
    except OSError as error:
        raise Wrong(f"{path}: {error.strerror}") from error


def text(path: Path) -> str:
    """All of a text file. Raises `Wrong`."""
    try:
        return contents(path).decode()
    except UnicodeDecodeError as error:
        raise Wrong(f"{path}: is no UTF-8 text: {error.reason} at byte {error.start}") from error


def picture(folder: Path, name: str) -> Shot:
    """The picture `name` in `folder` or below it. Raises `Wrong` for one that lies elsewhere, or is none."""
    from model import read_image

    path = inside(folder, name)
    try:
        height, width = read_image(path).shape[:2]
    except (OSError, ValueError) as error:
        raise Wrong(f"picture {name[:200]!r}: {error}") from error
    return Shot(path, width, height)


def inside(folder: Path, name: str) -> Path:
    """The file of the picture `name` in `folder` or below it. Raises `Wrong`.

    The name was written by the data: whether it leaves the folder is decided by where it leads, links included.
    """
    root = folder.resolve()
    try:
        path = (root / name).resolve()
        if not path.is_relative_to(root):
            raise Wrong(f"picture {name[:200]!r} lies outside {root}")
        if not path.is_file():
            raise Missing(f"picture {name[:200]!r}: there is no such file in {root}")
    except (OSError, ValueError) as error:
        if isinstance(error, Wrong):
            raise
        raise Wrong(f"picture {name[:200]!r}: {error}") from error
    return path
