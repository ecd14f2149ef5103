"""Reads where a model says that things are: boxes and points, in pixels of the image as it was before it was resized.

Each generation writes places in forms of its own: <points> with attributes, JSON objects with `bbox_2d` or `point_2d`,
box tokens, HTML with `data-bbox`, or nothing but numbers in brackets. A reply keeps to one form; the first of these
that is found in it counts. All are read in time linear in the text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from pydantic import JsonValue

from actions.action import ActionError, Point
from actions.calls import find_objects
from actions.fields import numbers, shorten
from actions.frame import Frame

MAX_PLACES = 2000
"""A reply that points at more places has run away."""

_KEYS = ("bbox_2d", "bbox", "point_2d", "point", "coordinate")
_LABELS = ("label", "text_content", "text", "name")
_THOUGHT = re.compile(r".*</think(?:ing)?>", re.DOTALL | re.IGNORECASE)
_N = r"[-+]?[0-9]{1,20}(?:\.[0-9]{0,20})?"
_GROUP = re.compile(rf"[(\[]\s{{0,8}}({_N}(?:\s{{0,8}},\s{{0,8}}{_N}){{1,3}})\s{{0,8}}[)\]]")
_JOINT = re.compile(r"\s{0,8},?\s{0,8}\(")
_TOKEN = re.compile(
    r"(?:<\|object_ref_start\|>|<ref>)(?P<label>[^<]{0,500})(?:<\|object_ref_end\|>|</ref>)"
    r"|(?:<\|box_start\|>|<box>)(?P<box>[^<]{1,200})(?:<\|box_end\|>|</box>|\Z)"
)
_POINTS = re.compile(r"<points?\s(?P<marks>[^<>]{1,4000})>(?:(?P<inner>[^<]{0,500})</points?>)?", re.IGNORECASE)
_MARK = re.compile(rf"\b([xy])([0-9]{{0,4}})\s{{0,8}}=\s{{0,8}}[\"']\s{{0,8}}({_N})\s{{0,8}}[\"']", re.IGNORECASE)
_ALT = re.compile(r"\balt\s{0,8}=\s{0,8}(?:\"([^\"]{0,500})\"|'([^']{0,500})')", re.IGNORECASE)
_HTML = re.compile(
    r"\bdata-bbox\s{0,8}=\s{0,8}[\"'](?P<box>[0-9.,\s+-]{1,100})[\"'](?:[^<>]{0,300}>(?P<inner>[^<]{0,500}))?",
    re.IGNORECASE,
)

Place = tuple[Sequence[float], str]
"""Two numbers of a point or four of a box, in the model's image, and the label."""


class Nowhere(ActionError):
    """A reply that can be read, and that points at nothing."""


@dataclass(frozen=True)
class Grounded:
    """What a reply points at, in pixels of the original image.

    `x2` and `y2` of a box lie just outside it, at most at the image's `width` and `height`. `labels` has one entry for
    each box and then one for each point, empty where nothing was written.
    """

    boxes: tuple[tuple[int, int, int, int], ...]
    points: tuple[Point, ...]
    labels: tuple[str, ...]


def parse_grounding(text: str, frame: Frame) -> Grounded:
    """Every box and point that a reply names, brought from the image of `frame` to the original.

    A box that was cut off at the end of the reply is left out. `Nowhere` where nothing is pointed at, ActionError
    where a place lies outside the image.
    """
    thought = _THOUGHT.match(text)
    answer = text[thought.end() :] if thought else text
    for form, read in _FORMS.items():
        found = list(_some(read(answer)))
        if found:
            return _bring(found, frame, form)
    raise Nowhere(
        'the reply points at nothing; write for each thing {"bbox_2d": [x1, y1, x2, y2], "label": "..."} '
        'or {"point_2d": [x, y], "label": "..."}'
    )


def _some(places: Iterator[Place]) -> Iterator[Place]:
    for count, place in enumerate(places):
        if count == MAX_PLACES:
            raise ActionError(f"the reply points at more than {MAX_PLACES} places")
        yield place


