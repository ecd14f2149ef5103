"""Finds the call in a reply such as "Thought: ... Action: click(start_box='(12,34)')".

The text is no code: quotes inside quotes are seldom escaped, brackets go missing, and values may stand without quotes.
It is read from left to right, in time linear in its length, and never run.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from actions.action import ActionError
from actions.fields import shorten

MAX_ARGUMENTS = 8
MAX_TRIES = 50
PLACES = ("box", "point")
"""How the names of arguments end that hold a place."""

_MARK = re.compile(r"^[ \t]{0,8}Action:", re.MULTILINE)
_NAME = re.compile(r"[\s`]*+([A-Za-z_]\w{0,40})[ \t]{0,8}\(")
_ARGUMENT = re.compile(r"[\s,]*+([A-Za-z_]\w{0,40})[ \t]{0,8}=[ \t]{0,8}")
_END = re.compile(r"[\s,]*+\)")
_BARE = re.compile(r"[^'\"\n]{1,200}?(?=\s{0,8},\s{0,8}[A-Za-z_]\w{0,40}\s{0,8}=|\)[ \t`]{0,8}(?:\n|\Z))")
_QUOTES = MappingProxyType({quote: re.compile(rf"\\.|{quote}", re.DOTALL) for quote in "'\""})
_CLOSES = re.compile(r"[\s`]*+(?:\)[ \t`]*+(?:\n|\Z|[;#])|,\s*+[A-Za-z_]\w{0,40}[ \t]{0,8}=)")
_LAST = re.compile(r"[\s`]*+\Z")
_MAYBE = re.compile(r"\s*+[,)]")
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPED = MappingProxyType({"n": "\n", "t": "\t", "r": "\r", "\\": "\\", "'": "'", '"': '"'})


@dataclass(frozen=True)
class Written:
    """A call as written; its values are texts that nobody has checked."""

    name: str
    arguments: Mapping[str, str]


class _Cut(ValueError):
    """No whole call stands there."""


def find(text: str) -> Written:
    """The first call that follows an "Action:" and can be read; without that word, the one the reply begins with.

    Raises ActionError, and nothing else.
    """
    problem = "the reply holds no action"
    starts = [found.end() for found in _MARK.finditer(text)][:MAX_TRIES] or [0]
    for start in starts:
        try:
            return _read(text, start)
        except _Cut as wrong:
            problem = str(wrong) if problem == "the reply holds no action" else problem
    raise ActionError(f"{problem}; write exactly one line such as Action: click(start_box='(12,34)')")


def escape(text: str) -> str:
    """`text` as it stands between single quotes."""
    for raw, written in (("\\", "\\\\"), ("'", "\\'"), ('"', '\\"'), ("\n", "\\n"), ("\r", "\\r"), ("\t", "\\t")):
        text = text.replace(raw, written)
    return text


def _read(text: str, at: int) -> Written:
    named = _NAME.match(text, at)
    if named is None:
        line = text[at : at + 200].strip().partition("\n")[0]
        raise _Cut(f"{shorten(line)} is no action" if line else "no action follows")
    at, arguments = named.end(), dict[str, str]()
    while len(arguments) < MAX_ARGUMENTS and (argument := _ARGUMENT.match(text, at)):
        value, at = _value(text, argument.end(), argument[1])
        arguments.setdefault(argument[1].lower(), value)
    if not (_END.match(text, at) or not text[at:].strip(" \t\n`")):
        raise _Cut(f"{named[1]}(...) cannot be read at {shorten(text[at : at + 20])}")
    return Written(named[1].lower(), arguments)


def _value(text: str, at: int, name: str) -> tuple[str, int]:
    """The value that begins at `at`, and the index after it.

    A quote ends it where the call ends with the line, or another argument follows; failing that, where a bracket or
    a comma follows; for quotes inside are seldom escaped. The end of the reply ends a place, but no text: that may
    have been cut.
    """
    quote = text[at : at + 1]
    if quote not in _QUOTES:
        bare = _BARE.match(text, at)
        if bare is None:
            raise _Cut(f"{name}: the value {shorten(text[at : at + 20])} does not end")
        return bare.group().strip(), bare.end()
    maybe = -1
    for found in _QUOTES[quote].finditer(text, at + 1):
        if found.group() != quote:
            continue
        if _CLOSES.match(text, found.end()) or (name.endswith(PLACES) and _LAST.match(text, found.end())):
            return _unescape(text[at + 1 : found.start()]), found.end()
        if maybe < 0 and _MAYBE.match(text, found.end()):
            maybe = found.start()
    if maybe < 0:
        raise _Cut(f"{name}: the text {shorten(text[at : at + 20])} does not end")
    return _unescape(text[at + 1 : maybe]), maybe + 1


def _unescape(raw: str) -> str:
    """`raw` with its escapes resolved; an unknown one stays as written."""
    return _ESCAPE.sub(lambda found: _ESCAPED.get(found[1], found[0]), raw) if "\\" in raw else raw
