"""A run as a pyautogui script, and such a script as actions.

What is written runs with Python and pyautogui on a screen of the size that its first line names; texts enter it as
literals alone. What is read is never run: `actions.code` admits calls of a closed list of names with constants in
them, and nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from actions import DIALECTS, Action, ActionError, Answer, Finish, Frame
from actions.code import Line as Call
from actions.code import quote, read_code
from actions.pycalls import combine
from agent.exchange.lower import Unsaid, lowered, pyautogui_keys
from agent.schema import Line

DIALECT = DIALECTS["pyautogui"]
TOGETHER = 24
"""Calls that one action consists of, at most, but for a drag."""

CALLS = 5_000
BARE = 500_000
"""Calls, and characters without texts, of a script that is read."""

_SETTING = re.compile(r"^pyautogui\.(?:PAUSE|FAILSAFE)[ \t]*=[ \t]*[\w.]{1,20}[ \t]*(?:#[^\n]*)?$", re.MULTILINE)
_LAST = re.compile(r"^'(DONE|FAIL)(?:: (.*))?'\s*\Z", re.MULTILINE)


def write(instruction: str, lines: Sequence[Line]) -> str:
    """The script. Raises `Unsaid` for what pyautogui has no words for."""
    look = lines[0].before
    parts = [
        quote(f"{instruction}\n\nFor a screen of {look.width}x{look.height} pixels."),
        "import time",
        "",
        "import pyautogui",
        "",
        "pyautogui.PAUSE = 1.0  # seconds after each call",
    ]
    for line in lines:
        assert line.action is not None
        parts += ["", f"# step {line.index}", *spell(line.action, frame_of(line), line.index)]
    return "\n".join(parts) + "\n"


def spell(action: Action, frame: Frame, step: int) -> list[str]:
    """The code of one action, a call a line. Raises `Unsaid`."""
    if isinstance(action, Finish):
        return [quote(("DONE" if action.success else "FAIL") + (f": {action.text}" if action.text else ""))]
    if isinstance(action, Answer):
        return [f"print({quote(action.text)})"]
    try:
        return [DIALECT.print(pyautogui_keys(each), frame) for each in lowered(action)]
    except (ActionError, Unsaid) as error:
        raise Unsaid(f"step {step}: {error}") from error


def frame_of(line: Line) -> Frame:
    """The screen itself: pyautogui counts its pixels."""
    return Frame(line.before.width, line.before.height, line.before.width, line.before.height)


def read(code: str, frame: Frame) -> Iterator[Action]:
    """The actions of a script, one after another. Raises `ActionError` where it holds anything else."""
    code = _SETTING.sub("", code)
    calls = read_code(code, most=BARE, calls=CALLS)
    while calls:
        if calls[0].name == "print":
            yield Answer(text=" ".join(str(value) for value in calls[0].values))
            calls = calls[1:]
            continue
        action, count = first(calls, frame)
        yield action
        calls = calls[count:]
    if (end := _LAST.search(code)) is not None:
        (said,) = read_code(f"print({end.group().strip()})")[0].values
        yield Finish(success=end[1] == "DONE", text=str(said).partition(": ")[2])


def first(calls: Sequence[Call], frame: Frame) -> tuple[Action, int]:
    """The action that `calls` begin with, and how many of them it takes. Raises `ActionError`."""
    if (drag := _pressed(calls)) > 0:
        return combine(calls[:drag], frame), drag
    near = calls[:TOGETHER]
    action = combine(near, frame)
    for count in range(1, len(near)):
        try:
            if combine(near[:count], frame) == action:
                return action, count
        except ActionError:  # cut in the middle
            continue
    return action, len(near)


def _pressed(calls: Sequence[Call]) -> int:
    """How many calls lie between a mouseDown that `calls` begin with and its mouseUp, both counted; 0 without one."""
    begins = [call.name for call in calls[:2]]
    if begins[:1] != ["pyautogui.mouseDown"] and begins != ["pyautogui.moveTo", "pyautogui.mouseDown"]:
        return 0
    return next((number for number, call in enumerate(calls, 1) if call.name == "pyautogui.mouseUp"), 0)
