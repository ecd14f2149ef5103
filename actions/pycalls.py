"""What calls of pyautogui mean as one action."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import takewhile
from types import MappingProxyType

from pydantic import JsonValue

from actions.action import (
    MAX_PRESSES,
    MAX_SECONDS,
    Action,
    ActionError,
    Answer,
    Button,
    Click,
    Drag,
    Finish,
    Key,
    Move,
    Point,
    Scroll,
    Type,
    Wait,
)
from actions.code import Line
from actions.fields import Arguments, shorten
from actions.frame import Frame
from actions.modifiers import modifiers
from actions.wheel import MAX_NOTCHES, NOTCH

PAUSE = 5.0
"""Seconds of a `computer.wait()`, and of OSWorld's WAIT."""

_BUTTONS: Mapping[str, Button] = MappingProxyType(
    {"left": "left", "primary": "left", "middle": "middle", "right": "right", "secondary": "right"}
)
_XY = ("x", "y")
_SCROLLS = ("clicks", "x", "y")
_ORDERS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "pyautogui.click": (*_XY, "clicks", "interval", "button"),
        "pyautogui.leftClick": _XY,
        "pyautogui.doubleClick": (*_XY, "interval", "button"),
        "pyautogui.tripleClick": (*_XY, "interval", "button"),
        "pyautogui.rightClick": _XY,
        "pyautogui.middleClick": _XY,
        "pyautogui.moveTo": _XY,
        "pyautogui.dragTo": _XY,
        "pyautogui.mouseDown": (*_XY, "button"),
        "pyautogui.mouseUp": (*_XY, "button"),
        "pyautogui.scroll": _SCROLLS,
        "pyautogui.vscroll": _SCROLLS,
        "pyautogui.hscroll": _SCROLLS,
        "pyautogui.write": ("message",),
        "pyautogui.typewrite": ("message",),
        "pyautogui.press": ("keys", "presses"),
        "pyautogui.keyDown": ("key",),
        "pyautogui.keyUp": ("key",),
        "pyautogui.sleep": ("seconds",),
        "time.sleep": ("secs",),
        "pyperclip.copy": ("text",),
        "computer.triple_click": _XY,
        "computer.tripleClick": _XY,
        "computer.wait": ("seconds",),
        "computer.answer": ("text",),
        "computer.terminate": ("status", "answer"),
    }
)
"""The names of arguments that are given in order; those not listed are ignored, as durations are."""


class _Call:
    """A call with its arguments by name."""

    def __init__(self, line: Line, frame: Frame) -> None:
        order = _ORDERS.get(line.name, ())
        values: dict[str, JsonValue] = {**dict(zip(order, line.values, strict=False)), **line.named}
        if line.name == "pyautogui.hotkey":
            values = {"keys": _flat(line)}
        first = values.get("x")
        if isinstance(first, list) and len(first) == 2 and values.get("y") is None:  # click((12, 34))
            values |= {"x": first[0], "y": first[1]}
        self.name = line.name
        self.given: Arguments = Arguments(values, frame, frozenset({*order, *_EXTRA}))

    @property
    def at(self) -> Point | None:
        """The place it names; None where the pointer is."""
        given = self.given
        if not given.has(*_XY):
            return given.place("x")  # a misspelt place is refused
        for field in _XY:
            if not given.has(field):
                raise ActionError(f"{field}: missing; give both x and y")
        x, y = (given.values[field] for field in _XY)
        if parts := _parts(x, y):
            return given.frame.at_parts(*parts, field="x, y")
        return Arguments({"x, y": [x, y]}, given.frame, given.known).point("x, y", box=False)

    @property
    def button(self) -> Button:
        """The button it presses."""
        given = self.given
        return _BUTTONS[given.choice("button", tuple(_BUTTONS))] if given.has("button") else "left"


_Reader = Callable[[_Call], Action]
_EXTRA = ("button", "duration", "interval", "logScreenshot", "tween", "_pause", "clicks")


def _flat(line: Line) -> list[JsonValue]:
    """The keys of hotkey('ctrl', 's'), hotkey(['ctrl', 's']) and hotkey(keys=['ctrl', 's'])."""
    given = [*line.values, *([line.named["keys"]] if "keys" in line.named else [])]
    return [key for item in given for key in (item if isinstance(item, list) else [item])]


