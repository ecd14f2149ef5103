"""The dialect of Anthropic's computer tool: `tool_use` blocks, pixels of the screenshot that was sent.

A reply may be a whole message, its list of blocks, one block or the block's input. A message that only speaks has come
to its end. The wheel counts notches, keys are chords such as "ctrl+s", and `text` beside a click names keys to hold.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import MappingProxyType

from pydantic import JsonValue

from actions.action import (
    MAX_PRESSES,
    MAX_SECONDS,
    Action,
    ActionError,
    Click,
    Drag,
    Finish,
    Key,
    Kind,
    Modifier,
    Move,
    Scroll,
    Type,
    Wait,
)
from actions.calls import find_objects
from actions.chord import split_chord
from actions.fields import Arguments, only, seconds, shorten
from actions.frame import Frame
from actions.functions import Reader, Written
from actions.modifiers import hold_down, modifiers
from actions.parser import CLICKS
from actions.printer import at
from actions.space import ActionSpace
from actions.tongue import Place, Tongue
from actions.wheel import DIRECTIONS, MAX_NOTCHES, NOTCH, notches, turn

NAME = "computer"

_KNOWN = frozenset(
    {
        "action",
        "coordinate",
        "start_coordinate",
        "text",
        "key",
        "duration",
        "scroll_direction",
        "scroll_amount",
        "repeat",
        "region",
    }
)


def _held(given: Arguments) -> tuple[Modifier, ...]:
    for field in ("text", "key"):
        if written := given.text(field, missing=""):
            return modifiers(split_chord(written), field)
    return ()


def _free(given: Arguments) -> None:
    if held := _held(given):
        raise ActionError(f"text: {', '.join(held)} can only be held while clicking")


def _click(name: str) -> Reader:
    button, count = CLICKS[name]
    return lambda given: Click(at=given.place("coordinate"), button=button, count=count, modifiers=_held(given))


def _drag(given: Arguments) -> Action:
    _free(given)
    end = given.point("coordinate", box=False)
    start = given.place("start_coordinate", box=False)
    return Drag(path=(end,) if start is None else (start, end))


def _scroll(given: Arguments) -> Action:
    _free(given)
    direction = given.choice("scroll_direction", tuple(DIRECTIONS))
    return turn(given.place("coordinate"), direction, given.whole("scroll_amount", 0, MAX_NOTCHES) * NOTCH)


def _key(given: Arguments) -> Action:
    """Several chords with spaces between them are pressed one after another, which is one Key only if all are equal."""
    written = given.text("text", "key").split()
    if not written:
        raise ActionError("text: empty; give a key or a chord such as ctrl+s")
    if len({*written}) > 1:
        raise ActionError(f"text: {shorten(' '.join(written))} presses other keys one after another; press one chord")
    repeat = given.whole("repeat", 1, MAX_PRESSES) if given.has("repeat") else 1
    count = len(written) * repeat
    if count > MAX_PRESSES:
        raise ActionError(f"repeat: {count} presses are too many; at most {MAX_PRESSES}")
    return Key(keys=split_chord(written[0]), count=count)


def _hold(given: Arguments) -> Action:
    pressed = _key(given)
    assert isinstance(pressed, Key)
    return Key(keys=pressed.keys, hold=given.number("duration", 0, MAX_SECONDS))


def _no(name: str, why: str) -> Reader:
    def refuse(given: Arguments) -> Action:
        raise ActionError(f"{name}: has no counterpart here; {why}")

    return refuse


_READERS: Mapping[str, Reader] = MappingProxyType(
    {
        "key": _key,
        "hold_key": _hold,
        "type": lambda given: Type(text=given.text("text")),
        "mouse_move": lambda given: Move(at=given.point("coordinate")),
        **{name: _click(name) for name in CLICKS},
        "left_click_drag": _drag,
        "scroll": _scroll,
        "wait": lambda given: Wait(seconds=given.number("duration", 0, MAX_SECONDS)),
        "screenshot": lambda given: Wait(seconds=0),
    }
)
_REFUSED = MappingProxyType(
    {
        "cursor_position": _no("cursor_position", "the pointer is where the last action left it"),
        "left_mouse_down": _no("left_mouse_down", "drag with left_click_drag"),
        "left_mouse_up": _no("left_mouse_up", "drag with left_click_drag"),
        "zoom": _no("zoom", "the screenshot is all there is to see"),
    }
)


def _read(text: str, frame: Frame) -> Action:
    objects, problem = find_objects(text)
    for each in objects:
        if each.get("type") == "tool_use":
            return _use(each, frame)
    for each in objects:
        if isinstance(each.get("action"), str):
            return _act(each, frame)
    for each in objects:
        if each.get("type") == "text":
            return Finish(text=Arguments(each, frame, _KNOWN).text("text"))
    example = '{"type": "tool_use", "name": "computer", "input": {"action": "left_click", "coordinate": [12, 34]}}'
    raise ActionError(f"{problem or 'the reply holds no tool_use'}; write exactly one {example}")


def _use(block: Mapping[str, JsonValue], frame: Frame) -> Action:
    name, given = block.get("name"), block.get("input")
    if not isinstance(given, dict):
        raise ActionError(f"input: {shorten(given)} is no object; give the action and its arguments")
    if name == NAME:
        return _act(given, frame)
    if isinstance(name, str) and (
        name in _READERS or name in _REFUSED
    ):  # a tool for each action, as newer versions have them
        return _act({"action": name, **given}, frame)
    raise ActionError(f"name: {shorten(name)} is no tool here; use {NAME}")


def _act(arguments: Mapping[str, JsonValue], frame: Frame) -> Action:
    given = Arguments(arguments, frame, _KNOWN)
    name = given.choice("action", (*_READERS, *_REFUSED))
    return (_READERS | _REFUSED)[name](given)


def _write(action: Action, place: Place) -> str:
    if isinstance(action, Finish):
        only("success", action.success, True)
        return json.dumps({"type": "text", "text": action.text}, ensure_ascii=False)
    block: Written = {"type": "tool_use", "name": NAME, "input": _print(action, place)}
    return json.dumps(block, ensure_ascii=False)


def _print(action: Action, place: Place) -> Written:
    match action:
        case Click() | Move() | Drag() | Scroll():
            return _pointer(action, place)
        case Type():
            only("at", action.at, None)
            only("replace", action.replace, False)
            return {"action": "type", "text": action.text}
        case Key():
            return _keys(action)
        case Wait():
            pause: Written = {"action": "wait", "duration": seconds(action.seconds)}
            return pause if action.seconds else {"action": "screenshot"}
        case _:
            raise ActionError(f"{action.kind}: Anthropic's computer tool has no words for it")


def _pointer(action: Click | Move | Drag | Scroll, place: Place) -> Written:
    match action:
        case Click():
            return _clicks(action, place)
        case Move():
            return {"action": "mouse_move", **at(action.at, place)}
        case Drag():
            if len(action.path) > 2:
                raise ActionError(f"path: a drag through {len(action.path)} points cannot be written; give 1 or 2")
            start = at(action.path[0], place, "start_coordinate") if action.path[1:] else {}
            return {"action": "left_click_drag", **start, **at(action.path[-1], place)}
        case Scroll():
            direction, count = notches(action)
            where = at(action.at, place)
            return {"action": "scroll", **where, "scroll_direction": direction, "scroll_amount": count}


def _clicks(action: Click, place: Place) -> Written:
    only("hold", action.hold, 0)
    only("modifiers", action.modifiers, hold_down(action.modifiers))
    held: Written = {"text": "+".join(action.modifiers)} if action.modifiers else {}
    for name, what in CLICKS.items():
        if what == (action.button, action.count):
            return {"action": name, **at(action.at, place), **held}
    raise ActionError(f"count: {action.count} clicks of the {action.button} button cannot be written; give 1")


def _keys(action: Key) -> Written:
    chord = "+".join(action.keys)
    if chord.split() != [chord] or split_chord(chord) != action.keys:
        raise ActionError(f"keys: {shorten(action.keys)} would be read as other keys")
    if action.hold:
        only("count", action.count, 1)
        return {"action": "hold_key", "text": chord, "duration": seconds(action.hold)}
    repeat: Written = {"repeat": action.count} if action.count > 1 else {}
    return {"action": "key", "text": chord, **repeat}


_LINES: tuple[tuple[Kind, str], ...] = (
    ("click", '{"action": "left_click", "coordinate": [12, 34]}'),
    ("click", '{"action": "right_click", "coordinate": [12, 34]}'),
    ("click", '{"action": "double_click", "coordinate": [12, 34]}'),
    ("move", '{"action": "mouse_move", "coordinate": [12, 34]}'),
    ("drag", '{"action": "left_click_drag", "start_coordinate": [12, 34], "coordinate": [56, 78]}'),
    ("scroll", '{"action": "scroll", "coordinate": [12, 34], "scroll_direction": "down", "scroll_amount": 5}'),
    ("type", '{"action": "type", "text": "..."}'),
    ("key", '{"action": "key", "text": "ctrl+s"}'),
    ("wait", '{"action": "wait", "duration": 1}'),
)


def _offer(space: ActionSpace, frame: Frame) -> str:
    """For models that have no such tool of their own; those that have it are offered it by the interface."""
    lines = "\n".join(line for kind, line in _LINES if kind in space.kinds)
    return (
        f"You control a computer whose screen has {frame.model_width}x{frame.model_height} pixels. Answer with one "
        '{"type": "tool_use", "name": "computer", "input": ...}, where input is one of\n'
        f"{lines}\n"
        'When the task is done, answer with {"type": "text", "text": "..."}.\n'
    )


ANTHROPIC = Tongue("anthropic", "screen", _offer, _write, _read)
