"""The arguments of a call, read as what an action needs.

Every reader here raises an ActionError that names the field, the value and what would be right. Null counts as
missing.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import JsonValue

from actions.action import ActionError, Point
from actions.frame import Frame

BOXES = ("bbox_2d", "point_2d")
"""What Qwen2.5-VL calls the place of a thing it was asked to find."""

_NUMERAL = re.compile(r"\s*[-+]?[0-9]{1,20}(\.[0-9]{0,20})?\s*")
_LIST_MARKS = re.compile(r"[\[\]()]")


def shorten(value: object, limit: int = 60) -> str:
    """`value` for an error message: printable, on one line, and short whatever its length."""
    shown = repr(value[: limit + 1] if isinstance(value, str) else value)
    return shown if len(shown) <= limit + 2 else f"{shown[:limit]}…"


def only(field: str, value: object, writable: object) -> None:
    """ActionError where `value` is not the one value of `field` that a dialect can write."""
    if value != writable:
        raise ActionError(f"{field}: {shorten(value)} cannot be written; it must be {shorten(writable)}")


def ends(path: tuple[Point, ...]) -> tuple[Point, Point]:
    """The two points of a drag; ActionError where it has others."""
    if len(path) != 2:
        raise ActionError(f"path: a drag through {len(path)} points cannot be written; give 2")
    return path[0], path[1]


def seconds(value: float) -> float:
    """A time as people write it: 2, not 2.0."""
    return int(value) if float(value).is_integer() else value


@dataclass(frozen=True)
class Arguments:
    """What a call was given, in the frame of the image its coordinates are meant in.

    `known` are the fields that the function has.
    """

    values: Mapping[str, JsonValue]
    frame: Frame
    known: frozenset[str]

    def point(self, *fields: str, box: bool = True) -> Point:
        """The screen pixel that the first of `fields` to be present names: a point, or with `box` a box's centre."""
        for field in fields:
            if self.values.get(field) is not None:
                return self.frame.to_screen(*self._pair(field, box), field=field)
        size = f"{self.frame.model_width}x{self.frame.model_height}"
        raise ActionError(f"{fields[0]}: missing; give [x, y] in pixels of the {size} image")

    def has(self, *fields: str) -> bool:
        """Whether any of `fields` is present."""
        return any(self.values.get(field) is not None for field in fields)

    def place(self, *fields: str, box: bool = True) -> Point | None:
        """As `point`, or None where the call names no place and means the pointer's.

        A field the function does not have may be a misspelt place, and is then refused: to act where the pointer
        happens to be is no way to ignore it.
        """
        if self.has(*fields):
            return self.point(*fields, box=box)
        if strange := [field for field in self.values if field not in self.known]:
            names = ", ".join(sorted(self.known))
            raise ActionError(f"{shorten(strange[0])}: no argument of this function; known: {names}")
        return None

    def text(self, *fields: str, missing: str | None = None) -> str:
        """The string that the first of `fields` to be present holds, or `missing` where that is given."""
        for field in fields:
            if (value := self.values.get(field)) is not None:
                return _text(value, field)
        if missing is None:
            raise ActionError(f"{fields[0]}: missing; give a string")
        return missing

    def texts(self, field: str) -> tuple[str, ...]:
        """The strings, none of them empty, that `field` lists; a single string is a list of one."""
        value = self.values.get(field)
        items = value if isinstance(value, list) else [value]
        found = tuple(_text(item, field) for item in items)
        if not all(found) or not found:
            raise ActionError(f"{field}: {shorten(value)} must list one or more strings, none of them empty")
        return found

    def number(self, field: str, low: float, high: float) -> float:
        """The number from `low` to `high` that `field` holds."""
        value = self.values.get(field)
        if value is None:
            raise ActionError(f"{field}: missing; give a number from {low} to {high}")
        number = _number(value, field)
        if not low <= number <= high:
            raise ActionError(f"{field}: {shorten(value)} must be from {low} to {high}")
        return number

    def whole(self, field: str, low: int, high: int) -> int:
        """The whole number from `low` to `high` that `field` holds."""
        number = self.number(field, low, high)
        if number != int(number):
            raise ActionError(f"{field}: {number} is not a whole number")
        return int(number)

    def flag(self, field: str, missing: bool) -> bool:
        """Whether `field` says yes, or `missing` where it says nothing."""
        value = self.values.get(field)
        if isinstance(value, str) and value.strip().lower() in ("true", "false"):
            return value.strip().lower() == "true"
        if value is not None and not isinstance(value, bool):
            raise ActionError(f"{field}: {shorten(value)} must be true or false")
        return missing if value is None else value

    def choice(self, field: str, allowed: tuple[str, ...]) -> str:
        """The one of `allowed` that `field` names, whatever its capitals."""
        value = self.values.get(field)
        if not isinstance(value, str) or value.strip().lower() not in allowed:
            shown = "missing" if value is None else shorten(value)
            raise ActionError(f"{field}: {shown}; must be one of {', '.join(allowed)}")
        return value.strip().lower()

    def _pair(self, field: str, box: bool) -> tuple[float, float]:
        found = numbers(self.values[field], field)
        if len(found) == 4 and box:
            return (found[0] + found[2]) / 2, (found[1] + found[3]) / 2
        if len(found) != 2:
            raise ActionError(f"{field}: {shorten(self.values[field])} must be two numbers, [x, y]")
        return found[0], found[1]


def numbers(value: JsonValue, field: str) -> list[float]:
    """The numbers of a place or a box, however they are bracketed; at most a few more than a box has."""
    return [_number(item, field) for item in _flat(value)]


def _flat(value: JsonValue) -> list[JsonValue]:
    """The items of `[x, y]`, `[[x1, y1], [x2, y2]]`, `{"x": x, "y": y}` and of a text such as "(x, y)"."""
    if isinstance(value, str):
        return list(_LIST_MARKS.sub(" ", value[:200]).split(","))
    if isinstance(value, dict):
        value = [value["x"], value["y"]] if set(value) == {"x", "y"} else [value]
    if not isinstance(value, list):
        return [value]
    return [each for item in value[:8] for each in (item if isinstance(item, list) else [item])]


def _number(value: JsonValue, field: str) -> float:
    if isinstance(value, str) and _NUMERAL.fullmatch(value):
        return float(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ActionError(f"{field}: {shorten(value)} is not a number")
    if isinstance(value, float) and not math.isfinite(value):
        raise ActionError(f"{field}: {value} is not a finite number")
    return value


def _text(value: JsonValue, field: str) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str):
        raise ActionError(f"{field}: {shorten(value)} is not a string")
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        raise ActionError(f"{field}: {shorten(value)} holds half of a surrogate pair") from None
    return value
