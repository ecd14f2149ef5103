"""Functions that models were trained to call, and the dialects that consist of calling one of them.

A function is data: its actions, its arguments and the words that describe it. From it come the system text, the check
that an action it does not have is neither written nor read, and the errors that list what it has.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from pydantic import JsonValue

from actions.action import Action, ActionError, Kind
from actions.calls import Call, find_call
from actions.fields import BOXES, Arguments, shorten
from actions.frame import Frame
from actions.space import ActionSpace
from actions.tongue import Place

Written: TypeAlias = dict[str, JsonValue]
Reader: TypeAlias = Callable[[Arguments], Action]


@dataclass(frozen=True)
class Verb:
    """One value of the argument `action`: what it does, which arguments it needs and which it may have.

    Some do, by their arguments, more kinds of action than one: `also` names the others.
    """

    name: str
    kind: Kind
    does: str
    needs: tuple[str, ...] = ()
    takes: tuple[str, ...] = ()
    also: frozenset[Kind] = frozenset()


@dataclass(frozen=True)
class Argument:
    """One argument of the function, with the JSON type and the values the signature states."""

    name: str
    type: str
    means: str
    values: tuple[str, ...] = ()


@dataclass(frozen=True)
class Function:
    """A function with everything a dialect does with it.

    `readers` may know more names than `verbs` offers: those that models use all the same. `notes` follow the first
    line of the description; `{size}` in them is the size of the image. With `agent_line` the signature's line has
    the two fields that qwen-agent wrote when Qwen2.5-VL was trained.
    """

    name: str
    notes: tuple[str, ...]
    verbs: tuple[Verb, ...]
    arguments: tuple[Argument, ...]
    readers: Mapping[str, Reader]
    writer: Callable[[Action, Place], Written]
    agent_line: bool = False

    def signature(self, space: ActionSpace, frame: Frame) -> dict[str, JsonValue]:
        """The function's name, description and parameters, for the actions of `space` and an image of `frame`."""
        verbs = [verb for verb in self.verbs if space.kinds & {verb.kind, *verb.also}]
        listed = "\n".join(f"* `{each.name}`: {each.does}" for each in verbs)
        properties: dict[str, JsonValue] = {
            "action": {
                "description": f"What to do, one of:\n{listed}",
                "enum": [verb.name for verb in verbs],
                "type": "string",
            }
        }
        for argument in self.arguments:
            if any(argument.name in verb.needs + verb.takes for verb in verbs):
                properties[argument.name] = _property(argument, verbs)
        size = f"{frame.model_width}x{frame.model_height}"
        return {
            "name": self.name,
            "description": "\n* ".join(self.notes).format(size=size),
            "parameters": {"properties": properties, "required": ["action"], "type": "object"},
        }

    def offer(self, space: ActionSpace, frame: Frame) -> str:
        """The system text that offers the function, in the shape that Qwen-VL models are trained on."""
        told = self.signature(space, frame)
        if self.agent_line:
            args_format = "Format the arguments as a JSON object."
            told = {"name_for_human": self.name, **told, "args_format": args_format}
        return _TOOLS.replace("{line}", json.dumps({"type": "function", "function": told}, ensure_ascii=False))

    def write(self, action: Action, place: Place) -> str:
        """The call that means `action`."""
        arguments = self.writer(action, place)
        names = [verb.name for verb in self.verbs]
        if arguments["action"] not in names:
            raise ActionError(f"{action.kind}: there is no {arguments['action']} here; known: {', '.join(names)}")
        call = {"name": self.name, "arguments": arguments}
        return f"<tool_call>\n{json.dumps(call, ensure_ascii=False)}\n</tool_call>"

    def read(self, text: str, frame: Frame) -> Action:
        """The action that a reply asks for, on the screen of `frame`. Raises ActionError and nothing else.

        Of several calls the first that can be read counts, see `find_call`. Arguments that an action has no
        use for are ignored, unless one may be a misspelt coordinate.
        """
        return self._act(find_call(text, self.name), frame)

    def _act(self, call: Call, frame: Frame) -> Action:
        verb = call.arguments.get("action")
        if verb is None and call.name in self.readers:  # the action's name in the place of the function's
            verb = call.name
        elif call.name not in ("", self.name, verb):
            raise ActionError(f"name: {shorten(call.name)} is no function here; call {self.name}")
        known = verb.strip().lower() if isinstance(verb, str) else ""
        if known not in self.readers:
            shown = "missing" if verb is None else shorten(verb)
            raise ActionError(f"action: {shown}; must be one of {', '.join(verb.name for verb in self.verbs)}")
        fields = frozenset({"action", *BOXES, *(argument.name for argument in self.arguments)})
        return self.readers[known](Arguments(call.arguments, frame, fields))


def _property(argument: Argument, verbs: list[Verb]) -> dict[str, JsonValue]:
    needed = [f"`action={verb.name}`" for verb in verbs if argument.name in verb.needs]
    taken = [f"`action={verb.name}`" for verb in verbs if argument.name in verb.takes]
    said = argument.means
    said += f" Required by {', '.join(needed)}." if needed else ""
    said += f" Optional with {', '.join(taken)}." if taken else ""
    shown: dict[str, JsonValue] = {"description": said}
    if argument.values:
        shown["enum"] = list(argument.values)
    return {**shown, "type": argument.type}


_TOOLS = """You are a helpful assistant.

# Tools

You may call one or more functions to assist with the user query.

You are provided with function signatures within <tools></tools> XML tags:
<tools>
{line}
</tools>

For each function call, return a json object with function name and arguments within <tool_call></tool_call> XML tags:
<tool_call>
{"name": <function-name>, "arguments": <args-json-object>}
</tool_call>"""
