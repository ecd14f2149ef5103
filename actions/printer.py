"""Writes an action as the arguments of `computer_use`."""

from __future__ import annotations

from pydantic import JsonValue

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
from actions.chord import split_keys
from actions.fields import only, seconds, shorten
from actions.functions import Written
from actions.parser import CLICKS
from actions.tongue import Place


def print_arguments(action: Action, place: Place) -> Written:
    """The arguments that mean `action`; `place` turns a pixel of the screen into what stands in the call.

    Raises ActionError for an action that `computer_use` cannot express.
    """
    match action:
        case Click():
            return {"action": _click(action), **at(action.at, place)}
        case Drag():
            return {"action": "left_click_drag", **_path(action.path, place)}
        case Move():
            return {"action": "mouse_move", **at(action.at, place)}
        case Scroll():
            return _scroll(action, place)
        case Select():
            return {"action": "select_option", **at(action.at, place), "text": action.label}
        case Upload():
            return {"action": "upload", **at(action.at, place), "files": list(action.files)}
        case Back():
            return {"action": "go_back"}
        case Tab():
            return {"action": "switch_tab", "index": action.index}
        case Key():
            return {"action": "key", "keys": _keys(action)}
        case Wait():
            return {"action": "wait", "time": seconds(action.seconds)}
        case Type() | Navigate() | Answer() | AskUser() | Finish():
            return _words(action)


def _words(action: Type | Navigate | Answer | AskUser | Finish) -> Written:
    match action:
        case Type():
            only("at", action.at, None)
            only("replace", action.replace, False)
            return {"action": "type", "text": action.text}
        case Navigate():
            return {"action": "goto_url", "url": action.url}
        case Answer():
            return {"action": "answer", "text": action.text}
        case AskUser():
            return {"action": "ask_user", "text": action.question}
        case Finish():
            status: Written = {"action": "terminate", "status": "success" if action.success else "failure"}
            return {**status, "text": action.text} if action.text else status


def _click(action: Click) -> str:
    only("hold", action.hold, 0)
    if action.modifiers:
        held = ", ".join(action.modifiers)
        raise ActionError(f"modifiers: a click with {held} held cannot be written; give none")
    for verb, what in CLICKS.items():
        if what == (action.button, action.count):
            return verb
    raise ActionError(f"count: {action.count} clicks of the {action.button} button cannot be written; give 1")


def _scroll(action: Scroll, place: Place) -> Written:
    if action.dx and action.dy:
        raise ActionError(f"dx: {action.dx} beside dy: {action.dy} cannot be written; one of them must be 0")
    verb, pixels = ("hscroll", action.dx) if action.dx else ("scroll", -action.dy)
    return {"action": verb, **at(action.at, place), "pixels": pixels}


def at(point: Point | None, place: Place, field: str = "coordinate") -> Written:
    """The argument `field` that points at `point`, or none."""
    if point is None:
        return {}
    there = place(point)
    return {field: [there.x, there.y]}


def _path(path: tuple[Point, ...], place: Place) -> Written:
    if len(path) > 2:
        raise ActionError(f"path: a drag through {len(path)} points cannot be written; give 1 or 2")
    first, *second = path
    return at(first, place) | at(second[0] if second else None, place, "coordinate2")


def _keys(action: Key) -> list[JsonValue]:
    only("count", action.count, 1)
    only("hold", action.hold, 0)
    if split_keys(action.keys) != action.keys:
        raise ActionError(f"keys: {shorten(action.keys)} would be read as {shorten(split_keys(action.keys))}")
    return list(action.keys)
