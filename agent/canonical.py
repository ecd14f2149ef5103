"""The dialect of scripts and people: an action as its own JSON, in screen pixels."""

from __future__ import annotations

import json
from dataclasses import dataclass

from pydantic import ValidationError

from actions import ADAPTER, Action, ActionError, ActionSpace, Bounds, Convention, Frame


@dataclass(frozen=True)
class Canonical:
    """Writes every action there is, and reads back exactly what it wrote."""

    name: str = "canonical"
    convention: Convention = "screen"

    def frame(self, width: int, height: int, model_width: int, model_height: int) -> Frame:
        """The screen itself: nothing is resized."""
        return Frame.of(self.convention, width, height, model_width, model_height)

    def prompt(self, space: ActionSpace, frame: Frame) -> str:
        """The JSON Schema of an action, and the size of the screen."""
        schema = json.dumps(ADAPTER.json_schema())
        return f"Screen: {frame.width}x{frame.height} pixels. Reply with one JSON object of the schema {schema}"

    def print(self, action: Action, frame: Frame) -> str:
        """`action` as one line of JSON."""
        return ADAPTER.dump_json(action).decode()

    def parse(self, text: str, frame: Frame) -> Action:
        """The action that `text` holds; `ActionError` names the first field that is wrong."""
        try:
            action = ADAPTER.validate_json(text)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            place = ".".join(str(part) for part in first["loc"]) or "reply"
            raise ActionError(f"{place}: {first['msg']}") from error
        return frame.check(action)

    def grammar(self, space: ActionSpace, frame: Frame, bounds: Bounds | None = None) -> str | None:
        """None: people and scripts write as they like."""
        return None

    def writes(self, action: Action) -> bool:
        """Always: this dialect has a word for everything."""
        return True
