"""Reads the JSON that models write, and what they write in its place, without ever running it.

Beyond JSON it reads Python's spelling (single quotes, tuples, True, None), trailing commas, line breaks inside
strings and NaN. Time is linear in the text, and depth and count of values are bounded.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from types import MappingProxyType

from pydantic import JsonValue

MAX_DEPTH = 32
MAX_VALUES = 50_000
MAX_DIGITS = 300  # so that every whole number fits a float

_SPACE = re.compile(r"\s*+")
_NUMBER = re.compile(r"[-+]?(?:[0-9]++(?:\.[0-9]*+)?|\.[0-9]++)(?:[eE][-+]?[0-9]++)?")
_WHOLE = re.compile(r"[-+]?[0-9]+")
_WORD = re.compile(r"[-+]?[A-Za-z]++")
_STRINGS = MappingProxyType(
    {
        '"': re.compile(r'"([^"\\]*+(?:\\.[^"\\]*+)*+)"', re.DOTALL),
        "'": re.compile(r"'([^'\\]*+(?:\\.[^'\\]*+)*+)'", re.DOTALL),
    }
)
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_ESCAPED = MappingProxyType({"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"})
_WORDS: Mapping[str, JsonValue] = MappingProxyType(
    {
        "true": True,
        "True": True,
        "false": False,
        "False": False,
        "null": None,
        "None": None,
        "nan": math.nan,
        "infinity": math.inf,
        "inf": math.inf,
        "-infinity": -math.inf,
        "-inf": -math.inf,
    }
)
_CLOSERS = MappingProxyType({"[": "]", "(": ")"})
_CALL_ENDS = ("<", "`", "⚗", "📐")


class Unreadable(ValueError):
    """No value stands there; `at` is the index where reading stopped."""

    def __init__(self, message: str, at: int) -> None:
        super().__init__(message)
        self.at = at


class Reader:
    """Reads values at places of one text, and gives up for good after `MAX_VALUES` of them."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._left = MAX_VALUES
        self._whole: list[JsonValue] = []

    @property
    def whole(self) -> list[JsonValue]:
        """The objects that the last `read` came to the end of, even if it failed; none that lies inside another."""
        return self._whole

    @property
    def spent(self) -> bool:
        """Whether everything further is Unreadable because so much has been read."""
        return self._left <= 0

    def read(self, at: int) -> tuple[JsonValue, int]:
        """The value that begins at index `at`, and the index after it. Raises Unreadable."""
        self._at, self._whole = at, []
        value = self._value(MAX_DEPTH)
        return value, self._at

    def _value(self, depth: int) -> JsonValue:
        self._left -= 1
        if self._left < 0:
            raise Unreadable(f"more than {MAX_VALUES} values", self._at)
        if depth == 0:
            raise Unreadable(f"nested deeper than {MAX_DEPTH}", self._at)
        first = self._next()
        if first == "{":
            return self._object(depth)
        if first in _CLOSERS:
            return self._array(depth, _CLOSERS[first])
        if first in _STRINGS:
            return self._string(first)
        return self._scalar()

    def _object(self, depth: int) -> dict[str, JsonValue]:
        fields: dict[str, JsonValue] = {}
        whole = len(self._whole)
        self._at += 1
        while (first := self._next()) in _STRINGS:
            key = self._string(first)
            if self._next() != ":":
                raise Unreadable("expected ':'", self._at)
            self._at += 1
            fields[key] = self._value(depth - 1)
            if self._next() != ",":
                break
            self._at += 1
        self._close("}")
        self._whole[whole:] = [fields]
        return fields

    def _array(self, depth: int, closer: str) -> list[JsonValue]:
        items: list[JsonValue] = []
        self._at += 1
        while self._next() != closer:
            items.append(self._value(depth - 1))
            if self._next() != ",":
                break
            self._at += 1
        self._close(closer)
        return items

    def _close(self, closer: str) -> None:
        """Step over `closer`. A brace may be missing where a call's closing mark already follows.

        The end of the text is no such mark: a reply that was cut there may lack more than its brace.
        """
        first = self._next()
        if first == closer:
            self._at += 1
        elif closer != "}" or first not in _CALL_ENDS:
            raise Unreadable(f"expected {closer!r}", self._at)

    def _string(self, quote: str) -> str:
        found = _STRINGS[quote].match(self._text, self._at)
        if found is None:
            raise Unreadable("the string does not end", len(self._text))
        self._at = found.end()
        raw = found.group(1)
        return _unescape(raw) if "\\" in raw else raw

    def _scalar(self) -> JsonValue:
        if found := _NUMBER.match(self._text, self._at):
            self._at = found.end()
            return _number(found.group())
        if found := _WORD.match(self._text, self._at):
            word = found.group()
            for spelling in (word, word.lower().lstrip("+")):
                if spelling in _WORDS:
                    self._at = found.end()
                    return _WORDS[spelling]
        raise Unreadable("expected a value", self._at)

    def _next(self) -> str:
        """The first character after white space, which is stepped over; "" at the end of the text."""
        space = _SPACE.match(self._text, self._at)
        assert space is not None
        self._at = space.end()
        return self._text[self._at : self._at + 1]


def _number(numeral: str) -> int | float:
    if len(numeral) > MAX_DIGITS:
        return -math.inf if numeral.startswith("-") else math.inf
    return int(numeral) if _WHOLE.fullmatch(numeral) else float(numeral)


def _unescape(raw: str) -> str:
    """`raw` with its escapes resolved, halves of surrogate pairs joined; an unknown escape stays as written."""
    text = _ESCAPE.sub(_escaped, raw)
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")


def _escaped(found: re.Match[str]) -> str:
    code = found.group(1)
    if len(code) > 1:
        return chr(int(code[1:], 16))
    if code in _ESCAPED:
        return _ESCAPED[code]
    return code if code in "\"'\\/" else found.group()
