"""How one model family writes and reads actions."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Protocol

from actions.action import Action
from actions.frame import Frame
from actions.qwen25 import Qwen25
from actions.space import ActionSpace


class Dialect(Protocol):
    """A written form of actions, and the system text that teaches it. What it prints, it parses back."""

    @property
    def name(self) -> str:
        """The key in `DIALECTS`."""
        ...

    def frame(self, width: int, height: int, model_width: int, model_height: int) -> Frame:
        """The frame of its coordinates: of a screenshot, and of the size it has after smart_resize."""
        ...

    def prompt(self, space: ActionSpace, frame: Frame) -> str:
        """The system text that offers the actions of `space` on the model image of `frame`."""
        ...

    def print(self, action: Action, frame: Frame) -> str:
        """What a model would write for `action`; an ActionError where it cannot be written or is off screen."""
        ...

    def parse(self, text: str, frame: Frame) -> Action:
        """The action that a reply asks for, in pixels of the screen. Raises ActionError, whatever the text."""
        ...

    def writes(self, action: Action) -> bool:
        """Whether `print` can write `action`, wherever on the screen it points."""
        ...


DIALECTS: Mapping[str, Dialect] = MappingProxyType({each.name: each for each in (Qwen25(),)})
"""Every dialect by its name."""


def dialect(name: str) -> Dialect:
    """The dialect called `name`; a ValueError that lists the known ones where there is none."""
    if name not in DIALECTS:
        raise ValueError(f"no dialect {name!r}; known: {', '.join(sorted(DIALECTS))}")
    return DIALECTS[name]
