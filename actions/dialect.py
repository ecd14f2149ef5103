"""How one model family writes and reads actions."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Protocol

from actions.action import Action
from actions.anthropic import ANTHROPIC
from actions.fara import FARA
from actions.frame import Convention, Frame
from actions.mobile import QWEN25_MOBILE
from actions.openai import OPENAI
from actions.pyautogui import PYAUTOGUI
from actions.qwen2 import QWEN2
from actions.qwen25 import QWEN3, QWEN25
from actions.space import ActionSpace
from actions.terms import BOUNDS, Bounds
from actions.tongue import Tongue
from actions.uitars import UI_TARS_10, UI_TARS_15


class Dialect(Protocol):
    """A written form of actions, and the system text that teaches it. What it prints, it parses back."""

    @property
    def name(self) -> str:
        """The key in `DIALECTS`."""
        ...

    @property
    def convention(self) -> Convention:
        """What its coordinates count."""
        ...

    def frame(self, width: int, height: int, model_width: int, model_height: int) -> Frame:
        """The frame of a `width` x `height` screenshot that the model sees at `model_width` x `model_height`."""
        ...

    def prompt(self, space: ActionSpace, frame: Frame) -> str:
        """The system text that offers the actions of `space` on the model image of `frame`."""
        ...

    def print(self, action: Action, frame: Frame) -> str:
        """What a model would write for `action`; an ActionError where it cannot be written or is off screen."""
        ...

    def parse(self, text: str, frame: Frame) -> Action:
        """The action that a reply asks for, in pixels of the screen. Raises ActionError, whatever the text.

        Of several actions the first counts: the others were meant for a screen that will not come about.
        """
        ...

    def grammar(self, space: ActionSpace, frame: Frame, bounds: Bounds = BOUNDS) -> str | None:
        """What a reply has to look like to be an action of `space` on the image of `frame`; None where nobody knows.

        ValueError where the dialect has no action of `space`.
        """
        ...

    def writes(self, action: Action) -> bool:
        """Whether `print` can write `action`, wherever on the screen it points."""
        ...


_ALL: tuple[Tongue, ...] = (
    ANTHROPIC,
    FARA,
    OPENAI,
    PYAUTOGUI,
    QWEN2,
    QWEN25,
    QWEN25_MOBILE,
    QWEN3,
    UI_TARS_10,
    UI_TARS_15,
)

DIALECTS: Mapping[str, Dialect] = MappingProxyType({each.name: each for each in _ALL})
"""Every dialect by its name."""


def dialect(name: str) -> Dialect:
    """The dialect called `name`; a ValueError that lists the known ones where there is none."""
    if name not in DIALECTS:
        raise ValueError(f"no dialect {name!r}; known: {', '.join(sorted(DIALECTS))}")
    return DIALECTS[name]
