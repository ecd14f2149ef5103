"""The dialects of UI-TARS: one line of text, "Action: click(start_box='(12,34)')".

Version 1.0 counts 0..1000 and marks places with box tokens, version 1.5 counts pixels of the resized image. Both read
what either writes, and the <point> of the hosted models. The wheel turns by `STEP`, since only a direction is written.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType

from actions.action import (
    MAX_SECONDS,
    Action,
    ActionError,
    AskUser,
    Back,
    Button,
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
from actions.fields import Arguments, ends, only, seconds, shorten
from actions.frame import Frame
from actions.functions import Reader
from actions.lines import uitars_grammar
from actions.space import ActionSpace
from actions.tongue import HOME, Place, Tongue
from actions.uicalls import escape, find
from actions.wheel import DIRECTIONS, NOTCH, turn

STEP = 5 * NOTCH
"""Screen pixels of one `scroll`: five notches, as the models' own agent turns."""

PAUSE = 5.0
"""Seconds of a `wait()`."""

PRESS = 1.0
"""Seconds of a `long_press` that names none."""

_TAGS = re.compile(r"<\|box_(?:start|end)\|>|</?(?:point|bbox|box)>|[\[\](),]")
_NUMERAL = re.compile(r"[-+]?[0-9]{1,20}(?:\.[0-9]{0,20})?")
_START = ("start_box", "start_point", "point", "box")
_END = ("end_box", "end_point")
_KNOWN = frozenset({*_START, *_END, "key", "content", "direction", "time", "hotkey", "url", "app_name"})
_CLICKS: Mapping[str, tuple[Button, int]] = MappingProxyType(
    {"click": ("left", 1), "left_single": ("left", 1), "left_double": ("left", 2), "right_single": ("right", 1)}
)


def _pair(written: str) -> str:
    """A place in any of its spellings as a text that `Arguments` reads: "x, y", or the four numbers of a box."""
    numbers = _TAGS.sub(" ", written[:200]).split()
    if len(numbers) not in (2, 4) or not all(_NUMERAL.fullmatch(number) for number in numbers):
        raise ActionError(f"start_box: {shorten(written)} must be a place, such as '(12,34)'")
    return ", ".join(numbers)


def _click(name: str) -> Reader:
    button, count = _CLICKS[name]
    return lambda given: Click(at=given.place(*_START), button=button, count=count)


def _press(given: Arguments) -> Action:
    held = given.number("time", 0, MAX_SECONDS) if given.text("time", missing="") else PRESS
    return Click(at=given.point(*_START), hold=held)


def _drag(given: Arguments) -> Action:
    return Drag(path=(given.point(*_START), given.point(*_END)))


def _select(given: Arguments) -> Action:
    return _drag(given) if given.has(*_END) else Click(at=given.point(*_START))


def _scroll(given: Arguments) -> Action:
    if given.has(*_END):  # a swipe of the phone's version
        return _drag(given)
    return turn(given.place(*_START), given.choice("direction", tuple(DIRECTIONS)), STEP)


def _hotkey(given: Arguments) -> Action:
    keys = tuple(given.text("key", "hotkey").split())
    if not keys:
        raise ActionError("key: empty; give the names of keys with spaces between them")
    if len(keys) == 1 and "+" in keys[0].strip("+"):
        keys = tuple(part for part in keys[0].split("+") if part)
    return Key(keys=keys)


def _navigate(given: Arguments) -> Action:
    url = given.text("content", "url").strip()
    if not url:
        raise ActionError("content: empty; give an address")
    return Navigate(url=url)


def _wait(given: Arguments) -> Action:
    return Wait(seconds=given.number("time", 0, MAX_SECONDS) if given.text("time", missing="") else PAUSE)


def _no(name: str) -> Reader:
    def refuse(given: Arguments) -> Action:
        raise ActionError(f"{name}: has no counterpart here; use one of {', '.join(_READERS)}")

    return refuse


_READERS: Mapping[str, Reader] = MappingProxyType(
    {
        **{name: _click(name) for name in _CLICKS},
        "long_press": _press,
        "hover": lambda given: Move(at=given.point(*_START)),
        "drag": _drag,
        "select": _select,
        "hotkey": _hotkey,
        "press": _hotkey,
        "type": lambda given: Type(text=given.text("content"), at=given.place(*_START)),
        "scroll": _scroll,
        "wait": _wait,
        "navigate": _navigate,
        "navigate_back": lambda given: Back(),
        "press_back": lambda given: Back(),
        "press_home": lambda given: Navigate(url=HOME),
        "finished": lambda given: Finish(text=given.text("content", missing="")),
        "call_user": lambda given: AskUser(question=given.text("content", missing="")),
    }
)
_REFUSED = MappingProxyType({name: _no(name) for name in ("keydown", "keyup", "open_app", "release")})


def _read(text: str, frame: Frame) -> Action:
    call = find(text)
    known = _READERS.get(call.name) or _REFUSED.get(call.name)
    if known is None:
        raise ActionError(f"{shorten(call.name)} is no action; use one of {', '.join(_READERS)}")
    places = (*_START, *_END)
    values = {name: _pair(value) if name in places else value for name, value in call.arguments.items()}
    return known(Arguments(values, frame, _KNOWN))


