"""The dialect of Qwen2.5-VL: calls of `computer_use`, absolute pixels of the resized image.

Distances (`pixels`) are screen pixels as they stand: they are no places, and are not scaled.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from pydantic import JsonValue

from actions.action import (
    MAX_SCROLL,
    Action,
    ActionError,
    Answer,
    AskUser,
    Back,
    Button,
    Click,
    Drag,
    Finish,
    Key,
    Move,
    Navigate,
    Point,
    Scroll,
    Select,
    Tab,
    Type,
    Upload,
    Wait,
)
from actions.calls import find_call
from actions.computer_use import ARGUMENTS, NAME, VERBS, tools
from actions.fields import BOXES, Arguments, shorten
from actions.frame import Frame
from actions.space import ActionSpace

Written = dict[str, JsonValue]
Place = Callable[[Point], JsonValue]

_CLICKS: Mapping[str, tuple[Button, int]] = MappingProxyType(
    {
        "left_click": ("left", 1),
        "right_click": ("right", 1),
        "middle_click": ("middle", 1),
        "double_click": ("left", 2),
        "triple_click": ("left", 3),
    }
)
_AT = ("coordinate", *BOXES)
_KNOWN = frozenset({"action", *BOXES, *(argument.name for argument in ARGUMENTS)})
_MAX_INDEX = 10_000


@dataclass(frozen=True)
class Qwen25:
    """The `qwen2.5` dialect; what cannot be written in it is in `print`."""

    name: str = "qwen2.5"

    def prompt(self, space: ActionSpace, frame: Frame) -> str:
        """The system text: the function `computer_use`, restricted to `space`, and the size of the image."""
        return tools(space, frame)

    def print(self, action: Action, frame: Frame) -> str:
        """The call that means `action`, its places in the model image.

        An ActionError for what computer_use has no words for: modifiers held while clicking, two or three clicks of
        another button than the left, drags through more than two points, scrolling both ways at once, and key names
        that would read as several keys. Likewise for a place that is not on the screen.
        """
        frame.check(action)

        def place(point: Point) -> JsonValue:
            there = frame.to_model(point)
            return [there.x, there.y]

        call = {"name": NAME, "arguments": _write(action, place)}
        return f"<tool_call>\n{json.dumps(call, ensure_ascii=False)}\n</tool_call>"

    def parse(self, text: str, frame: Frame) -> Action:
        """The action that a reply asks for, on the screen of `frame`. Raises ActionError and nothing else.

        Of several calls the first that can be read counts, see `find_call`. Arguments an action has no use for are
        ignored, unless one may be a misspelt coordinate.
        """
        call = find_call(text, NAME)
        verb = call.arguments.get("action")
        if verb is None and call.name in _VERBS:  # the action's name in the place of the function's
            verb = call.name
        elif call.name not in ("", NAME, verb):
            raise ActionError(f"name: {shorten(call.name)} is no function here; call {NAME}")
        if not isinstance(verb, str) or verb.strip().lower() not in _VERBS:
            shown = "missing" if verb is None else shorten(verb)
            raise ActionError(f"action: {shown}; must be one of {', '.join(_VERBS)}")
        verb = verb.strip().lower()
        return _VERBS[verb](verb, Arguments(call.arguments, frame, _KNOWN))

    def writes(self, action: Action) -> bool:
        """Whether `print` can write `action`, wherever on the screen it points."""
        try:
            _write(action, lambda point: [point.x, point.y])
        except ActionError:
            return False
        return True


def _write(action: Action, place: Place) -> Written:
    """The arguments of the call that means `action`; `place` turns a screen pixel into the model's."""
    match action:
        case Click():
            return {"action": _click_verb(action), **_at(action.at, place)}
        case Drag(path=(end,)):
            return {"action": "left_click_drag", "coordinate": place(end)}
        case Drag(path=(start, end)):
            return {"action": "left_click_drag", "coordinate": place(start), "coordinate2": place(end)}
        case Drag():
            raise ActionError(f"path: a drag through {len(action.path)} points cannot be written; give 1 or 2")
        case Move():
            return {"action": "mouse_move", "coordinate": place(action.at)}
        case Scroll():
            return _write_scroll(action, place)
        case Select():
            return {"action": "select_option", "coordinate": place(action.at), "text": action.label}
        case Upload():
            return {"action": "upload", "coordinate": place(action.at), "files": list(action.files)}
        case _:
            return _write_plain(action)


