"""Coordinates in what is said, brought from the size they were written in to the one that the network answers in.

They are known by their marks: the members bbox_2d, point_2d and coordinate of JSON, written out in text or as
arguments of a call, and <|box_start|>...<|box_end|>. Other numbers are words.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from pydantic import JsonValue

from model.train.records import Frame, Unusable

Size: TypeAlias = tuple[float, float]

NAMES = "bbox_2d|point_2d|coordinate|coordinate2|start_coordinate|end_coordinate"
NUMBER = r"-?\d+(?:\.\d+)?"
LIST = re.compile(rf'("(?:{NAMES})"\s*:\s*)\[(\s*{NUMBER}\s*(?:,\s*{NUMBER}\s*)+)\]')
PAIRS = re.compile(r"(<\|box_start\|>)(.*?)(<\|box_end\|>)", re.DOTALL)
PAIR = re.compile(rf"\(\s*({NUMBER})\s*,\s*({NUMBER})\s*\)")


@dataclass(frozen=True)
class Scale:
    """From one size to another, each axis for itself."""

    source: Size
    target: Size

    def places(self, numbers: Sequence[float]) -> list[int]:
        """x, y, x, y, ... in the target size; of a point, whole pixels inside it. Raises `Unusable` outside."""
        if len(numbers) % 2:
            raise Unusable(f"coordinates {list(numbers)}; expected pairs of x and y")
        for number, edge in zip(numbers, self.source * (len(numbers) // 2), strict=True):
            if not 0 <= number <= edge:
                size = f"{self.source[0]:g}x{self.source[1]:g}"
                raise Unusable(f"coordinates {list(numbers)} lie outside of {size}, the size they are said to be in")
        edges = zip(numbers, self.source * len(numbers), self.target * len(numbers), strict=False)
        spare = 1 if len(numbers) == 2 else 0
        return [min(round(number * new / old), int(new) - spare) for number, old, new in edges]


@dataclass(frozen=True)
class Seen:
    """An image: its file's width and height, and those at which the network sees it."""

    file: Size
    size: Size

    def scale(self, frame: Frame, *, thousandths: bool) -> Scale:
        """From `frame` to what the family answers in: pixels of the image as seen, or `thousandths` of it."""
        target: Size = (1000, 1000) if thousandths else self.size
        sources: dict[str, Size] = {"seen": target, "file": self.file, "thousand": (1000, 1000)}
        return Scale(sources[frame] if isinstance(frame, str) else frame, target)


def rescaled(message: Mapping[str, JsonValue], scale: Scale | None) -> dict[str, JsonValue]:
    """The message with every marked coordinate in its target size; without a scale none may be there."""
    content, calls = message["content"], message.get("tool_calls")
    changed = dict(message)
    if isinstance(content, str):
        changed["content"] = _text(content, scale)
    elif isinstance(content, list):
        changed["content"] = [_part(part, scale) for part in content]
    if calls:
        changed["tool_calls"] = _value(calls, scale)
    return changed


def scales(
    messages: Sequence[Mapping[str, JsonValue]], seen: Sequence[Seen], frame: Frame, *, thousandths: bool
) -> list[Scale | None]:
    """For each message, the scale of the image that its coordinates are in: the last one shown up to there.

    Where none has been shown yet it is the first that will be.
    """
    ready = [one.scale(frame, thousandths=thousandths) for one in seen]
    shown, found = 0, []
    for message in messages:
        content = message["content"]
        if isinstance(content, list):
            shown += sum(isinstance(part, dict) and part.get("type") == "image" for part in content)
        found.append(ready[max(shown - 1, 0)] if ready else None)
    return found


def _part(part: JsonValue, scale: Scale | None) -> JsonValue:
    if isinstance(part, dict) and isinstance(text := part.get("text"), str):
        return part | {"text": _text(text, scale)}
    return part


def _text(text: str, scale: Scale | None) -> str:
    text = LIST.sub(lambda found: found[1] + json.dumps(_moved(found[2], scale)), text)
    return PAIRS.sub(lambda found: found[1] + _paired(found[2], scale) + found[3], text)


def _moved(inside: str, scale: Scale | None) -> list[int]:
    return _scaled([float(number) for number in inside.split(",")], scale)


def _paired(inside: str, scale: Scale | None) -> str:
    """(x,y) of a point, (x,y),(x,y) of a box."""
    numbers = [float(number) for pair in PAIR.findall(inside) for number in pair]
    moved = iter(_scaled(numbers, scale)) if numbers else iter(())
    return PAIR.sub(lambda _: f"({next(moved)},{next(moved)})", inside)


def _scaled(numbers: Sequence[float], scale: Scale | None) -> list[int]:
    if scale is None:
        raise Unusable(f"coordinates {list(numbers)} without an image that they could be in")
    return scale.places(numbers)


def _value(value: JsonValue, scale: Scale | None) -> JsonValue:
    """The same in arguments of calls, which may be an object or its JSON text."""
    if isinstance(value, str):
        return _text(value, scale)
    if isinstance(value, list):
        return [_value(one, scale) for one in value]
    if not isinstance(value, dict):
        return value
    return {name: _member(name, one, scale) for name, one in value.items()}


def _member(name: str, value: JsonValue, scale: Scale | None) -> JsonValue:
    if re.fullmatch(NAMES, name) and isinstance(value, list):
        numbers = [one for one in value if isinstance(one, int | float)]
        if len(numbers) == len(value):
            return [*_scaled(numbers, scale)]
    return _value(value, scale)