def _parts(x: JsonValue, y: JsonValue) -> tuple[float, float] | None:
    """`x` and `y` where they are written as parts of the sides: from 0 to 1, one of them at least with a point."""
    if isinstance(x, bool) or isinstance(y, bool) or not isinstance(x, int | float) or not isinstance(y, int | float):
        return None
    written = isinstance(x, float) or isinstance(y, float)
    return (x, y) if written and 0 <= x <= 1 and 0 <= y <= 1 else None


def combine(lines: Sequence[Line], frame: Frame) -> Action:
    """The action that the first of `lines` begins, with as many of the others as belong to it."""
    calls = [_Call(line, frame) for line in lines]
    if not calls:
        raise ActionError("the code makes no call; write one such as pyautogui.click(x=12, y=34)")
    first = calls[0]
    match first.name:
        case "pyautogui.moveTo":
            return _moved(calls)
        case "pyautogui.keyDown":
            return _held(calls)
        case "pyautogui.mouseDown":
            return _pressed(calls, None)
        case "pyautogui.write" | "pyautogui.typewrite":
            return _typed(calls)
        case "pyperclip.copy":
            return _pasted(calls)
    if first.name not in _READERS:
        known = ", ".join([*_ORDERS, "pyautogui.hotkey"])
        raise ActionError(f"{shorten(first.name)}: is not read; use one of {known}")
    return _READERS[first.name](first)


def _moved(calls: Sequence[_Call]) -> Action:
    """A moveTo with what is done there."""
    at = calls[0].at
    if at is None:
        raise ActionError("x: missing; give x and y to move to")
    after = _awake(calls[1:])
    if not after:
        return Move(at=at)
    then = after[0]
    if then.name == "pyautogui.mouseDown":
        return _pressed(after, at)
    if then.name == "pyautogui.dragTo":
        return Drag(path=(at, *_drag(then).path))
    if then.name in _READERS and then.at is None:
        action = _READERS[then.name](then)
        if isinstance(action, Click | Scroll):
            return action.model_copy(update={"at": at})
    return Move(at=at)


def _held(calls: Sequence[_Call]) -> Action:
    """Keys held down around a click, a press or a while."""
    down: list[str] = []
    rest = list(calls)
    while rest and rest[0].name == "pyautogui.keyDown":
        down.append(_one(rest.pop(0)))
    inner = [call for call in rest if call.name != "pyautogui.keyUp"]
    up = [_one(call) for call in rest if call.name == "pyautogui.keyUp"]
    if not set(down) <= set(up):
        left = next(key for key in down if key not in up)
        raise ActionError(f"key: {shorten(left)} stays down, which has no counterpart; add the keyUp")
    if not inner or rest[0].name == "pyautogui.keyUp":
        return Key(keys=tuple(down))
    action = combine_calls(inner)
    match action:
        case Click():
            return action.model_copy(update={"modifiers": modifiers(down, "key")})
        case Key():
            return Key(keys=(*down, *action.keys), count=action.count)
        case Wait():
            return Key(keys=tuple(down), hold=action.seconds)
        case _:
            raise ActionError(f"{action.kind}: has no counterpart with {shorten('+'.join(down))} held down")


def combine_calls(calls: Sequence[_Call]) -> Action:
    """As `combine`, for calls inside others."""
    first = calls[0]
    if first.name == "pyautogui.moveTo":
        return _moved(calls)
    if first.name in _READERS:
        return _READERS[first.name](first)
    raise ActionError(f"{shorten(first.name)}: is not read between keyDown and keyUp")


def _pressed(calls: Sequence[_Call], at: Point | None) -> Action:
    """A mouseDown with all up to its mouseUp: a drag, a long press or a click."""
    button, path, held = calls[0].button, [calls[0].at or at], 0.0
    for call in calls[1:]:
        there = call.at
        if call.name in _SLEEPS:
            held += _sleep(call).seconds
        elif call.name in ("pyautogui.moveTo", "pyautogui.mouseUp"):
            path += [there] if there is not None else []
        else:
            raise ActionError(f"{call.name}: is not read between mouseDown and mouseUp")
        if call.name == "pyautogui.mouseUp":
            break
    else:
        raise ActionError("button: the mouse button stays down, which has no counterpart; add the mouseUp")
    if len(path) == 1:
        return Click(at=path[0], button=button, hold=min(held, MAX_SECONDS))
    if button != "left":
        raise ActionError(f"button: a drag with the {button} button has no counterpart; use the left one")
    return Drag(path=tuple(point for point in path if point is not None))


def _typed(calls: Sequence[_Call]) -> Action:
    """Text with the enter that follows."""
    written = calls[0].given
    message = written.values.get("message")
    if isinstance(message, list):
        raise ActionError("message: a list of keys is not read; give a text, or press the keys")
    return Type(text=written.text("message") + _submitted(calls[1:]))


