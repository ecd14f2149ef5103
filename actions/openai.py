"""The dialect of OpenAI's computer tool: `computer_call` items, pixels of the screenshot that was sent.

A reply may be a whole response, its list of items, one item or one action. An item holds one `action`, or a list of
`actions`, of which the first counts. A response that only speaks has come to its end. `wait` names no time; other
times than its own are written in `ms`, which OpenAI's sample takes. Keys stand in capitals there.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from pydantic import JsonValue

from actions.action import (
    MAX_SCROLL,
    MAX_SECONDS,
    Action,
    ActionError,
    Back,
    Button,
    Click,
    Drag,
    Finish,
    Key,
    Kind,
    Modifier,
    Move,
    Point,
    Scroll,
    Type,
    Wait,
)
from actions.calls import find_objects
from actions.fields import Arguments, only, shorten
from actions.frame import Frame
from actions.functions import Reader, Written
from actions.modifiers import hold_down, modifiers
from actions.space import ActionSpace
from actions.tongue import Place, Tongue

PAUSE = 2.0
"""Seconds of a `wait`."""

MAX_PATH = 1000

_BUTTONS: Mapping[str, Button] = MappingProxyType(
    {"left": "left", "right": "right", "wheel": "middle", "forward": "forward"}
)
_KNOWN = frozenset({"type", "x", "y", "button", "keys", "path", "scroll_x", "scroll_y", "text", "ms"})


def _at(given: Arguments) -> Point:
    for field in ("x", "y"):
        if not given.has(field):
            raise ActionError(f"{field}: missing; give x and y in pixels of the screenshot")
    pair: JsonValue = [given.values["x"], given.values["y"]]
    return Arguments({"x, y": pair}, given.frame, given.known).point("x, y", box=False)


def _held(given: Arguments) -> tuple[Modifier, ...]:
    return modifiers(given.texts("keys"), "keys") if given.values.get("keys") else ()


def _free(given: Arguments) -> None:
    if held := _held(given):
        raise ActionError(f"keys: {', '.join(held)} can only be held while clicking")


def _click(given: Arguments) -> Action:
    button = given.choice("button", (*_BUTTONS, "back")) if given.has("button") else "left"
    return Back() if button == "back" else Click(at=_at(given), button=_BUTTONS[button], modifiers=_held(given))


def _double(given: Arguments) -> Action:
    return Click(at=_at(given), count=2, modifiers=_held(given))


def _move(given: Arguments) -> Action:
    _free(given)
    return Move(at=_at(given))


def _drag(given: Arguments) -> Action:
    _free(given)
    path = given.values.get("path")
    if not isinstance(path, list) or not 1 <= len(path) <= MAX_PATH:
        raise ActionError(f"path: {shorten(path)} must be a list of 1 to {MAX_PATH} places")
    each = Arguments({f"path[{index}]": place for index, place in enumerate(path)}, given.frame, given.known)
    return Drag(path=tuple(each.point(field, box=False) for field in each.values))


def _scroll(given: Arguments) -> Action:
    _free(given)
    dx, dy = (
        round(given.number(field, -MAX_SCROLL, MAX_SCROLL)) if given.has(field) else 0
        for field in ("scroll_x", "scroll_y")
    )
    return Scroll(at=_at(given) if given.has("x", "y") else None, dx=dx, dy=dy)


def _keypress(given: Arguments) -> Action:
    return Key(keys=tuple(key.lower() if key.isupper() else key for key in given.texts("keys")))


def _wait(given: Arguments) -> Action:
    return Wait(seconds=given.number("ms", 0, MAX_SECONDS * 1000) / 1000 if given.has("ms") else PAUSE)


_READERS: Mapping[str, Reader] = MappingProxyType(
    {
        "click": _click,
        "double_click": _double,
        "drag": _drag,
        "keypress": _keypress,
        "move": _move,
        "screenshot": lambda given: Wait(seconds=0),
        "scroll": _scroll,
        "type": lambda given: Type(text=given.text("text")),
        "wait": _wait,
    }
)

NAMES = frozenset(_READERS)
"""What an action's `type` may be."""


def _read(text: str, frame: Frame) -> Action:
    objects, problem = find_objects(text)
    for each in objects:
        if each.get("type") == "computer_call":
            return _act(_first(each), frame)
    for each in objects:
        kind = each.get("type")
        if isinstance(kind, str) and kind in _READERS:
            return _act(each, frame)
    for each in objects:
        if each.get("type") == "output_text":
            return Finish(text=Arguments(each, frame, _KNOWN).text("text"))
    example = '{"type": "computer_call", "action": {"type": "click", "button": "left", "x": 12, "y": 34}}'
    raise ActionError(f"{problem or 'the reply holds no computer_call'}; write exactly one {example}")


