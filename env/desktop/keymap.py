"""What the keys of an X display mean, and keys without a meaning that are lent one."""

from __future__ import annotations

import unicodedata
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from types import MappingProxyType

from Xlib import XK, X

from env.desktop.link import Link, said

NAMES: Mapping[str, str] = MappingProxyType(
    {
        "Alt": "Alt_L",
        "ArrowDown": "Down",
        "ArrowLeft": "Left",
        "ArrowRight": "Right",
        "ArrowUp": "Up",
        "Backspace": "BackSpace",
        "CapsLock": "Caps_Lock",
        "ContextMenu": "Menu",
        "Control": "Control_L",
        "Enter": "Return",
        "Meta": "Super_L",
        "NumLock": "Num_Lock",
        "PageDown": "Next",
        "PageUp": "Prior",
        "PrintScreen": "Print",
        "ScrollLock": "Scroll_Lock",
        "Shift": "Shift_L",
    }
)
"""X11's names of keys where they are not those of `env.keys`."""

LEVEL_3 = 0xFE03  # ISO_Level3_Shift, whose name python-xlib does not know
UNICODE = 0x01000000  # what a keysym is more than its character, X11 protocol, appendix A
VENDOR = range(0x10080000, 0x10090000)
"""Keysyms of keys such as "open the mail", which a private display can do without."""

LOWEST = 9  # the keycode 8 is no key to some programs


@dataclass(frozen=True)
class Place:
    """A key of the keyboard, and whether shift is held for it."""

    code: int
    shift: bool = False


def keysym(name: str) -> int:
    """The number of a key by its name or of a character; 0 for what has none."""
    if name == "AltGraph":
        return LEVEL_3
    if len(name) != 1:
        return XK.string_to_keysym(NAMES.get(name, name))
    code = ord(name)
    if name in "\n\t":
        return int(XK.XK_Return if name == "\n" else XK.XK_Tab)
    if 0x20 <= code <= 0x7E or 0xA0 <= code <= 0xFF:
        return code
    return 0 if unicodedata.category(name) == "Cc" else UNICODE + code


class Keymap:
    """The keys of the display behind `link`; with `ours` those that start other programs may be lent out too."""

    def __init__(self, link: Link, *, ours: bool) -> None:
        self._link, self._ours = link, ours
        self._read_at = -1
        self._keys: dict[int, Place] = {}
        self._spare: list[int] = []
        self._lent: OrderedDict[int, int] = OrderedDict()  # keysym to keycode, the longest unused one first
        self._before: dict[int, Sequence[int]] = {}

    def find(self, symbol: int) -> Place | None:
        """The key that makes `symbol`; None where no key does."""
        if symbol in self._lent:
            self._lent.move_to_end(symbol)
            return Place(self._lent[symbol])
        return self._keys.get(symbol)

    def refresh(self) -> None:
        """Read the keys again where they may have changed."""
        self._link.sync()
        if self._link.mappings == self._read_at:
            return
        with said():
            first = self._link.display.display.info.min_keycode
            rows = self._link.display.get_keyboard_mapping(
                first, self._link.display.display.info.max_keycode - first + 1
            )
            modifiers = {code for row in self._link.display.get_modifier_mapping() for code in row}
            group = self._link.root.query_pointer().mask >> 13 & 3
        self._read_at = self._link.mappings
        lent, taken = set(self._lent.values()), list(enumerate(rows, first))
        self._lent = OrderedDict(
            (symbol, code) for symbol, code in self._lent.items() if rows[code - first][0] == symbol
        )
        self._keys = _keys(taken, 2 * min(group, 1), lent)
        free = [code for code, row in taken if code >= LOWEST and code not in modifiers and not any(row)]
        vendor = [code for code, row in taken if code not in modifiers and _vendor(row)] if self._ours else []
        known = set(self._lent.values())
        self._spare = [code for code in [*free, *vendor] if code not in known]
        self._before |= {code: row for code, row in taken if code in set(self._spare) and code not in self._before}

    def lack(self, symbols: Iterable[int]) -> list[int]:
        """Those of `symbols` that no key makes, each once."""
        return [symbol for symbol in dict.fromkeys(symbols) if self.find(symbol) is None]

    def lends(self, symbol: int) -> bool:
        """Whether `symbol` has a lent key just now."""
        return symbol in self._lent

    @property
    def room(self) -> int:
        """How many symbols can be lent a key at one time."""
        return len(self._spare) + len(self._lent)

    def lend(self, symbols: Sequence[int], kept: Iterable[int], drained: Callable[[], None]) -> None:
        """Give each of `symbols` a key, at most `room` of them together with those `kept`.

        Where a key has to change its meaning for it, what was typed before has to be `drained` first: a program looks
        up what a key means when it reads the event.
        """
        if not symbols:
            return
        missing, stay = len(symbols) - len(self._spare), set(kept)
        if missing > 0:
            drained()
            oldest = [symbol for symbol in self._lent if symbol not in stay][:missing]
            self._spare += [self._lent.pop(symbol) for symbol in oldest]
        codes = self._spare[: len(symbols)]
        del self._spare[: len(symbols)]
        self._put({code: (symbol, symbol) for code, symbol in zip(codes, symbols, strict=True)})
        self._lent.update(zip(symbols, codes, strict=True))

    def restore(self) -> None:
        """Give every key back the meaning it had."""
        self._put({code: self._before[code] for code in self._lent.values()})
        self._lent.clear()

    def _put(self, rows: Mapping[int, Sequence[int]]) -> None:
        """Change what keys mean, in as few requests as possible: each one is told to every program."""
        with said():
            ordered = enumerate(sorted(rows))
            for _, run in groupby(ordered, key=lambda placed: placed[1] - placed[0]):
                codes = [code for _, code in run]
                width = max(len(rows[code]) for code in codes)
                lines = [[*rows[code], *[X.NoSymbol] * (width - len(rows[code]))] for code in codes]
                self._link.display.change_keyboard_mapping(codes[0], lines)
        self._link.sync()
        self._read_at = self._link.mappings


def _keys(rows: Sequence[tuple[int, Sequence[int]]], column: int, lent: set[int]) -> dict[int, Place]:
    """Where each symbol is, without shift rather than with it."""
    keys: dict[int, Place] = {}
    for level in (0, 1):
        for code, row in rows:
            symbol = next((symbol for symbol in (*row[column + level :][:1], row[level]) if symbol), 0)
            if symbol and code not in lent:
                keys.setdefault(symbol, Place(code, shift=bool(level)))
    return keys


def _vendor(row: Sequence[int]) -> bool:
    return any(row) and all(not symbol or symbol in VENDOR for symbol in row)
