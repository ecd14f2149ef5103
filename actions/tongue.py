"""What every dialect has in common: a name, a convention, and three functions that prompt, write and read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from actions.action import Action, ActionError, Point
from actions.frame import Convention, Frame
from actions.space import ActionSpace
from actions.terms import BOUNDS, Bounds

HOME = "about:blank"
"""The page that a phone's home button opens: a browser has no home screen."""

Place: TypeAlias = Callable[[Point], Point]
"""Brings a pixel of the screen to where a model sees it."""


@dataclass(frozen=True)
class Tongue:
    """A dialect made of its parts.

    `write` is handed an action whose places are on the screen, and raises ActionError for what it has no words for,
    wherever it points. `read` raises ActionError and nothing else. `form` is the grammar of what it writes.
    """

    name: str
    convention: Convention
    offer: Callable[[ActionSpace, Frame], str]
    write: Callable[[Action, Place], str]
    read: Callable[[str, Frame], Action]
    form: Callable[[ActionSpace, Frame, Bounds], str] | None = None

    def frame(self, width: int, height: int, model_width: int, model_height: int) -> Frame:
        """The frame of a screenshot that the model sees at `model_width` x `model_height`."""
        return Frame.of(self.convention, width, height, model_width, model_height)

    def prompt(self, space: ActionSpace, frame: Frame) -> str:
        """The system text that offers the actions of `space` on the model image of `frame`."""
        return self.offer(space, frame)

    def print(self, action: Action, frame: Frame) -> str:
        """What a model would write for `action`; an ActionError where it cannot be written or is off screen."""
        return self.write(frame.check(action), frame.to_model)

    def parse(self, text: str, frame: Frame) -> Action:
        """The action that a reply asks for, in pixels of the screen. Raises ActionError, whatever the text."""
        return self.read(text, frame)

    def writes(self, action: Action) -> bool:
        """Whether `print` can write `action`, wherever on the screen it points."""
        try:
            self.write(action, lambda point: point)
        except ActionError:
            return False
        return True

    def grammar(self, space: ActionSpace, frame: Frame, bounds: Bounds = BOUNDS) -> str | None:
        """What a reply has to look like, see `actions.grammar`; None where the dialect has no grammar."""
        return self.form(space, frame, bounds) if self.form else None
