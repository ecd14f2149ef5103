"""Names of keys: what models write, and what the browser wants."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from actions.action import ActionError

NONE: Mapping[str, str] = MappingProxyType({})

NAMES = {
    "alt": "Alt",
    "altgr": "AltGraph",
    "arrowdown": "ArrowDown",
    "arrowleft": "ArrowLeft",
    "arrowright": "ArrowRight",
    "arrowup": "ArrowUp",
    "backspace": "Backspace",
    "capslock": "CapsLock",
    "cmd": "Meta",
    "comma": ",",
    "command": "Meta",
    "control": "Control",
    "ctrl": "Control",
    "del": "Delete",
    "delete": "Delete",
    "down": "ArrowDown",
    "end": "End",
    "enter": "Enter",
    "equal": "=",
    "esc": "Escape",
    "escape": "Escape",
    "home": "Home",
    "ins": "Insert",
    "insert": "Insert",
    "kpenter": "Enter",
    "left": "ArrowLeft",
    "menu": "ContextMenu",
    "meta": "Meta",
    "minus": "-",
    "next": "PageDown",
    "option": "Alt",
    "pagedown": "PageDown",
    "pageup": "PageUp",
    "period": ".",
    "pgdn": "PageDown",
    "pgup": "PageUp",
    "plus": "+",
    "prior": "PageUp",
    "return": "Enter",
    "right": "ArrowRight",
    "shift": "Shift",
    "slash": "/",
    "space": " ",
    "spacebar": " ",
    "super": "Meta",
    "tab": "Tab",
    "up": "ArrowUp",
    "win": "Meta",
}
NAMES |= {f"f{number}": f"F{number}" for number in range(1, 13)}
NAMES |= {
    f"{name}{side}": NAMES[name]
    for name in ("alt", "control", "ctrl", "shift", "super", "win")
    for side in ("left", "right", "l", "r")
}
"""Key names in lower case without separators, those of X11 and pyautogui among them, and Playwright's names."""

DESKTOP = {f"kp{number}": f"KP_{number}" for number in range(10)} | {
    f"f{number}": f"F{number}" for number in range(13, 25)
}
DESKTOP |= {
    "add": "KP_Add",
    "decimal": "KP_Decimal",
    "divide": "KP_Divide",
    "kpadd": "KP_Add",
    "kpdecimal": "KP_Decimal",
    "kpdivide": "KP_Divide",
    "kpenter": "KP_Enter",
    "kpmultiply": "KP_Multiply",
    "kpsubtract": "KP_Subtract",
    "multiply": "KP_Multiply",
    "numlock": "NumLock",
    "pause": "Pause",
    "print": "PrintScreen",
    "printscreen": "PrintScreen",
    "scrolllock": "ScrollLock",
    "subtract": "KP_Subtract",
}
DESKTOP |= {f"num{number}": f"KP_{number}" for number in range(10)}
"""Keys that a page is never sent, the keypad's among them, and what a desktop calls them."""

MODIFIERS = {"alt": "Alt", "ctrl": "Control", "meta": "Meta", "shift": "Shift"}

_RUNS = re.compile(r"[ -~\n\t]+|[^ -~\n\t]+")


def chord(keys: Sequence[str], more: Mapping[str, str] = NONE) -> list[str]:
    """Playwright's names of `keys`, in order; `("ctrl+s",)` is the same as `("ctrl", "s")`.

    `more` has names of further keys, which come before those of a US keyboard. ActionError for a key of neither.
    """
    parts = [part for key in keys for part in _split(key)]
    names = [_name(part, more) for part in parts]
    if {"Control", "Alt", "Meta"} & set(names):  # ctrl+C means the key c: shift would be another chord
        names = [name.lower() if len(name) == 1 else name for name in names]
    return names


def _split(key: str) -> list[str]:
    if len(key) < 2 or "+" not in key:
        return [key]
    head, plus, last = key.rpartition("+")
    if not last:  # "ctrl++" ends with the plus key itself
        head, last = head.removesuffix("+"), plus
    return [*head.split("+"), last] if head else [last]


def _name(key: str, more: Mapping[str, str]) -> str:
    if len(key) == 1 and " " <= key <= "~":
        return key
    plain = re.sub(r"[\s_-]", "", key).lower()
    if len(plain) == 1 and " " <= plain <= "~":
        return plain
    if plain in more:
        return more[plain]
    if plain in NAMES:
        return NAMES[plain]
    known = ", ".join(sorted(name for name in {*NAMES, *more} if len(name) > 2))
    raise ActionError(f"keys: there is no key {key!r}; use one character of a US keyboard, f1 to f12, or {known}")


def runs(text: str) -> list[tuple[bool, str]]:
    """`text` cut into stretches that a US keyboard can type (True) and stretches it cannot (False).

    Line ends become single newlines. ActionError for control characters, which no key makes.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    for place, character in enumerate(text):
        if (character < " " and character not in "\n\t") or character == "\x7f":
            raise ActionError(f"text: character {place} is the control character {character!r}; use the key action")
    return [(" " <= run[0] <= "~" or run[0] in "\n\t", run) for run in _RUNS.findall(text)]