def _write_plain(action: Action) -> Written:
    """The arguments for an action that points at nothing."""
    match action:
        case Type():
            return {"action": "type", "text": action.text}
        case Key():
            return {"action": "key", "keys": list(_checked_keys(action.keys))}
        case Wait():
            whole = action.seconds.is_integer()
            return {"action": "wait", "time": int(action.seconds) if whole else action.seconds}
        case Navigate():
            return {"action": "goto_url", "url": action.url}
        case Back():
            return {"action": "go_back"}
        case Tab():
            if action.index > _MAX_INDEX:
                raise ActionError(f"index: {action.index} must be at most {_MAX_INDEX}")
            return {"action": "switch_tab", "index": action.index}
        case Answer():
            return {"action": "answer", "text": action.text}
        case AskUser():
            return {"action": "ask_user", "text": action.question}
        case Finish():
            status = "success" if action.success else "failure"
            return {"action": "terminate", "status": status, **({"text": action.text} if action.text else {})}
    raise AssertionError(f"{action.kind} points at something")


def _at(at: Point | None, place: Place) -> Written:
    return {} if at is None else {"coordinate": place(at)}


def _click_verb(action: Click) -> str:
    if action.modifiers:
        raise ActionError(f"modifiers: {', '.join(action.modifiers)} cannot be held while clicking; leave them out")
    for verb, pressed in _CLICKS.items():
        if pressed == (action.button, action.count):
            return verb
    raise ActionError(f"count: {action.count} clicks of the {action.button} button cannot be written; give 1")


def _write_scroll(action: Scroll, place: Place) -> Written:
    """`scroll` counts upwards, where a canonical scroll counts downwards; `hscroll` counts to the right."""
    if action.dx and action.dy:
        raise ActionError(f"dx, dy: ({action.dx}, {action.dy}) scrolls both ways at once; give one of them")
    verb, pixels = ("hscroll", action.dx) if action.dx else ("scroll", -action.dy)
    return {"action": verb, **_at(action.at, place), "pixels": pixels}


def _checked_keys(keys: tuple[str, ...]) -> tuple[str, ...]:
    for key in keys:
        if _split(key) != (key,):
            raise ActionError(f"keys: {shorten(key)} reads as several keys; list them one by one")
    return keys


def _split(key: str) -> tuple[str, ...]:
    """The keys of a chord written as one, such as "ctrl+s"; a plus sign at the end is the key itself."""
    body, plus, last = key.rpartition("+")
    if not plus or not body.strip("+"):
        return (key,)
    if not last:  # "ctrl++"
        return (*(part for part in body.split("+") if part), "+")
    return tuple(part for part in key.split("+") if part)


def _read_click(verb: str, given: Arguments) -> Action:
    button, count = _CLICKS[verb]
    return Click(at=given.place(*_AT), button=button, count=count)


def _read_drag(_verb: str, given: Arguments) -> Action:
    first = given.point(*_AT, box=False)
    if given.values.get("coordinate2") is None:
        return Drag(path=(first,))
    return Drag(path=(first, given.point("coordinate2", box=False)))


def _read_scroll(verb: str, given: Arguments) -> Action:
    at = given.place(*_AT)
    pixels = round(given.number("pixels", -MAX_SCROLL, MAX_SCROLL))
    return Scroll(at=at, dx=pixels) if verb == "hscroll" else Scroll(at=at, dy=-pixels)


def _read_key(_verb: str, given: Arguments) -> Action:
    field = "keys" if given.values.get("keys") is not None or given.values.get("text") is None else "text"
    return Key(keys=tuple(part for key in given.texts(field) for part in _split(key)))


def _read_tab(_verb: str, given: Arguments) -> Action:
    index = given.number("index", 0, _MAX_INDEX)
    if index != int(index):
        raise ActionError(f"index: {index} must be a whole number")
    return Tab(index=int(index))


def _read_finish(_verb: str, given: Arguments) -> Action:
    success = given.choice("status", ("success", "failure")) == "success"
    return Finish(success=success, text=given.text("text", missing=""))


def _read_url(_verb: str, given: Arguments) -> Action:
    if not (url := given.text("url", "text")):
        raise ActionError("url: empty; give an address")
    return Navigate(url=url)


_VERBS: Mapping[str, Callable[[str, Arguments], Action]] = MappingProxyType(
    {
        **dict.fromkeys(_CLICKS, _read_click),
        "left_click_drag": _read_drag,
        "mouse_move": lambda _, given: Move(at=given.point(*_AT)),
        "scroll": _read_scroll,
        "hscroll": _read_scroll,
        "key": _read_key,
        "type": lambda _, given: Type(text=given.text("text")),
        "wait": lambda _, given: Wait(seconds=given.number("time", 0, 60)),
        "terminate": _read_finish,
        "answer": lambda _, given: Answer(text=given.text("text")),
        "goto_url": _read_url,
        "go_back": lambda _verb, _given: Back(),
        "switch_tab": _read_tab,
        "select_option": lambda _, given: Select(at=given.point(*_AT), label=given.text("text")),
        "upload": lambda _, given: Upload(at=given.point(*_AT), files=given.texts("files")),
        "ask_user": lambda _, given: AskUser(question=given.text("text", "question")),
    }
)
assert set(_VERBS) == {verb.name for verb in VERBS}
