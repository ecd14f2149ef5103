"""Do a record again on a screen that is no longer the recorded one: each target is found anew, or nothing is done.

Finding needs the extra `ladder` (OpenCV), which is loaded when `climb` is first named.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from agent.ladder.ascent import Way, climb
    from agent.ladder.heal import Healer
    from agent.ladder.patch import Patch, PatchError, read_patches
    from agent.ladder.values import ValueMistake, Values, set_values

__all__ = [
    "Healer",
    "Patch",
    "PatchError",
    "ValueMistake",
    "Values",
    "Way",
    "climb",
    "read_patches",
    "set_values",
]

_HOMES = {
    "Healer": "heal",
    "Patch": "patch",
    "PatchError": "patch",
    "ValueMistake": "values",
    "Values": "values",
    "Way": "ascent",
    "climb": "ascent",
    "read_patches": "patch",
    "set_values": "values",
}


def __getattr__(name: str) -> object:
    """Load a public name from its file when it is first used."""
    if name not in _HOMES:
        raise AttributeError(f"module 'agent.ladder' has no attribute {name!r}")
    value: object = getattr(import_module(f"agent.ladder.{_HOMES[name]}"), name)
    globals()[name] = value
    return value