def _pasted(calls: Sequence[_Call]) -> Action:
    """Text that is put on the clipboard and pasted."""
    text = calls[0].given.text("text")
    keys = _READERS["pyautogui.hotkey"](calls[1]) if calls[1:2] and calls[1].name == "pyautogui.hotkey" else None
    if not isinstance(keys, Key) or keys.keys not in (("ctrl", "v"), ("command", "v")):
        raise ActionError("pyperclip.copy: has no counterpart unless ctrl+v follows; use pyautogui.write")
    return Type(text=text + _submitted(calls[2:]))


def _submitted(after: Sequence[_Call]) -> str:
    """The line break that an enter after a text is, or nothing."""
    for call in _awake(after)[:1]:
        if call.name == "pyautogui.press" and _press(call) in _ENTERS:
            return "\n"
    return ""


def _awake(calls: Sequence[_Call]) -> Sequence[_Call]:
    """`calls` from the first that is no pause."""
    pauses = list(takewhile(lambda call: call.name in _SLEEPS, calls))
    return calls[len(pauses) :]


def _one(call: _Call) -> str:
    (key,) = call.given.texts("key")[:1]
    return key


def _click(count: int, button: Button | None = None) -> _Reader:
    def read(call: _Call) -> Action:
        times = call.given.whole("clicks", 1, 3) if call.given.has("clicks") else count
        return Click(at=call.at, button=button or call.button, count=times)

    return read


def _drag(call: _Call) -> Drag:
    if call.button != "left":
        raise ActionError(f"button: a drag with the {call.button} button has no counterpart; use the left one")
    end = call.at
    if end is None:
        raise ActionError("x: missing; give x and y to drag to")
    return Drag(path=(end,))


def _scroll(sign: int, sideways: bool) -> _Reader:
    def read(call: _Call) -> Action:
        pixels = sign * round(call.given.number("clicks", -MAX_NOTCHES, MAX_NOTCHES)) * NOTCH
        return Scroll(at=call.at, dx=pixels if sideways else 0, dy=0 if sideways else pixels)

    return read


def _press(call: _Call) -> Key:
    keys = call.given.texts("keys")
    if len({*keys}) > 1:
        raise ActionError(f"keys: {shorten(keys)} are pressed one after another; press one, or all at once by hotkey")
    presses = call.given.whole("presses", 1, MAX_PRESSES) if call.given.has("presses") else 1
    if len(keys) * presses > MAX_PRESSES:
        raise ActionError(f"presses: {len(keys) * presses} are too many; at most {MAX_PRESSES}")
    return Key(keys=keys[:1], count=len(keys) * presses)


def _sleep(call: _Call) -> Wait:
    field = "secs" if call.given.has("secs") else "seconds"
    return Wait(seconds=call.given.number(field, 0, MAX_SECONDS))


def _wait(call: _Call) -> Action:
    return _sleep(call) if call.given.has("seconds") else Wait(seconds=PAUSE)


def _terminate(call: _Call) -> Action:
    status = call.given.choice("status", ("success", "failure")) if call.given.has("status") else "success"
    return Finish(success=status == "success", text=call.given.text("answer", missing=""))


_ENTERS = (Key(keys=("enter",)), Key(keys=("return",)), Key(keys=("\n",)))
_SLEEPS = ("time.sleep", "pyautogui.sleep")
_READERS: Mapping[str, _Reader] = MappingProxyType(
    {
        "pyautogui.click": _click(1),
        "pyautogui.leftClick": _click(1, "left"),
        "pyautogui.doubleClick": _click(2),
        "pyautogui.tripleClick": _click(3),
        "pyautogui.rightClick": _click(1, "right"),
        "pyautogui.middleClick": _click(1, "middle"),
        "computer.triple_click": _click(3),
        "computer.tripleClick": _click(3),
        "pyautogui.dragTo": _drag,
        "pyautogui.scroll": _scroll(-1, sideways=False),
        "pyautogui.vscroll": _scroll(-1, sideways=False),
        "pyautogui.hscroll": _scroll(1, sideways=True),
        "pyautogui.press": _press,
        "pyautogui.hotkey": lambda call: Key(keys=call.given.texts("keys")),
        "pyautogui.sleep": _sleep,
        "time.sleep": _sleep,
        "computer.wait": _wait,
        "computer.answer": lambda call: Answer(text=call.given.text("text")),
        "computer.terminate": _terminate,
    }
)
