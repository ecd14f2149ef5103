"""The dialect of Qwen2-VL: "*FUNCTION*: Tap *ARGS*: {"point": (348,291)}", places in 0..1000 (paper, section 2.2.1).

Tap and Home are the paper's; the other functions are ours, in its manner, since it does not list them. qwen-agent
writes the same with ✿ in the place of the asterisk. Nothing but a call ends an episode: prose may be a slip.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from pydantic import JsonValue

from actions.action import (
    MAX_SCROLL,
    MAX_SECONDS,
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
    Point,
    Scroll,
    Type,
    Wait,
)
from actions.fields import BOXES, Arguments, ends, only, seconds, shorten
from actions.frame import Frame
from actions.functions import Reader
from actions.lines import qwen2_grammar
from actions.parser import read_navigate, read_terminate
from actions.reader import Reader as Values
from actions.reader import Unreadable
from actions.space import ActionSpace
from actions.tongue import HOME, Place, Tongue

_CALL = re.compile(r"[*✿]FUNCTION[*✿]\s{0,8}:\s{0,8}([A-Za-z_]{1,40})\s{0,8}[*✿]ARGS[*✿]\s{0,8}:\s{0,8}", re.IGNORECASE)


@dataclass(frozen=True)
class Entry:
    """One function: what it does, and its parameters with their meanings."""

    name: str
    kind: Kind
    does: str
    parameters: Mapping[str, str]
    reader: Reader


_POINT = {"point": "The place, as (x, y) with x and y from 0 to 1000."}
_TEXT = {"text": "The text."}


def _tap(given: Arguments) -> Action:
    return Click(at=given.point("point", *BOXES))


def _double(given: Arguments) -> Action:
    return Click(at=given.point("point", *BOXES), count=2)


def _press(given: Arguments) -> Action:
    held = given.number("seconds", 0, MAX_SECONDS) if given.has("seconds") else 1.0
    return Click(at=given.point("point", *BOXES), hold=held)


def _swipe(given: Arguments) -> Action:
    return Drag(path=(given.point("start", box=False), given.point("end", box=False)))


def _scroll(given: Arguments) -> Action:
    shift = {
        field: round(given.number(field, -MAX_SCROLL, MAX_SCROLL)) if given.has(field) else 0 for field in ("dx", "dy")
    }
    return Scroll(at=given.place("point", *BOXES), dx=shift["dx"], dy=shift["dy"])


ENTRIES = (
    Entry("Tap", "click", "A tap, or a click.", _POINT, _tap),
    Entry("DoubleTap", "click", "Two taps at once.", _POINT, _double),
    Entry("LongPress", "click", "A tap that holds.", {**_POINT, "seconds": "How long."}, _press),
    Entry("Swipe", "drag", "A swipe, or a drag.", {"start": "From (x, y).", "end": "To (x, y)."}, _swipe),
    Entry("Hover", "move", "Bring the pointer there.", _POINT, lambda given: Move(at=given.point("point", *BOXES))),
    Entry(
        "Scroll",
        "scroll",
        "Scroll the page.",
        {**_POINT, "dx": "Screen pixels to the right.", "dy": "Screen pixels down."},
        _scroll,
    ),
    Entry("Type", "type", "Enter text.", _TEXT, lambda given: Type(text=given.text("text"))),
    Entry("Key", "key", "Press keys together.", {"keys": "Their names."}, lambda given: Key(keys=given.texts("keys"))),
    Entry("Home", "navigate", "Go to an empty page.", {}, lambda given: Navigate(url=HOME)),
    Entry("Back", "back", "Go back to what was shown before.", {}, lambda given: Back()),
    Entry("Open", "navigate", "Open an address.", {"url": "The address."}, read_navigate),
    Entry(
        "Wait",
        "wait",
        "Let time pass.",
        {"seconds": "At most 60."},
        lambda given: Wait(seconds=given.number("seconds", 0, MAX_SECONDS)),
    ),
    Entry("Answer", "answer", "Tell the user.", _TEXT, lambda given: Answer(text=given.text("text"))),
    Entry("Ask", "ask_user", "Ask the user.", _TEXT, lambda given: AskUser(question=given.text("text"))),
    Entry(
        "Finish", "finish", "End the task.", {"status": "success or failure.", "text": "A last word."}, read_terminate
    ),
)
_BY_NAME: Mapping[str, Entry] = MappingProxyType({each.name.lower(): each for each in ENTRIES})


def _read(text: str, frame: Frame) -> Action:
    values, problem = Values(text), "the reply holds no call"
    for found in _CALL.finditer(text):
        if values.spent:
            break
        try:
            arguments, _ = values.read(found.end())
        except Unreadable as wrong:
            problem = f"the arguments of {found[1]} cannot be read: {wrong}"
            continue
        return _act(found[1], arguments, frame)
    raise ActionError(f'{problem}; write exactly one *FUNCTION*: Tap *ARGS*: {{"point": (x,y)}}')


def _act(name: str, arguments: JsonValue, frame: Frame) -> Action:
    entry = _BY_NAME.get(name.lower())
    if entry is None:
        raise ActionError(f"{shorten(name)} is no function; use one of {', '.join(each.name for each in ENTRIES)}")
    if not isinstance(arguments, dict):
        raise ActionError(f"ARGS: {shorten(arguments)} is no JSON object")
    return entry.reader(Arguments(arguments, frame, frozenset({*entry.parameters, *BOXES})))


def _write(action: Action, place: Place) -> str:
    name, arguments = _print(action)
    shown = [
        f'"{field}": ({there.x},{there.y})'
        for field, point in arguments.items()
        if isinstance(point, Point)
        for there in (place(point),)
    ]
    rest = {field: value for field, value in arguments.items() if not isinstance(value, Point)}
    shown += [f"{json.dumps(field)}: {json.dumps(value, ensure_ascii=False)}" for field, value in rest.items()]
    return f"*FUNCTION*: {name} *ARGS*: {{{', '.join(shown)}}}"


def _print(action: Action) -> tuple[str, Mapping[str, JsonValue | Point]]:
    match action:
        case Click() | Drag() | Move() | Scroll():
            return _pointer(action)
        case Type():
            only("at", action.at, None)
            only("replace", action.replace, False)
            return "Type", {"text": action.text}
        case Key():
            only("count", action.count, 1)
            only("hold", action.hold, 0)
            return "Key", {"keys": list(action.keys)}
        case Wait():
            return "Wait", {"seconds": seconds(action.seconds)}
        case Navigate():
            return ("Home", {}) if action.url == HOME else ("Open", {"url": action.url})
        case Back():
            return "Back", {}
        case Answer():
            return "Answer", {"text": action.text}
        case AskUser():
            return "Ask", {"text": action.question}
        case Finish():
            return "Finish", {"status": "success" if action.success else "failure", "text": action.text}
        case _:
            raise ActionError(f"{action.kind}: Qwen2-VL has no words for it")


def _pointer(action: Click | Drag | Move | Scroll) -> tuple[str, Mapping[str, JsonValue | Point]]:
    match action:
        case Click():
            return _taps(action)
        case Drag():
            start, end = ends(action.path)
            return "Swipe", {"start": start, "end": end}
        case Move():
            return "Hover", {"point": action.at}
        case Scroll():
            where: dict[str, JsonValue | Point] = {"point": action.at} if action.at else {}
            return "Scroll", {**where, "dx": action.dx, "dy": action.dy}


def _taps(action: Click) -> tuple[str, Mapping[str, JsonValue | Point]]:
    only("button", action.button, "left")
    only("modifiers", action.modifiers, ())
    if action.at is None:
        raise ActionError("at: a tap without a place cannot be written")
    if action.hold:
        only("count", action.count, 1)
        return "LongPress", {"point": action.at, "seconds": seconds(action.hold)}
    if action.count == 3:
        raise ActionError("count: three taps cannot be written; give 1 or 2")
    return ("Tap", "DoubleTap")[action.count - 1], {"point": action.at}


def _offer(space: ActionSpace, frame: Frame) -> str:
    parts = []
    for entry in ENTRIES:
        if entry.kind in space.kinds:
            listed = [
                {"name": name, "description": means, "required": name != "seconds"}
                for name, means in entry.parameters.items()
            ]
            parts.append(f"### {entry.name}\n{entry.name}: {entry.does} Parameters: {json.dumps(listed)}")
    names = ", ".join(entry.name for entry in ENTRIES if entry.kind in space.kinds)
    return (
        "You are a helpful assistant.\n# Actions\n## You can do the following.\n"
        + "\n".join(parts)
        + "\n## Act, one action a turn, until the task is done.\n"
        + f"*FUNCTION*: The action, one of {names}.\n*ARGS*: Its parameters.\n"
    )


QWEN2 = Tongue("qwen2", "thousand", _offer, _write, _read, qwen2_grammar)
