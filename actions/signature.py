"""The function `computer_use` that Qwen2.5-VL was trained to call: its actions, its arguments, its signature.

The actions from `key` to `answer` are those of the models' own function (of Qwen3-VL's version: triple_click, hscroll
and answer). What stands below them, and `coordinate2`, is ours: a browser offers more than a mouse and a keyboard.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from pydantic import JsonValue

from actions.action import Button, Kind
from actions.frame import Frame
from actions.space import ActionSpace

NAME = "computer_use"

_LISTED = re.compile(r"(?:keys\s*+=\s*+)?\[\s*+(?=['\"])")

CLICKS: Mapping[str, tuple[Button, int]] = MappingProxyType(
    {
        "left_click": ("left", 1),
        "right_click": ("right", 1),
        "middle_click": ("middle", 1),
        "double_click": ("left", 2),
        "triple_click": ("left", 3),
    }
)
"""The button and the count of each click there is."""


@dataclass(frozen=True)
class Verb:
    """One value of the argument `action`: what it does, which arguments it needs and which it may have."""

    name: str
    kind: Kind
    does: str
    needs: tuple[str, ...] = ()
    takes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Argument:
    """One argument of the function, with the JSON type and the values the signature states."""

    name: str
    type: str
    means: str
    values: tuple[str, ...] = ()


VERBS = (
    Verb("key", "key", "Press the given keys in their order, then let go of them in reverse.", ("keys",)),
    Verb("type", "type", "Enter text with the keyboard.", ("text",)),
    Verb("mouse_move", "move", "Bring the mouse cursor to (x, y) without clicking.", ("coordinate",)),
    Verb("left_click", "click", "Click at (x, y) with the left mouse button.", (), ("coordinate",)),
    Verb(
        "left_click_drag",
        "drag",
        "Hold the left mouse button from where the cursor is to (x, y); with `coordinate2`, from (x, y) to there.",
        ("coordinate",),
        ("coordinate2",),
    ),
    Verb("right_click", "click", "Click at (x, y) with the right mouse button.", (), ("coordinate",)),
    Verb("middle_click", "click", "Click at (x, y) with the middle mouse button.", (), ("coordinate",)),
    Verb("double_click", "click", "Click twice at (x, y) with the left mouse button.", (), ("coordinate",)),
    Verb("triple_click", "click", "Click three times at (x, y), left button.", (), ("coordinate",)),
    Verb("scroll", "scroll", "Turn the mouse wheel up or down.", ("pixels",), ("coordinate",)),
    Verb("hscroll", "scroll", "Turn the mouse wheel sideways.", ("pixels",), ("coordinate",)),
    Verb("wait", "wait", "Let some seconds pass, so that the screen can change.", ("time",)),
    Verb("terminate", "finish", "End the task and state how it went.", ("status",), ("text",)),
    Verb("answer", "answer", "Tell the user what was asked for.", ("text",)),
    Verb("goto_url", "navigate", "Open an address in the current tab.", ("url",)),
    Verb("go_back", "back", "Go back to the previous page."),
    Verb("switch_tab", "tab", "Show the tab with this number.", ("index",)),
    Verb(
        "select_option",
        "select",
        "Choose the option labelled `text` in the drop-down list at (x, y).",
        ("coordinate", "text"),
    ),
    Verb("upload", "upload", "Give files to the file input at (x, y).", ("coordinate", "files")),
    Verb("ask_user", "ask_user", "Ask the user a question.", ("text",)),
)

ARGUMENTS = (
    Argument("keys", "array", "The names of the keys."),
    Argument("text", "string", "The text, answer, question or label."),
    Argument("coordinate", "array", "[x, y]: pixels from the left and from the top edge of the screenshot."),
    Argument("coordinate2", "array", "[x, y]: where a drag that starts at `coordinate` ends."),
    Argument("pixels", "number", "How far: scroll is up when positive, down when negative; hscroll is right or left."),
    Argument("time", "number", "Seconds, at most 60."),
    Argument("status", "string", "Whether the task was done.", ("success", "failure")),
    Argument("url", "string", "The address."),
    Argument("index", "number", "The number of the tab; the first is 0."),
    Argument("files", "array", "The paths of the files."),
)


def signature(space: ActionSpace, frame: Frame) -> dict[str, JsonValue]:
    """The function's name, description and parameters, for the actions of `space` and an image of `frame`."""
    verbs = [verb for verb in VERBS if verb.kind in space.kinds]
    properties: dict[str, JsonValue] = {
        "action": {
            "description": "What to do, one of:\n" + "\n".join(f"* `{each.name}`: {each.does}" for each in verbs),
            "enum": [verb.name for verb in verbs],
            "type": "string",
        }
    }
    for argument in ARGUMENTS:
        if any(argument.name in verb.needs + verb.takes for verb in verbs):
            properties[argument.name] = _property(argument, verbs)
    return {
        "name": NAME,
        "description": (
            "Control a computer by its mouse and keyboard, one action a call.\n"
            f"* The screen's resolution is {frame.model_width}x{frame.model_height}, and all you know of it is the "
            "latest screenshot.\n"
            "* Point at the middle of what you mean to click, not at its edge.\n"
            "* Where a page is still loading, wait and look again."
        ),
        "parameters": {"properties": properties, "required": ["action"], "type": "object"},
    }


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


def tools(space: ActionSpace, frame: Frame) -> str:
    """The system text that offers the function, in the shape that Qwen2.5-VL was trained on.

    The signature's line is the one of qwen-agent at the models' release, with `name_for_human` and `args_format`.
    """
    told = signature(space, frame)
    line = {
        "type": "function",
        "function": {
            "name_for_human": NAME,
            **told,
            "args_format": "Format the arguments as a JSON object.",
        },
    }
    return (
        "You are a helpful assistant.\n\n"
        "# Tools\n\n"
        "You may call one or more functions to assist with the user query.\n\n"
        "You are provided with function signatures within <tools></tools> XML tags:\n"
        "<tools>\n"
        f"{json.dumps(line, ensure_ascii=False)}\n"
        "</tools>\n\n"
        "For each function call, return a json object with function name and arguments within "
        "<tool_call></tool_call> XML tags:\n"
        "<tool_call>\n"
        '{"name": <function-name>, "arguments": <args-json-object>}\n'
        "</tool_call>"
    )


def split_keys(written: tuple[str, ...]) -> tuple[str, ...]:
    """The keys one by one, of chords and of a list that was written as text, such as "keys=['ctrl'", "'c']"."""
    whole = ", ".join(written).strip()
    if found := _LISTED.match(whole):
        parts = (part.strip(" '\"") for part in whole[found.end() :].removesuffix("]").split(","))
        written = tuple(part for part in parts if part) or written
    return tuple(part for key in written for part in _split_chord(key))


def _split_chord(key: str) -> tuple[str, ...]:
    """The keys of a chord written as one, such as "ctrl+s"; a plus sign at the end is the key itself."""
    body, plus, last = key.strip().rpartition("+")
    if not plus or not body.strip("+ "):
        return (key,)
    parts = (part.strip() for part in f"{body}+{last}".split("+"))
    return (*(part for part in parts if part), *(() if last else ("+",)))  # "ctrl++"
