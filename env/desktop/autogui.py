"""Pointer and keyboard of Windows and macOS, by pyautogui."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType

import pyautogui

from actions.action import Action, ActionError, Button, Click, Key, Scroll, Type
from env import keys
from env.desktop.input import NOTCH, SIDES, Failsafe, notches

pyautogui.PAUSE = 0.0
pyautogui.FAILSAFE = True

WINDOWS = sys.platform == "win32"
COMMAND = "command" if sys.platform == "darwin" else "ctrl"

NAMES: Mapping[str, str] = MappingProxyType(
    {
        "AltGraph": "altright",
        "ArrowDown": "down",
        "ArrowLeft": "left",
        "ArrowRight": "right",
        "ArrowUp": "up",
        "ContextMenu": "apps",
        "Control": "ctrl",
        "KP_Enter": "enter",
        "Meta": "command" if sys.platform == "darwin" else "win",
        " ": "space",
    }
)
"""pyautogui's names of keys where they are not those of `env.keys` in lower case."""


@contextmanager
def stopped() -> Iterator[None]:
    """pyautogui's word for a pointer in a corner becomes ours."""
    try:
        yield
    except pyautogui.FailSafeException as corner:
        raise Failsafe("the pointer is in a corner, where the agent did not put it") from corner


class Autogui:
    """The hands of this process on the screen of its session.

    A corner stops pyautogui, since that is where a person pushes the pointer; the agent's own way there does not.
    """

    def __init__(self) -> None:
        self._left: tuple[int, int] | None = None  # where the agent has put the pointer

    def check(self, action: Action) -> None:
        """ActionError for what pyautogui would silently leave out: it has no other way to be told."""
        match action:
            case Type(text=text):
                missing = next((each for each in text if each not in "\r\n\t" and not pyautogui.isValidKey(each)), "")
                if missing:
                    raise ActionError(f"text: this keyboard has no key for {missing!r}")
            case Key():
                for name in keys.chord(action.keys, keys.DESKTOP):
                    if not pyautogui.isValidKey(_name(name)):
                        raise ActionError(f"keys: this keyboard has no key {name!r}")
            case Click() if action.button not in SIDES:
                raise ActionError(f"button: there is no {action.button} button here; use {', '.join(SIDES)}")
            case Scroll() if WINDOWS and notches(action.dx):
                raise ActionError("dx: the wheel turns up and down alone here; give dy")

    def pointer(self) -> tuple[int, int]:
        """Where the pointer is."""
        x, y = pyautogui.position()
        return int(x), int(y)

    @stopped()
    def move(self, x: int, y: int) -> None:
        """Bring the pointer there."""
        pyautogui.FAILSAFE = self.pointer() != self._left
        pyautogui.moveTo(x, y)
        self._left = (x, y)
        pyautogui.FAILSAFE = self._left not in pyautogui.FAILSAFE_POINTS

    @stopped()
    def press(self, button: Button) -> None:
        """Push a button of the mouse down."""
        pyautogui.mouseDown(button=button)

    @stopped()
    def release(self, button: Button) -> None:
        """Let a button of the mouse go."""
        pyautogui.mouseUp(button=button)

    @stopped()
    def wheel(self, dx: int, dy: int) -> None:
        """Turn the wheel by so many notches: to the right, and down."""
        unit = NOTCH if WINDOWS else 1
        if dy:
            pyautogui.scroll(-dy * unit)
        if dx:
            pyautogui.hscroll(dx)

    @stopped()
    def hold(self, key: str) -> None:
        """Push a key down."""
        pyautogui.keyDown(_name(key))

    @stopped()
    def let(self, key: str) -> None:
        """Let a key go."""
        pyautogui.keyUp(_name(key))

    @stopped()
    def write(self, text: str) -> None:
        """Type `text`; a line break is the enter key."""
        pyautogui.write(text.replace("\r\n", "\n").replace("\r", "\n"))

    @stopped()
    def clear(self) -> None:
        """Remove all text of the field that has the focus."""
        pyautogui.hotkey(COMMAND, "a")
        pyautogui.press("delete")


def _name(key: str) -> str:
    if len(key) == 1 and key != " ":
        return key
    return NAMES.get(key, key.removeprefix("KP_").lower() if not key.startswith("KP_") else _keypad(key))


def _keypad(key: str) -> str:
    plain = key.removeprefix("KP_").lower()
    return f"num{plain}" if plain.isdigit() else plain
