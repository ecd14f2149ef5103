"""Writes an action as the arguments of `computer_use`."""

from __future__ import annotations

from collections.abc import Callable

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
from actions.fields import shorten
from actions.signature import CLICKS, split_keys

Written = dict[str, JsonValue]
Place = Callable[[Point], JsonValue]


def print_arguments(action: Action, place: Place) -> Written:
    """The arguments that mean `action`; `place` turns a pixel of the screen into what stands in the call.

    Raises ActionError for an action that `computer_use` cannot express.
    """
    match action:
        case Click():
            return {"action": _click(action), **_at(action.at, place)}
        case Drag():
            return {"action": "left_click_drag", **_path(action.path, place)}
        case Move():
            return {"action": "mouse_move", "coordinate": place(action.at)}
        case Scroll():
            return _scroll(action, place)
        case Select():
            return {"action": "select_option", "coordinate": place(action.at), "text": action.label}
        case Upload():
            return {"action": "upload", "coordinate": place(action.at), "files": list(action.files)}
        case Back():
            return {"action": "go_back"}
        case Tab():
            return {"action": "switch_tab", "index": action.index}
        case Key():
            return {"action": "key", "keys": _keys(action.keys)}
        case Wait():
            return {"action": "wait", "time": _seconds(action.seconds)}
        case Type() | Navigate() | Answer() | AskUser() | Finish():
            return _words(action)


def _words(action: Type | Navigate | Answer | AskUser | Finish) -> Written:
    match action:
        case Type():
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
    return {"action": verb, **_at(action.at, place), "pixels": pixels}


def _at(point: Point | None, place: Place) -> Written:
    return {} if point is None else {"coordinate": place(point)}


def _path(path: tuple[Point, ...], place: Place) -> Written:
    if len(path) > 2:
        raise ActionError(f"path: a drag through {len(path)} points cannot be written; give 1 or 2")
    return {name: place(point) for name, point in zip(("coordinate", "coordinate2"), path, strict=False)}


def _keys(keys: tuple[str, ...]) -> list[JsonValue]:
    if split_keys(keys) != keys:
        raise ActionError(f"keys: {shorten(keys)} would be read as {shorten(split_keys(keys))}")
    return list(keys)


def _seconds(seconds: float) -> float:
    return int(seconds) if seconds.is_integer() else seconds
