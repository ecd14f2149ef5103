"""The dialect of Qwen2.5-VL: calls of `computer_use`, absolute pixels of the resized image.

Distances (`pixels`) are screen pixels as they stand: they are no places, and are not scaled.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from pydantic import JsonValue

from actions.action import Action, ActionError, Point
from actions.calls import find_call
from actions.frame import Frame
from actions.parser import parse_call
from actions.printer import print_arguments
from actions.signature import NAME, tools
from actions.space import ActionSpace


@dataclass(frozen=True)
class Qwen25:
    """The `qwen2.5` dialect."""

    name: str = "qwen2.5"

    def frame(self, width: int, height: int, model_width: int, model_height: int) -> Frame:
        """The resized image itself."""
        return Frame(width, height, model_width, model_height)

    def prompt(self, space: ActionSpace, frame: Frame) -> str:
        """The system text: the function `computer_use`, restricted to `space`, and the size of the image."""
        return tools(space, frame)

    def print(self, action: Action, frame: Frame) -> str:
        """The call that means `action`, its places in the model image.

        An ActionError for what computer_use has no words for: modifiers held while clicking, two or three
        clicks of another button than the left, drags through more than two points, scrolling both ways at
        once, and a key name that would read as several keys. Likewise for a place that is off the screen.
        """
        frame.check(action)

        def place(point: Point) -> JsonValue:
            there = frame.to_model(point)
            return [there.x, there.y]

        call = {"name": NAME, "arguments": print_arguments(action, place)}
        return f"<tool_call>\n{json.dumps(call, ensure_ascii=False)}\n</tool_call>"

    def parse(self, text: str, frame: Frame) -> Action:
        """The action that a reply asks for, on the screen of `frame`. Raises ActionError and nothing else.

        Of several calls the first that can be read counts, see `find_call`. Arguments that an action has no
        use for are ignored, unless one may be a misspelt coordinate.
        """
        return parse_call(find_call(text, NAME), frame)

    def writes(self, action: Action) -> bool:
        """Whether `print` can write `action`, wherever on the screen it points."""
        try:
            print_arguments(action, lambda point: [point.x, point.y])
        except ActionError:
            return False
        return True
