"""Which actions a screen allows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import get_args

from pydantic import BaseModel, JsonValue
from pydantic.json_schema import models_json_schema

from actions.action import (
    Action,
    ActionError,
    Answer,
    AskUser,
    Back,
    Click,
    Drag,
    Finish,
    Key,
    Kind,
    Move,
    Navigate,
    Scroll,
    Select,
    Tab,
    Type,
    Upload,
    Wait,
)
from actions.frame import Frame

KINDS: tuple[Kind, ...] = get_args(Kind)

_TYPES: Mapping[Kind, type[BaseModel]] = MappingProxyType(
    {
        "click": Click,
        "drag": Drag,
        "move": Move,
        "scroll": Scroll,
        "type": Type,
        "key": Key,
        "wait": Wait,
        "navigate": Navigate,
        "back": Back,
        "tab": Tab,
        "select": Select,
        "upload": Upload,
        "answer": Answer,
        "ask_user": AskUser,
        "finish": Finish,
    }
)


@dataclass(frozen=True)
class ActionSpace:
    """The kinds of action that may be done, in any order; at least one."""

    kinds: frozenset[Kind]

    def __post_init__(self) -> None:
        object.__setattr__(self, "kinds", frozenset(self.kinds))
        unknown = sorted(str(kind) for kind in self.kinds if kind not in KINDS)
        if unknown or not self.kinds:
            raise ValueError(f"kinds: {unknown or 'none given'}; known: {', '.join(KINDS)}")

    @classmethod
    def of(cls, *kinds: Kind) -> ActionSpace:
        """The space of exactly these kinds."""
        return cls(frozenset(kinds))

    @classmethod
    def browser(cls) -> ActionSpace:
        """All there is: pointer, keyboard, tabs, drop-down lists, files and the person who asked."""
        return cls(frozenset(KINDS))

    @classmethod
    def desktop(cls) -> ActionSpace:
        """Pointer, keyboard and the person who asked, without what only a browser can do."""
        return cls(frozenset(KINDS) - {"navigate", "back", "tab", "select", "upload"})

    @classmethod
    def pointer(cls) -> ActionSpace:
        """The mouse alone, and the words that end an episode."""
        return cls.of("click", "drag", "move", "scroll", "wait", "finish")

    @property
    def ordered(self) -> tuple[Kind, ...]:
        """The kinds in the order in which `Kind` lists them."""
        return tuple(kind for kind in KINDS if kind in self.kinds)

    def check(self, action: Action) -> Action:
        """`action` itself where its kind is allowed; otherwise an ActionError that lists what is."""
        if action.kind not in self.kinds:
            raise ActionError(f"{action.kind}: not possible here; allowed: {', '.join(self.ordered)}")
        return action

    def json_schema(self, frame: Frame | None = None) -> dict[str, JsonValue]:
        """A function signature for tool calling: `act(action)`, where `action` is one of the allowed actions.

        Actions stand in their canonical form, in screen pixels; `frame` bounds them to its screen.
        """
        types = [_TYPES[kind] for kind in self.ordered]
        _, found = models_json_schema([(each, "validation") for each in types])
        definitions: dict[str, JsonValue] = {name: _closed(schema, frame) for name, schema in found["$defs"].items()}
        choices: list[JsonValue] = [{"$ref": f"#/$defs/{each.__name__}"} for each in types]
        return {
            "name": "act",
            "description": "Do one thing to the screen. Coordinates are whole pixels of the screenshot.",
            "parameters": {
                "type": "object",
                "properties": {"action": {"oneOf": choices}},
                "required": ["action"],
                "$defs": definitions,
            },
        }


def _closed(schema: dict[str, JsonValue], frame: Frame | None) -> dict[str, JsonValue]:
    """One definition with `kind` required, since it tells the actions apart, and the pixels bounded."""
    fields, required = schema["properties"], schema.get("required", [])
    assert isinstance(fields, dict)
    assert isinstance(required, list)
    if "kind" in fields:
        return {**schema, "required": ["kind", *required]}
    if frame is None:
        return schema
    bounds: dict[str, JsonValue] = {
        "x": {"type": "integer", "minimum": 0, "maximum": frame.width - 1},
        "y": {"type": "integer", "minimum": 0, "maximum": frame.height - 1},
    }
    return {**schema, "properties": bounds}
