"""Reads Python that a model wrote as a list of calls with constant arguments, without ever running any of it.

Texts in the code are cut out first and read by rules of our own, so that the parser of Python sees only names, numbers
and brackets; what is left is bounded in size and depth. Of its syntax tree nothing is admitted but imports, which are
skipped, and calls of dotted names with constants. Anything else is an ActionError that names it.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from pydantic import JsonValue

from actions.action import ActionError
from actions.fields import shorten

MAX_CODE = 200_000
"""Characters of code, its texts included."""

MAX_BARE = 4_000
"""Characters of code without its texts: the parser's depth is at most as great."""

MAX_DEPTH = 16
MAX_CALLS = 200
MAX_DIGITS = 20

_OPEN = re.compile(r"(?P<prefix>[A-Za-z]{0,2})(?P<quote>\'\'\'|\"\"\"|'|\")|#[^\n]*+")
_TO_END = MappingProxyType(
    {
        "'": re.compile(r"((?:[^'\\\n]|\\.)*+)'", re.DOTALL),
        '"': re.compile(r'((?:[^"\\\n]|\\.)*+)"', re.DOTALL),
        "'''": re.compile(r"((?:[^'\\]|\\.|'(?!''))*+)'''", re.DOTALL),
        '"""': re.compile(r'((?:[^"\\]|\\.|"(?!""))*+)"""', re.DOTALL),
    }
)
_PLAIN = re.compile(r"[A-Za-z0-9_\s.,=()\[\]+\-;:\"~*/]*+")
_LONG = re.compile(rf"[0-9][0-9_]{{{MAX_DIGITS}}}|[0-9][eE][+-]?[0-9]{{4}}")
_ESCAPE = re.compile(
    r"\\(?:\n|x(?P<x>[0-9a-fA-F]{2})|u(?P<u>[0-9a-fA-F]{4})|U(?P<w>[0-9a-fA-F]{8})|(?P<o>[0-7]{1,3})|(?P<one>.))",
    re.DOTALL,
)
_ESCAPED = MappingProxyType(
    {"n": "\n", "t": "\t", "r": "\r", "\\": "\\", "'": "'", '"': '"', "b": "\b", "f": "\f", "v": "\v", "a": "\a"}
)


@dataclass(frozen=True)
class Line:
    """One call: "pyautogui.click", its arguments in order, and those with names."""

    name: str
    values: tuple[JsonValue, ...]
    named: Mapping[str, JsonValue]


def read_code(code: str, *, most: int = MAX_BARE, calls: int = MAX_CALLS) -> list[Line]:
    """The calls that `code` consists of, in order. Raises ActionError, and nothing else, in linear time.

    `most` and `calls` are what is read of a reply; a whole script may have more characters without texts, and calls.
    """
    if len(code) > (whole := max(MAX_CODE, most)):
        raise ActionError(f"the code has {len(code)} characters; at most {whole} are read")
    bare, texts = _cut(code)
    _bound(bare, most)
    try:
        tree = ast.parse(bare)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as wrong:
        raise ActionError(f"the code is no Python that can be read: {shorten(str(wrong))}") from None
    found = [call for statement in tree.body for call in _statement(statement, texts)]
    if len(found) > calls:
        raise ActionError(f"the code makes {len(found)} calls; at most {calls} are read")
    return found


def quote(text: str) -> str:
    """`text` as a literal that `read_code` reads back."""
    for raw, written in (("\\", "\\\\"), ("'", "\\'"), ("\n", "\\n"), ("\r", "\\r"), ("\t", "\\t"), ("\0", "\\x00")):
        text = text.replace(raw, written)
    return f"'{text}'"


def _cut(code: str) -> tuple[str, list[str]]:
    """`code` without comments and with numbers for its texts, and the texts."""
    parts: list[str] = []
    texts: list[str] = []
    at = 0
    while opened := _OPEN.search(code, at):
        parts.append(code[at : opened.start()])
        at = opened.end()
        if quote := opened["quote"]:
            found = _TO_END[quote].match(code, at)
            if found is None:
                raise ActionError(f"the code holds a text that does not end: {shorten(code[opened.start() :][:24])}")
            texts.append(_text(opened["prefix"].lower(), found[1]))
            parts.append(f'"{len(texts) - 1};"')  # joined texts stay apart by the semicolon
            at = found.end()
    return "".join(parts) + code[at:], texts


def _bound(bare: str, most: int) -> None:
    if len(bare) > most:
        raise ActionError(f"the code without its texts has {len(bare)} characters; at most {most} are read")
    plain = _PLAIN.match(bare)
    assert plain is not None
    if plain.end() < len(bare):
        raise ActionError(f"the code holds {shorten(bare[plain.end() : plain.end() + 12])}; only plain calls are read")
    if _LONG.search(bare):
        raise ActionError(f"the code holds a number of more than {MAX_DIGITS} digits")
    depth = 0
    for character in bare:
        depth += (character in "([") - (character in ")]")
        if depth > MAX_DEPTH:
            raise ActionError(f"the code is nested deeper than {MAX_DEPTH}")


def _text(prefix: str, raw: str) -> str:
    if prefix not in ("", "r", "u"):
        raise ActionError(f"the code holds {shorten(prefix + repr(raw[:20]))}; only plain texts are read")
    return raw if prefix == "r" or "\\" not in raw else _unescape(raw)


def _unescape(raw: str) -> str:
    """`raw` with its escapes resolved as Python does; an unknown one stays as written."""

    def one(found: re.Match[str]) -> str:
        if digits := found["x"] or found["u"] or found["w"]:
            return chr(int(digits, 16)) if int(digits, 16) <= 0x10FFFF else found.group()
        if found["o"]:
            return chr(int(found["o"], 8))
        return _ESCAPED.get(found["one"], found.group()) if found["one"] else ""

    return _ESCAPE.sub(one, raw)


def _statement(statement: ast.stmt, texts: Sequence[str]) -> list[Line]:
    if isinstance(statement, ast.Import | ast.ImportFrom | ast.Pass):
        return []
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
        return []  # a text that stands alone is a comment
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
        return [_call(statement.value, texts)]
    raise ActionError(f"the code holds a statement of the kind {type(statement).__name__}; only plain calls are read")


def _call(call: ast.Call, texts: Sequence[str]) -> Line:
    name = _name(call.func)
    values = tuple(_value(each, texts) for each in call.args)
    named: dict[str, JsonValue] = {}
    for keyword in call.keywords:
        if keyword.arg is None:
            raise ActionError(f"{name}: ** is not read; name every argument")
        named[keyword.arg] = _value(keyword.value, texts)
    return Line(name, values, named)


def _name(node: ast.expr) -> str:
    match node:
        case ast.Attribute(value=ast.Name(id=module), attr=name):
            return f"{module}.{name}"
        case ast.Name(id=name):
            return name
        case _:
            raise ActionError(f"the code calls a {type(node).__name__}; only names such as pyautogui.click are read")


def _value(node: ast.expr, texts: Sequence[str]) -> JsonValue:
    match node:
        case ast.Constant(value=str() as held):
            return "".join(texts[int(part)] for part in held.split(";") if part)
        case ast.Constant(value=bool() | int() | float() | None as value):
            return value
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)):
            return -value
        case ast.UnaryOp(op=ast.UAdd(), operand=ast.Constant(value=int() | float() as value)):
            return +value
        case ast.List(elts=items) | ast.Tuple(elts=items):
            return [_value(item, texts) for item in items]
        case _:
            raise ActionError(f"the code holds a {type(node).__name__} in an argument; only constants are read")
