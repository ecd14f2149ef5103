"""The dialect of pyautogui code, with the functions that OpenCUA's models have beside it; pixels of the screenshot.

Coordinates that are written as fractions from 0 to 1 count from edge to edge, as in AgentNet's data. The wheel counts
notches, upwards when positive. Several calls are one action where together they are: keys or a button held down
around others, the pointer brought to where the next call acts, a text that is followed by enter or pasted.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from textwrap import dedent
from types import MappingProxyType

from actions.action import Action, ActionError, Click, Drag, Finish, Key, Kind, Move, Point, Scroll, Type, Wait
from actions.code import quote, read_code
from actions.fields import only, seconds, shorten
from actions.frame import Frame
from actions.modifiers import hold_down
from actions.parser import CLICKS
from actions.pycalls import PAUSE, combine
from actions.space import ActionSpace
from actions.tongue import Place, Tongue
from actions.wheel import notches

_FENCE = re.compile(
    r"^[ \t]{0,8}```[ \t]{0,8}(?:python|py|code)?[ \t]{0,8}$(.*?)(?:^[ \t]{0,8}```|\Z)", re.M | re.S | re.I
)
_CALL = r"(?:pyautogui\.|computer\.|pyperclip\.|time\.sleep)"
_CODE = re.compile(rf"^[ \t]{{0,8}}{_CALL}", re.MULTILINE)
_RUN = re.compile(rf"^(?:(?:{_CALL}|import |from |#)[^\n]*+(?:\n\s*+|\Z))++", re.MULTILINE)
_WORDS: Mapping[str, Action] = MappingProxyType(
    {"done": Finish(), "fail": Finish(success=False), "wait": Wait(seconds=PAUSE)}
)
"""What OSWorld's agents write in the place of code."""


def _read(text: str, frame: Frame) -> Action:
    code = _code(text)
    return _WORDS.get(code.strip().lower()) or combine(read_code(code), frame)


def _code(text: str) -> str:
    """The first fence that holds code; without one, the first lines that follow each other and are calls.

    Such lines begin at the margin: what is indented may be part of a loop.
    """
    for fenced in _FENCE.finditer(text):
        if _CODE.search(fenced[1]) or fenced[1].strip().lower() in _WORDS:
            return dedent(fenced[1]).strip("\n")
    if text.lstrip().startswith("import "):
        return text
    for run in _RUN.finditer(text):
        if _CODE.search(run.group()):
            return run.group()
    if (word := text.strip(" \t\n`").lower()) in _WORDS:
        return word
    raise ActionError("the reply holds no call of pyautogui; write exactly one such as pyautogui.click(x=12, y=34)")


def _write(action: Action, place: Place) -> str:
    def xy(point: Point) -> str:
        there = place(point)
        return f"x={there.x}, y={there.y}"

    match action:
        case Click():
            return _click(action, "" if action.at is None else xy(action.at))
        case Move():
            return f"pyautogui.moveTo({xy(action.at)})"
        case Drag():
            return _drag([xy(point) for point in action.path])
        case Scroll():
            return _scroll(action, "" if action.at is None else f", {xy(action.at)}")
        case Type():
            only("at", action.at, None)
            only("replace", action.replace, False)
            return f"pyautogui.write(message={quote(action.text)})"
        case Key():
            return _keys(action)
        case Wait():
            return f"time.sleep({seconds(action.seconds)!r})"
        case Finish():
            answer = f", answer={quote(action.text)}" if action.text else ""
            return f"computer.terminate(status='{'success' if action.success else 'failure'}'{answer})"
        case _:
            raise ActionError(f"{action.kind}: pyautogui has no words for it")


_CLICK_NAMES = {
    "left_click": "pyautogui.click",
    "right_click": "pyautogui.rightClick",
    "middle_click": "pyautogui.middleClick",
    "double_click": "pyautogui.doubleClick",
    "triple_click": "pyautogui.tripleClick",
}


def _click(action: Click, where: str) -> str:
    only("modifiers", action.modifiers, hold_down(action.modifiers))
    if action.hold:
        only("count", (action.button, action.count, action.modifiers), ("left", 1, ()))
        return f"pyautogui.mouseDown({where})\ntime.sleep({seconds(action.hold)!r})\npyautogui.mouseUp()"
    for name, what in CLICKS.items():
        if what == (action.button, action.count):
            down = [f"pyautogui.keyDown({quote(key)})" for key in action.modifiers]
            up = [f"pyautogui.keyUp({quote(key)})" for key in reversed(action.modifiers)]
            return "\n".join([*down, f"{_CLICK_NAMES[name]}({where})", *up])
    raise ActionError(f"count: {action.count} clicks of the {action.button} button cannot be written; give 1")


def _drag(places: Sequence[str]) -> str:
    if len(places) == 1:
        return f"pyautogui.dragTo({places[0]}, button='left')"
    if len(places) == 2:
        return f"pyautogui.moveTo({places[0]})\npyautogui.dragTo({places[1]}, button='left')"
    moves = [f"pyautogui.moveTo({place})" for place in places[1:]]
    return "\n".join([f"pyautogui.mouseDown({places[0]})", *moves, "pyautogui.mouseUp()"])


def _scroll(action: Scroll, where: str) -> str:
    direction, count = notches(action)
    name = "scroll" if direction in ("up", "down") else "hscroll"
    return f"pyautogui.{name}({count if direction in ('up', 'right') else -count}{where})"


def _keys(action: Key) -> str:
    keys = [quote(key) for key in action.keys]
    if action.hold:
        only("count", action.count, 1)
        if len({*action.keys}) < len(keys):
            raise ActionError(f"keys: {shorten(action.keys)} holds one key twice")
        down = [f"pyautogui.keyDown({key})" for key in keys]
        up = [f"pyautogui.keyUp({key})" for key in reversed(keys)]
        return "\n".join([*down, f"time.sleep({seconds(action.hold)!r})", *up])
    if len(keys) == 1:
        presses = f", presses={action.count}" if action.count > 1 else ""
        return f"pyautogui.press({keys[0]}{presses})"
    only("count", action.count, 1)
    return f"pyautogui.hotkey({', '.join(keys)})"


_LINES: tuple[tuple[Kind, str], ...] = (
    ("click", "pyautogui.click(x=12, y=34)  # also rightClick, middleClick, doubleClick, tripleClick"),
    ("move", "pyautogui.moveTo(x=12, y=34)"),
    ("drag", "pyautogui.moveTo(x=12, y=34); pyautogui.dragTo(x=56, y=78)"),
    ("scroll", "pyautogui.scroll(-5, x=12, y=34)  # notches; down when negative"),
    ("type", "pyautogui.write(message='...')"),
    ("key", "pyautogui.press('enter')  # presses=3 for several"),
    ("key", "pyautogui.hotkey('ctrl', 's')"),
    ("wait", "time.sleep(1)"),
    ("finish", "computer.terminate(status='success')  # or 'failure'; answer='...' where one was asked for"),
)


def _offer(space: ActionSpace, frame: Frame) -> str:
    lines = "\n".join(line for kind, line in _LINES if kind in space.kinds)
    return (
        "You are a GUI agent. From the task, what was done so far and the screenshot, decide the next action.\n"
        f"The screen has {frame.model_width}x{frame.model_height} pixels. Say in a sentence what you do, then write it "
        f"as one of these calls in a ```python fence; nothing else is understood.\n{lines}\n"
    )


PYAUTOGUI = Tongue("pyautogui", "screen", _offer, _write, _read)