def _first(item: Mapping[str, JsonValue]) -> Mapping[str, JsonValue]:
    """The action of an item, or the first of its actions that is more than a look at the screen."""
    several = item.get("actions")
    listed: Sequence[JsonValue] = several if isinstance(several, list) and several else [item.get("action")]
    acts = [each for each in listed if isinstance(each, dict)]
    if not acts:
        raise ActionError(f"action: {shorten(listed[0])} is no object; give one such as {{'type': 'screenshot'}}")
    return next((each for each in acts if each.get("type") != "screenshot"), acts[0])


def _act(action: Mapping[str, JsonValue], frame: Frame) -> Action:
    given = Arguments(action, frame, _KNOWN)
    return _READERS[given.choice("type", tuple(_READERS))](given)


def _write(action: Action, place: Place) -> str:
    if isinstance(action, Finish):
        only("success", action.success, True)
        said: Written = {"type": "output_text", "text": action.text}
        return json.dumps({"type": "message", "role": "assistant", "content": [said]}, ensure_ascii=False)
    return json.dumps({"type": "computer_call", "action": _print(action, place)}, ensure_ascii=False)


def _print(action: Action, place: Place) -> Written:
    match action:
        case Click():
            return _clicks(action, place)
        case Move():
            return {"type": "move", **_xy(action.at, place)}
        case Drag():
            return {"type": "drag", "path": [_xy(point, place) for point in action.path]}
        case Scroll():
            where = _xy(action.at, place) if action.at else {}
            return {"type": "scroll", **where, "scroll_x": action.dx, "scroll_y": action.dy}
        case Type():
            only("at", action.at, None)
            only("replace", action.replace, False)
            return {"type": "type", "text": action.text}
        case Key():
            return {"type": "keypress", "keys": _keys(action)}
        case Wait():
            return _pause(action.seconds)
        case Back():
            return {"type": "click", "button": "back", "x": 0, "y": 0}
        case _:
            raise ActionError(f"{action.kind}: OpenAI's computer tool has no words for it")


def _clicks(action: Click, place: Place) -> Written:
    only("hold", action.hold, 0)
    if action.at is None:
        raise ActionError("at: a click without a place cannot be written")
    held: Written = {"keys": [name.upper() for name in action.modifiers]} if action.modifiers else {}
    if hold_down(action.modifiers) != action.modifiers:
        raise ActionError(f"modifiers: {shorten(action.modifiers)} names one twice")
    where = _xy(action.at, place)
    if (action.button, action.count) == ("left", 2):
        return {"type": "double_click", **where, **held}
    only("count", action.count, 1)
    button = next((name for name, ours in _BUTTONS.items() if ours == action.button), "")
    if not button:
        raise ActionError(f"button: {action.button} cannot be written; OpenAI's click of it goes back a page")
    return {"type": "click", "button": button, **where, **held}


def _xy(point: Point, place: Place) -> Written:
    there = place(point)
    return {"x": there.x, "y": there.y}


def _keys(action: Key) -> list[JsonValue]:
    only("count", action.count, 1)
    only("hold", action.hold, 0)
    for key in action.keys:
        upper = key.upper() if key.islower() else key
        if (upper.lower() if upper.isupper() else upper) != key:
            raise ActionError(f"keys: {shorten(key)} would be read in small letters")
    return [key.upper() if key.islower() else key for key in action.keys]


def _pause(time: float) -> Written:
    if time == 0:
        return {"type": "screenshot"}
    if time == PAUSE:
        return {"type": "wait"}
    only("seconds", time, round(time * 1000) / 1000)
    return {"type": "wait", "ms": round(time * 1000)}


_LINES: tuple[tuple[Kind, str], ...] = (
    ("click", '{"type": "click", "button": "left", "x": 12, "y": 34}'),
    ("click", '{"type": "double_click", "x": 12, "y": 34}'),
    ("move", '{"type": "move", "x": 12, "y": 34}'),
    ("drag", '{"type": "drag", "path": [{"x": 12, "y": 34}, {"x": 56, "y": 78}]}'),
    ("scroll", '{"type": "scroll", "x": 12, "y": 34, "scroll_x": 0, "scroll_y": 300}'),
    ("type", '{"type": "type", "text": "..."}'),
    ("key", '{"type": "keypress", "keys": ["CTRL", "S"]}'),
    ("wait", '{"type": "wait"}'),
    ("back", '{"type": "click", "button": "back", "x": 0, "y": 0}'),
)


def _offer(space: ActionSpace, frame: Frame) -> str:
    """For models that have no such tool of their own; those that have it are offered it by the interface."""
    lines = "\n".join(line for kind, line in _LINES if kind in space.kinds)
    return (
        f"You control a computer whose screen has {frame.model_width}x{frame.model_height} pixels. Answer with one "
        '{"type": "computer_call", "action": ...}, where action is one of\n'
        f"{lines}\n"
        "When the task is done, answer with "
        '{"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "..."}]}.\n'
    )


OPENAI = Tongue("openai", "screen", _offer, _write, _read)
