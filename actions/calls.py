"""Finds the function call in what a model wrote.

A reply is data that may hold anything: prose, code fences, thoughts, several calls, a garbled closing tag, nothing.
It is read once from left to right, and what a JSON object holds in its strings is never taken for a tag or a call.
Where an object cannot be read, nobody knows which part of the rest is one of its strings: of what follows, up to the
next tag or fence, only the objects it had come to the end of are calls.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from pydantic import JsonValue

from actions.action import ActionError
from actions.fields import BOXES, shorten
from actions.reader import Reader, Unreadable

_MARK = re.compile(
    r"\{|```|<(?P<end>/?)(?P<tag>think|thinking|tool_call)>"
    r"|<points?\s{1,9}x1=[\"'](?P<x>[0-9.]{1,20})[\"']\s{1,9}y1=[\"'](?P<y>[0-9.]{1,20})[\"']",
    re.IGNORECASE,
)
_FIELD = re.compile(r"\{\s*+[\"']")
_THOUGHT_END = re.compile(r"</think(?:ing)?>", re.IGNORECASE)


@dataclass(frozen=True)
class Call:
    """A function call as written: nothing about it has been checked.

    `name` is empty where only the arguments were written.
    """

    name: str
    arguments: Mapping[str, JsonValue]


@dataclass
class _Found:
    """What a reply holds besides its thoughts: objects after a <tool_call>, objects elsewhere, what went wrong."""

    tagged: list[JsonValue] = field(default_factory=list)
    bare: list[JsonValue] = field(default_factory=list)
    problem: str = ""

    def of(self, tagged: bool) -> list[JsonValue]:
        """The list of objects that belongs to a place after a <tool_call>, or to one elsewhere."""
        return self.tagged if tagged else self.bare


def find_call(text: str, name: str) -> Call:
    """The call that a reply makes; `name` is the function that an error asks for.

    The first that can be read after a <tool_call> tag counts; without one, the first anywhere. Whether its arguments
    are right is not asked: where they are wrong, later calls were meant for a screen that will not come about.
    A reply without a call that points at exactly one thing (`bbox_2d`, `point_2d`, <points>) is a left click on it.
    Raises ActionError, and nothing else, in time linear in the text.
    """
    everything, problem = find_objects(text)
    for each in everything:
        if _is_call(each):
            return _call(each)
    places = [(box, each[box]) for each in everything for box in BOXES if box in each]
    if len(places) == 1:
        return Call(name, {"action": "left_click", **dict(places)})
    if places:
        raise ActionError(f"the reply points at {len(places)} places and names no action for one of them")
    example = f'<tool_call>\n{{"name": "{name}", "arguments": {{"action": ...}}}}\n</tool_call>'
    raise ActionError(f"{problem or 'the reply holds no call'}; write exactly one {example}")


def find_objects(text: str) -> tuple[list[Mapping[str, JsonValue]], str]:
    """Every JSON object that can be read in a reply, and what could not be read where something could not.

    Those after a <tool_call> tag come first; outer ones stand before those inside them. Thoughts are left out.
    """
    found = _scan(text)
    return list(_objects([*found.tagged, *found.bare])), found.problem


def _scan(text: str) -> _Found:
    found, reader = _Found(), Reader(text)
    at, tagged, broken = 0, False, False
    while not reader.spent and (mark := _MARK.search(text, at)):
        at = mark.end()
        if mark["x"]:
            found.bare.append({"point_2d": [mark["x"], mark["y"]]})
        elif mark.group() == "{":
            if broken:
                continue
            try:
                value, at = reader.read(mark.start())
            except Unreadable as wrong:
                found.problem = found.problem or _explain(wrong, text)
                if broken := _FIELD.match(text, mark.start()) is not None:
                    found.of(tagged).extend(reader.whole)
            else:
                found.of(tagged).append(value)
        elif mark["tag"] is None:
            broken = False
        elif mark["tag"].lower() == "tool_call":
            tagged, broken = not mark["end"], False
        elif mark["end"]:  # the prompt had opened the thought, so all of it was one
            found, tagged = _Found(), False
        elif end := _THOUGHT_END.search(text, at):
            at = end.end()
        else:
            found.problem = found.problem or f"{mark.group()} is not closed before the call"
            break
    return found


def _explain(wrong: Unreadable, text: str) -> str:
    read = shorten(text[max(0, wrong.at - 24) : wrong.at])
    if not text[wrong.at : wrong.at + 100].strip():
        return f"the call is cut off after {read}"
    return f"the call cannot be read at {shorten(text[wrong.at : wrong.at + 12])} after {read}: {wrong}"


def _objects(values: Iterable[JsonValue]) -> Iterator[Mapping[str, JsonValue]]:
    """Every object in `values` and inside them, outer ones first."""
    for value in values:
        if isinstance(value, dict):
            yield value
            yield from _objects(value.values())
        elif isinstance(value, list):
            yield from _objects(value)


def _is_call(value: Mapping[str, JsonValue]) -> bool:
    return isinstance(value.get("action"), str) or ("arguments" in value and isinstance(value.get("name"), str))


def _call(value: Mapping[str, JsonValue]) -> Call:
    """The call in `value`, whose arguments may be an object, the text of one, or stand beside the name."""
    name, given = value.get("name"), value.get("arguments")
    arguments = given
    if isinstance(given, str):
        try:
            arguments, _ = Reader(given).read(0)
        except Unreadable:
            arguments = given
    if not isinstance(arguments, dict | None):
        raise ActionError(f"arguments: {shorten(given)} is not a JSON object")
    beside = {key: each for key, each in value.items() if key not in ("name", "arguments")}
    return Call(name if isinstance(name, str) else "", {**beside, **(arguments or {})})
