"""The dialect of Qwen2.5-VL on a phone: calls of `mobile_use`, pixels of the resized image.

A tap is a Click, a long press a Click that holds, a swipe a Drag. Of the system buttons, Back is Back, Enter the key,
and Home an empty page, since a browser has no home screen; Menu and the apps that `open` names have no counterpart.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from types import MappingProxyType

from actions.action import MAX_SECONDS, Action, ActionError, Back, Click, Drag, Key, Kind, Navigate, Point, Scroll
from actions.fields import Arguments, ends, only, seconds
from actions.functions import Argument, Function, Reader, Verb, Written
from actions.grammar import call_grammar
from actions.parser import AT, READERS
from actions.printer import at, print_arguments
from actions.qwen25 import OURS, STATUS, WEB
from actions.tongue import HOME, Place, Tongue

_BUTTONS: Mapping[str, Action] = MappingProxyType(
    {"Back": Back(), "Home": Navigate(url=HOME), "Enter": Key(keys=("Enter",))}
)

VERBS = (
    Verb("key", "key", "Press a key of the device by its name.", ("text",)),
    Verb("click", "click", "Tap at (x, y).", ("coordinate",)),
    Verb("long_press", "click", "Press at (x, y) and hold for `time` seconds.", ("coordinate", "time")),
    Verb("swipe", "drag", "Swipe from (x, y) to (x2, y2).", ("coordinate", "coordinate2")),
    Verb("type", "type", "Enter text into the field that has the focus.", ("text",)),
    Verb(
        "system_button", "key", "Press a button of the system.", ("button",), also=frozenset[Kind]({"back", "navigate"})
    ),
    Verb("wait", "wait", "Let some seconds pass, so that the screen can change.", ("time",)),
    Verb("terminate", "finish", "End the task and state how it went.", ("status",), ("text",)),
    Verb("answer", "answer", "Tell the user what was asked for.", ("text",)),
    *(verb for verb in OURS if verb.kind != "back"),
)


def _tap(given: Arguments) -> Action:
    return Click(at=given.point(*AT))


def _press(given: Arguments) -> Action:
    return Click(at=given.point(*AT), hold=given.number("time", 0, MAX_SECONDS))


def _swipe(given: Arguments) -> Action:
    return Drag(path=(given.point(*AT, box=False), given.point("coordinate2", box=False)))


def _button(given: Arguments) -> Action:
    buttons = {name.lower(): action for name, action in _BUTTONS.items()}
    name = given.choice("button", (*buttons, "menu"))
    if name == "menu":
        raise ActionError(f"button: Menu has no counterpart here; use one of {', '.join(_BUTTONS)}")
    return buttons[name]


def _key(given: Arguments) -> Action:
    text = given.text("text")
    if not text:
        raise ActionError("text: empty; give the name of a key")
    return Key(keys=(text,))


def _open(given: Arguments) -> Action:
    raise ActionError(f"open: there is no app {given.text('text')[:60]!r} here but a browser; use goto_url")


_OWN: Mapping[str, Reader] = MappingProxyType(
    {
        "key": _key,
        "click": _tap,
        "long_press": _press,
        "swipe": _swipe,
        "system_button": _button,
        "open": _open,
    }
)
_SHARED = ("type", "wait", "terminate", "answer", *(verb.name for verb in OURS))


def _write(action: Action, place: Place) -> Written:
    for name, pressed in _BUTTONS.items():
        if action == pressed:
            return {"action": "system_button", "button": name}
    match action:
        case Click():
            return _touch(action, place)
        case Drag():
            start, end = ends(action.path)
            return {"action": "swipe", **at(start, place), **at(end, place, "coordinate2")}
        case Key():
            only("keys", action.keys, action.keys[:1])
            only("count", action.count, 1)
            only("hold", action.hold, 0)
            return {"action": "key", "text": action.keys[0]}
        case Scroll():
            raise ActionError("scroll: a phone has no wheel; swipe the other way")
        case _:
            return print_arguments(action, place)


def _touch(action: Click, place: Place) -> Written:
    only("button", action.button, "left")
    only("count", action.count, 1)
    only("modifiers", action.modifiers, ())
    where = at(_there(action.at), place)
    if not action.hold:
        return {"action": "click", **where}
    return {"action": "long_press", **where, "time": seconds(action.hold)}


def _there(point: Point | None) -> Point:
    if point is None:
        raise ActionError("at: a tap without a place cannot be written")
    return point


MOBILE = Function(
    name="mobile_use",
    notes=(
        "Control a phone by touching its screen, one action a call.",
        "The screen's resolution is {size}, and all you know of it is the latest screenshot.",
        "Point at the middle of what you mean to tap, not at its edge.",
        "Where a page is still loading, wait and look again.",
    ),
    verbs=VERBS,
    arguments=(
        Argument("coordinate", "array", "[x, y]: pixels from the left and from the top edge of the screenshot."),
        Argument("coordinate2", "array", "[x2, y2]: where a swipe ends."),
        Argument("text", "string", "The text, answer, question, label or name of the key."),
        Argument("time", "number", "Seconds, at most 60."),
        Argument(
            "button",
            "string",
            "Back leads to what was shown before, Home to an empty page, Enter is the enter key.",
            tuple(_BUTTONS),
        ),
        STATUS,
        *WEB,
    ),
    readers=MappingProxyType({**_OWN, **{name: READERS[name] for name in _SHARED}}),
    writer=_write,
    agent_line=True,
)

QWEN25_MOBILE = Tongue(
    "qwen2.5-mobile", "resized", MOBILE.offer, MOBILE.write, MOBILE.read, partial(call_grammar, MOBILE)
)
