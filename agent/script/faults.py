"""What is wrong with a script, said with its file, line and key, and the nearest key that there is."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, TypeGuard, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from agent.lines import Where
from agent.script.model import Script

Part = str | int
"""A key, or the number of an entry."""


class ScriptError(ValueError):
    """A task script that cannot be run, as 'file:line: key: what is wrong'. Nothing was started."""


def explain(path: Path, where: Where, error: ValidationError) -> str:
    """All that is wrong, a line each."""
    return "\n".join(_say(path, where, one) for one in error.errors(include_url=False, include_context=False))


def _say(path: Path, where: Where, one: ErrorDetails) -> str:
    place, known = locate(one["loc"])
    kind, said = one["type"], one["msg"].removeprefix("Value error, ")
    if kind == "extra_forbidden":
        said = f"unknown key{nearest(str(place[-1]), known)}"
    elif kind == "missing":
        said = "missing"
    elif not isinstance(one["input"], dict | list | BaseModel):
        said = f"{said}, got {one['input']!r}"
    name = spell(place)
    return f"{path}:{where(place)}: {name + ': ' if name else ''}{said}"


def spell(place: Iterable[Part]) -> str:
    """A place as 'key.number.key'."""
    return ".".join(str(part) for part in place)


def nearest(name: str, known: Iterable[str]) -> str:
    """'; did you mean ...?', or what there is."""
    names = list(known)
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    if close:
        return f"; did you mean {close[0]!r}?"
    return f"; known: {', '.join(names)}" if names else ""


def locate(place: Sequence[Part]) -> tuple[tuple[Part, ...], tuple[str, ...]]:
    """The place in the script's own words, and the keys that the mapping around its last part may have.

    pydantic also names the member of a union that it tried, which no script says.
    """
    said: list[Part] = []
    inside: object = Script
    around: object = Script
    for part in place:
        options = _options(inside)
        member = next((each for each in options if _called(each, part)), None) if len(options) > 1 else None
        if member is not None:
            inside = member
            continue
        said.append(part)
        around, inside = inside, _within(options, part)
    return tuple(said), tuple(key for each in _options(around) for key in _keys(each))


def _options(annotation: object) -> tuple[object, ...]:
    """The types that `annotation` may be, without None."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _options(get_args(annotation)[0])
    if origin in (Union, UnionType):
        return tuple(each for part in get_args(annotation) for each in _options(part) if each is not NoneType)
    return (annotation,)


def _within(options: Iterable[object], part: Part) -> object:
    """The type at `part` of a value that is one of `options`; None where there is none."""
    for each in options:
        origin, arguments = get_origin(each), get_args(each)
        if _model(each):
            for name, field in each.model_fields.items():
                if part == (field.alias or name):
                    return field.annotation
        elif origin in (tuple, list) and isinstance(part, int):
            return arguments[0]
        elif origin is dict and isinstance(part, str):
            return arguments[1]
    return None


def _called(option: object, part: Part) -> bool:
    """Whether `option` is the member of a union that is told by its kind `part`."""
    return _model(option) and "kind" in option.model_fields and option.model_fields["kind"].default == part


def _keys(option: object) -> Iterable[str]:
    return [field.alias or name for name, field in option.model_fields.items()] if _model(option) else ()


def _model(option: object) -> TypeGuard[type[BaseModel]]:
    return isinstance(option, type) and issubclass(option, BaseModel)
