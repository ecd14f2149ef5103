"""How a model family writes and reads actions, and the families that are known."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Protocol

from actions.action import Action
from actions.frame import Frame
from actions.qwen25 import Qwen25
from actions.space import ActionSpace


class Dialect(Protocol):
    """One family's words for actions, and its convention for coordinates."""

    @property
    def name(self) -> str:
        """What it is called in a model's settings."""
        ...

    def prompt(self, space: ActionSpace, frame: Frame) -> str:
        """The system text that tells a model of this family what it may do on this screen."""
        ...

    def print(self, action: Action, frame: Frame) -> str:
        """What a model would write for `action`; `ActionError` where the family has no words for it."""
        ...

    def parse(self, text: str, frame: Frame) -> Action:
        """The action that `text` asks for, in screen pixels; `ActionError` and nothing else where there is none."""
        ...

    def writes(self, action: Action) -> bool:
        """Whether `print` has words for `action`."""
        ...


DIALECTS: Mapping[str, Dialect] = MappingProxyType({each.name: each for each in (Qwen25(),)})
"""Every dialect by its name."""


def dialect(name: str) -> Dialect:
    """The dialect called `name`; `ValueError` names those that are known."""
    if name not in DIALECTS:
        raise ValueError(f"dialect: {name!r} is not known; expected one of {', '.join(sorted(DIALECTS))}")
    return DIALECTS[name]
