"""What a call may look like, as a grammar that a decoder can follow (llguidance's variant of Lark).

It allows what the dialect writes, in the order in which it writes it: actions of the space alone, places on the image
alone, keys that there are. Texts are free but bounded. A special token stands without quotes, see `model.grammar`.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from actions.action import ActionError
from actions.fields import Arguments
from actions.frame import Frame
from actions.functions import Argument, Function, Verb
from actions.space import ActionSpace
from actions.terms import BOUNDS, Bounds, json_terms, literal, numbers, regex

ORDER = (
    *("coordinate", "coordinate2", "keys", "pixels", "status", "button", "index", "url", "query", "fact", "question"),
    *("text", "files", "press_enter", "delete_existing_text", "time", "answer"),
)
"""Arguments in the order in which every function here is written."""

RULES: Mapping[str, str] = MappingProxyType(
    {
        "coordinate": "place",
        "coordinate2": "place",
        "keys": "keys",
        "pixels": "PIXELS",
        "index": "INDEX",
        "status": "STATUS",
        "url": "WORD",
        "files": "files",
        "press_enter": "FLAG",
        "delete_existing_text": "FLAG",
        "time": "SECONDS",
    }
)
"""What an argument holds that neither lists its values nor is a text."""


def call_grammar(function: Function, space: ActionSpace, frame: Frame, bounds: Bounds = BOUNDS) -> str:
    """The grammar of one call of `function` in its tags, a thought before it or not.

    ValueError where the function has nothing for this space.
    """
    verbs = [form for verb in function.verbs if (form := _verb(function, verb, space, frame))]
    if not verbs:
        raise ValueError(f"{function.name}: has no action of {', '.join(space.ordered)}; expected one that it has")
    head, tail = f'\n{{"name": "{function.name}", "arguments": {{"action": ', "}}\n"
    return "\n".join(
        [
            f"start: {thought(bounds)}<tool_call> {literal(head)} verb {literal(tail)} </tool_call>",
            "verb: " + " | ".join(verbs),
            'place: "[" X ", " Y "]"',
            *numbers(frame),
            *json_terms(bounds),
            *prose(bounds),
        ]
    )


def thought(bounds: Bounds) -> str:
    """A thought in front of a call, as part of a rule."""
    return "(thinking | PROSE)? " if bounds.thought else ""


def prose(bounds: Bounds, barred: str = "") -> list[str]:
    """The rules of thoughts; they hold nothing that begins a tag or an object, and none of `barred`."""
    if not bounds.thought:
        return []
    tagged = " | ".join(f"<{tag}> PROSE </{tag}> LINES" for tag in ("think", "thinking"))
    letter = rf"[^<{{{barred}\x00-\x08\x7f]"
    return [f"thinking: {tagged}", r"LINES: /\n{0,2}/", f"PROSE: {regex(f'{letter}{{1,{bounds.thought}}}')}"]


def _verb(function: Function, verb: Verb, space: ActionSpace, frame: Frame) -> str:
    """The alternative for one action; empty where it does nothing that the space has."""
    fields = {argument.name: argument for argument in function.arguments}
    parts = [literal(f'"{verb.name}"')]
    for name in sorted((*verb.needs, *verb.takes), key=ORDER.index):
        values = _values(function, verb, fields[name], space, frame)
        if values == ():
            return ""
        rule = " | ".join(literal(f'"{value}"') for value in values) if values else _rule(verb, name)
        part = f"{literal(f', {chr(34)}{name}{chr(34)}: ')} ({rule})"
        parts.append(part if name in verb.needs else f"({part})?")
    return " ".join(parts) if verb.also or verb.kind in space.kinds else ""


def _rule(verb: Verb, name: str) -> str:
    return "KEY" if verb.kind == "key" and name == "text" else RULES.get(name, "TEXT")


def _values(
    function: Function, verb: Verb, argument: Argument, space: ActionSpace, frame: Frame
) -> tuple[str, ...] | None:
    """The values that the argument lists and that mean an action of the space; None where it lists none."""
    if not argument.values or not verb.also:
        return argument.values or None
    return tuple(
        value for value in argument.values if _kind(function, verb, {argument.name: value}, frame) in space.kinds
    )


def _kind(function: Function, verb: Verb, values: Mapping[str, str], frame: Frame) -> str:
    try:
        return function.readers[verb.name](Arguments(dict(values), frame, frozenset(values))).kind
    except ActionError:
        return ""