def _bring(places: Sequence[Place], frame: Frame, form: str) -> Grounded:
    boxes: list[tuple[int, int, int, int]] = []
    points: list[Point] = []
    labels: tuple[list[str], list[str]] = ([], [])
    for place, label in places:
        if len(place) == 4:
            one, other = frame.edge(place[0], place[1], field=form), frame.edge(place[2], place[3], field=form)
            boxes.append((min(one.x, other.x), min(one.y, other.y), max(one.x, other.x), max(one.y, other.y)))
        elif len(place) == 2:
            points.append(frame.to_screen(place[0], place[1], field=form))
        else:
            raise ActionError(f"{form}: {shorten(list(place))} is neither a point, [x, y], nor a box, [x1, y1, x2, y2]")
        clean = label.encode("utf-8", "replace").decode("utf-8")  # no lone surrogates
        labels[len(place) == 2].append(" ".join(clean.split()))
    return Grounded(tuple(boxes), tuple(points), (*labels[0], *labels[1]))


def _objects(text: str) -> Iterator[Place]:
    for each in find_objects(text)[0]:
        for key in _KEYS:
            if each.get(key) is not None:
                label = _label(each)
                yield from ((place, label) for place in _several(each[key], key))
                break


def _label(found: Mapping[str, JsonValue]) -> str:
    for key in _LABELS:
        value = found.get(key)
        if isinstance(value, str):
            return value
    return ""


def _several(value: JsonValue, key: str) -> Iterator[Sequence[float]]:
    """The place that `value` is, or the places that it lists: two pairs under a box's name are its corners."""
    lists = [item for item in value if isinstance(item, list)] if isinstance(value, list) else []
    corners = len(lists) == 2 and all(len(item) == 2 for item in lists) and key.startswith("bbox")
    if not lists or corners:
        yield numbers(value, key)
        return
    for item in lists:
        yield numbers(item, key)


def _tokens(text: str) -> Iterator[Place]:
    label = ""
    for found in _TOKEN.finditer(text):
        if found["box"] is None:
            label = found["label"]
            continue
        flat = [number for group in _GROUP.finditer(found["box"]) for number in _split(group[1])]
        if len(flat) in (2, 4):
            yield flat, label


def _attributes(text: str) -> Iterator[Place]:
    for found in _POINTS.finditer(text):
        alt = _ALT.search(found["marks"])
        label = (alt[1] or alt[2] or "" if alt else "") or found["inner"] or ""
        sides: dict[str, dict[str, float]] = {}
        for mark in _MARK.finditer(found["marks"]):
            sides.setdefault(mark[2], {})[mark[1].lower()] = float(mark[3])
        yield from (((side["x"], side["y"]), label) for side in sides.values() if len(side) == 2)


def _html(text: str) -> Iterator[Place]:
    for found in _HTML.finditer(text):
        yield _split(found["box"].replace(" ", ",")), found["inner"] or ""


def _bare(text: str) -> Iterator[Place]:
    """Numbers in brackets; two pairs in round ones that follow each other are the corners of a box."""
    at = 0
    while found := _GROUP.search(text, at):
        at, flat = found.end(), _split(found[1])
        if len(flat) == 2 and found.group().startswith("(") and _JOINT.match(text, at):
            second = _GROUP.match(text, text.index("(", at))
            if second and len(more := _split(second[1])) == 2:
                at, flat = second.end(), flat + more
        if len(flat) != 3:
            yield flat, ""


def _split(written: str) -> list[float]:
    parts = [part for part in re.split(r"[\s,]+", written) if part]
    try:
        return [float(part) for part in parts]
    except ValueError:
        raise ActionError(f"{shorten(written)} must be numbers") from None


_FORMS: Mapping[str, Callable[[str], Iterator[Place]]] = MappingProxyType(
    {"points": _attributes, "bbox_2d": _objects, "box": _tokens, "data-bbox": _html, "place": _bare}
)
