"""The words of which grammars of replies are made, as regular expressions in the variant of Lark of llguidance."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from actions.action import MAX_TAB
from actions.frame import Frame


@dataclass(frozen=True)
class Bounds:
    """The most characters of a thought before the call, none at 0, and of each text inside it."""

    thought: int = 600
    text: int = 300


BOUNDS = Bounds()

KEYS = (
    *("alt", "altgr", "arrowdown", "arrowleft", "arrowright", "arrowup", "backspace", "capslock", "cmd", "comma"),
    *("command", "control", "ctrl", "del", "delete", "down", "end", "enter", "equal", "esc", "escape", "home", "ins"),
    *("insert", "left", "menu", "meta", "minus", "option", "page_?down", "page_?up", "period", "pgdn", "pgup", "plus"),
    *("return", "right", "shift", "slash", "space", "spacebar", "super", "tab", "up", "win", "f[1-9]", "f1[0-2]"),
)
"""Names of keys, as regular expressions, whatever their capitals; a key of one character is named by itself."""

NAMED = f"(?i:{'|'.join(KEYS)})"
SINGLE = r"[!#-&(-*,-\[\]-~]"
"""A key of one character: no quotes and no backslash, which are written otherwise, and no plus, which joins keys."""

KEY = f"({NAMED}|{SINGLE})"
CHORD = rf"({KEY}(\+{KEY}){{0,3}}|\+)"

SECONDS = r"(0|[1-9]|[1-5][0-9])(\.[0-9]{1,3})?|60"
PIXELS = r"0|-?[1-9][0-9]{0,4}"

_CALLS = (
    ("</tool_call>", re.compile("<tool_call>")),
    ("}", re.compile(r"\*FUNCTION\*")),
    (")", re.compile("^Action: ", re.MULTILINE)),
)
"""How a reply ends that follows a grammar, and what its call begins with, which no thought before it holds."""

_PLACE = re.compile(
    r"(?:\"(?:coordinate2?|point|start|end)\": |(?:start|end)_box=')(?:<\|box_start\|>)?[\[(](\d+, ?\d+)[\])]"
)


def call_start(text: str) -> int:
    """Where the call begins in a reply that follows a grammar; 0 in any other."""
    for end, begin in _CALLS:
        if text.endswith(end) and (found := begin.search(text)):
            return found.start()
    return 0


def place_spans(text: str) -> tuple[tuple[int, int], ...]:
    """Begin and end of the numbers of each place in such a reply; a quote inside a text is not one of its own."""
    return tuple(found.span(1) for found in _PLACE.finditer(text, call_start(text)))


def upto(most: int) -> str:
    """A regular expression of the whole numbers from 0 to `most`, without leading zeros."""
    digits = str(most)
    forms = [digits, *("[1-9]" + "[0-9]" * more for more in range(1, len(digits) - 1))]
    if len(digits) > 1:
        forms.append("[0-9]")
    for place, digit in enumerate(digits):  # as `most` up to here, and then less
        low = 1 if place == 0 and len(digits) > 1 else 0
        if int(digit) > low:
            forms.append(f"{digits[:place]}[{low}-{int(digit) - 1}]" + "[0-9]" * (len(digits) - place - 1))
    return "|".join(forms)


def inside(quotes: str, most: int, first: str = "") -> str:
    """The inside of a text within `quotes`, at most so many characters; `first` is what it has to begin with."""
    return rf"{first}([^{quotes}\\\x00-\x1f\x7f]|\\[{quotes}\\nt]){{0,{most}}}"


def literal(text: str) -> str:
    """`text` as it stands in a grammar."""
    return json.dumps(text, ensure_ascii=False)


def regex(expression: str) -> str:
    """A regular expression as it stands in a grammar."""
    return "/" + expression.replace("/", r"\/") + "/"


def numbers(frame: Frame) -> list[str]:
    """The places on the image, its far edges among them, and the other numbers that calls hold."""
    return [
        f"X: {regex(upto(frame.model_width))}",
        f"Y: {regex(upto(frame.model_height))}",
        f"SECONDS: {regex(SECONDS)}",
        f"PIXELS: {regex(PIXELS)}",
        f"INDEX: {regex(upto(MAX_TAB))}",
    ]


def json_terms(bounds: Bounds) -> list[str]:
    """Texts, lists and flags of JSON; a WORD has something to read in it."""
    word = '"' + inside('"', bounds.text, r"[!#-\[\]-~]") + '"'
    return [
        f"TEXT: {regex(chr(34) + inside(chr(34), bounds.text) + chr(34))}",
        f"WORD: {regex(word)}",
        f"KEY: {regex(chr(34) + CHORD + chr(34))}",
        'keys: "[" KEY (", " KEY)~0..4 "]"',
        'files: "[" WORD (", " WORD)~0..4 "]"',
        'FLAG: "true" | "false"',
        'STATUS: "\\"success\\"" | "\\"failure\\""',
    ]