def _writer(spell: Callable[[Point], str]) -> Callable[[Action, Place], str]:
    def write(action: Action, place: Place) -> str:
        def box(name: str, point: Point | None) -> str:
            return "" if point is None else f"{name}='{spell(place(point))}'"

        return f"Action: {_print(action, box)}"

    return write


Box = Callable[[str, Point | None], str]


def _print(action: Action, box: Box) -> str:
    match action:
        case Click() | Move() | Drag() | Scroll():
            return _pointer(action, box)
        case Type():
            only("replace", action.replace, False)
            where = f", {box('start_box', action.at)}" if action.at else ""
            return f"type(content='{escape(action.text)}'{where})"
        case Key():
            return f"hotkey(key='{_keys(action)}')"
        case Wait():
            return "wait()" if action.seconds == PAUSE else f"wait(time='{_time(action.seconds)}')"
        case Navigate(url=url):
            only("url", url, url.strip())
            return "press_home()" if url == HOME else f"navigate(content='{escape(url)}')"
        case Back():
            return "navigate_back()"
        case AskUser():
            return f"call_user(content='{escape(action.question)}')"
        case Finish():
            only("success", action.success, True)
            return f"finished(content='{escape(action.text)}')"
        case _:
            raise ActionError(f"{action.kind}: UI-TARS has no words for it")


def _pointer(action: Click | Move | Drag | Scroll, box: Box) -> str:
    match action:
        case Click():
            return _tap(action, box)
        case Move():
            return f"hover({box('start_box', action.at)})"
        case Drag():
            start, end = ends(action.path)
            return f"drag({box('start_box', start)}, {box('end_box', end)})"
        case Scroll():
            for name, (x, y) in DIRECTIONS.items():
                if (action.dx, action.dy) == (x * STEP, y * STEP):
                    where = f"{box('start_box', action.at)}, " if action.at else ""
                    return f"scroll({where}direction='{name}')"
            raise ActionError(f"dy: only {STEP} pixels in one direction can be written, not {action.dx}, {action.dy}")


def _tap(action: Click, box: Box) -> str:
    only("modifiers", action.modifiers, ())
    if action.hold:
        only("button", (action.button, action.count), ("left", 1))
        if action.at is None:
            raise ActionError("at: a long press without a place cannot be written")
        return f"long_press({box('start_box', action.at)}, time='{_time(action.hold)}')"
    for name, what in _CLICKS.items():
        if what == (action.button, action.count):
            return f"{name}({box('start_box', action.at)})"
    raise ActionError(f"count: {action.count} clicks of the {action.button} button cannot be written")


def _time(value: float) -> str:
    """Seconds in digits alone, that read back as the same number."""
    written = f"{seconds(value):.17f}".rstrip("0").rstrip(".") if not float(value).is_integer() else f"{value:.0f}"
    only("seconds", value, float(written))
    return written


def _keys(action: Key) -> str:
    only("count", action.count, 1)
    only("hold", action.hold, 0)
    written = " ".join(action.keys)
    if tuple(written.split()) != action.keys or (len(action.keys) == 1 and "+" in written.strip("+")):
        raise ActionError(f"keys: {shorten(action.keys)} would be read as other keys")
    return escape(written)


_LINES: tuple[tuple[Kind, str], ...] = (
    ("click", "click({box})"),
    ("click", "left_double({box})"),
    ("click", "right_single({box})"),
    ("click", "long_press({box}, time='')  # time: seconds"),
    ("move", "hover({box})"),
    ("drag", "drag({box}, {end})"),
    ("key", "hotkey(key='')  # names of keys in small letters, spaces between them"),
    ("type", "type(content='')  # escape quotes and line breaks; \\n at the end submits"),
    ("scroll", "scroll({box}, direction='down or up or right or left')"),
    ("wait", "wait()  # five seconds"),
    ("navigate", "navigate(content='')  # an address"),
    ("back", "navigate_back()"),
    ("finish", "finished(content='')"),
    ("ask_user", "call_user(content='')"),
)


def _offer(spelling: str) -> Callable[[ActionSpace, Frame], str]:
    box = f"start_box='{spelling.format(x='x1', y='y1')}'"
    end = f"end_box='{spelling.format(x='x2', y='y2')}'"

    def offer(space: ActionSpace, frame: Frame) -> str:
        lines = "\n".join(line.format(box=box, end=end) for kind, line in _LINES if kind in space.kinds)
        return (
            "You are a GUI agent. From the task, what was done so far and the screenshot, decide the next action.\n\n"
            "## Output Format\n```\nThought: ...\nAction: ...\n```\n\n"
            f"## Action Space\n\n{lines}\n\n"
            "## Note\n- Say in `Thought` in one sentence what you do next, and to which element.\n"
        )

    return offer


def _tongue(name: str, thousand: bool) -> Tongue:
    spelling = "<|box_start|>({x},{y})<|box_end|>" if thousand else "({x},{y})"
    write = _writer(lambda point: spelling.format(x=point.x, y=point.y))
    return Tongue(
        name, "thousand" if thousand else "resized", _offer(spelling), write, _read, partial(uitars_grammar, thousand)
    )


UI_TARS_10 = _tongue("ui-tars-1.0", thousand=True)
UI_TARS_15 = _tongue("ui-tars-1.5", thousand=False)
