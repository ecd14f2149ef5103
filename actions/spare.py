"""What a reply holds besides the action that counts, where an interface sends several actions at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType

from pydantic import JsonValue

from actions.calls import find_objects
from actions.fields import shorten
from actions.openai import NAMES

Object = Mapping[str, JsonValue]

LOOKS = frozenset({"screenshot", "zoom", "cursor_position"})
"""Actions that ask for what is shown anyway."""


def ignored(dialect: str, text: str) -> tuple[str, ...]:
    """Names of the actions in a reply that are not carried out, since another before them is.

    Known of the dialects `openai` and `anthropic`; empty for all others.
    """
    reader = _READERS.get(dialect)
    if reader is None:
        return ()
    names = [name for name in reader(find_objects(text)[0]) if name not in LOOKS]
    return tuple(shorten(name) for name in names[1:])


def _openai(objects: Sequence[Object]) -> Iterator[str]:
    items = [each for each in objects if each.get("type") == "computer_call"]
    for item in items:
        several = item.get("actions")
        listed = several if isinstance(several, list) and several else [item.get("action")]
        yield from (_name(each, "type") for each in listed if isinstance(each, dict))
    if not items:
        yield from (name for each in objects if (name := _name(each, "type")) in NAMES)


def _anthropic(objects: Sequence[Object]) -> Iterator[str]:
    blocks = [each for each in objects if each.get("type") == "tool_use"]
    for block in blocks:
        given = block.get("input")
        inner = given if isinstance(given, dict) else {}
        yield _name(inner, "action") if "action" in inner else _name(block, "name")
    if not blocks:
        yield from (_name(each, "action") for each in objects if isinstance(each.get("action"), str))


def _name(found: Object, field: str) -> str:
    name = found.get(field)
    return name if isinstance(name, str) else "an action without a name"


_READERS: Mapping[str, Callable[[Sequence[Object]], Iterator[str]]] = MappingProxyType(
    {"anthropic": _anthropic, "openai": _openai}
)
