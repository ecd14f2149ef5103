"""Modifier keys by the names models give them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from actions.action import ActionError, Modifier
from actions.fields import shorten

_NAMES: Mapping[str, Modifier] = MappingProxyType(
    {
        "alt": "alt",
        "option": "alt",
        "control": "ctrl",
        "ctrl": "ctrl",
        "ctrlleft": "ctrl",
        "cmd": "meta",
        "command": "meta",
        "meta": "meta",
        "super": "meta",
        "win": "meta",
        "shift": "shift",
        "shiftleft": "shift",
    }
)


def modifiers(keys: Sequence[str], field: str) -> tuple[Modifier, ...]:
    """The modifiers that `keys` name; ActionError where one is another key."""
    strange = [key for key in keys if key.strip().lower() not in _NAMES]
    if strange:
        raise ActionError(f"{field}: {shorten(strange[0])} is no modifier; use ctrl, alt, shift or meta")
    return hold_down([_NAMES[key.strip().lower()] for key in keys])


def hold_down(keys: Sequence[Modifier]) -> tuple[Modifier, ...]:
    """`keys` in their order, each once: a key that is down cannot be pressed again."""
    return tuple(dict.fromkeys(keys))
