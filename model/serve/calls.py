"""Function calls in what a model wrote, as Qwen's templates teach it to write them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pydantic import JsonValue

from model.grammar import json_term

OPEN, CLOSE = "<tool_call>", "</tool_call>"
_BLOCK = re.compile(re.escape(OPEN) + r"(.*?)(?:" + re.escape(CLOSE) + r"|\Z)", re.DOTALL)


@dataclass(frozen=True)
class Call:
    """A function's name, and its arguments as JSON text."""

    name: str
    arguments: str


def write(name: str, arguments: str) -> str:
    """A call as it is written; `arguments` is JSON text."""
    return f'{OPEN}\n{{"name": {json.dumps(name, ensure_ascii=False)}, "arguments": {arguments}}}\n{CLOSE}'


def grammar(functions: Mapping[str, Mapping[str, JsonValue]], *, several: bool) -> str:
    """The grammar of a call of one of `functions`, by name the JSON Schema of the arguments; or of `several` calls."""
    forms: list[JsonValue] = [
        {
            "type": "object",
            "properties": {"name": {"const": name}, "arguments": {"type": "object", **parameters}},
            "required": ["name", "arguments"],
            "additionalProperties": False,
        }
        for name, parameters in functions.items()
    ]
    more = ' ("\\n" call)*' if several else ""
    return f'start: call{more}\ncall: {OPEN} "\\n" object "\\n" {CLOSE}\nobject: {json_term({"anyOf": forms})}'


def split(text: str, names: Sequence[str]) -> tuple[str, tuple[Call, ...]]:
    """The words of a reply and the calls in it; what is no call of one of `names` stays among the words."""
    calls: list[Call] = []

    def take(match: re.Match[str]) -> str:
        call = _read(match[1], names)
        if call is None:
            return match[0]
        calls.append(call)
        return ""

    words = _BLOCK.sub(take, text)
    return words, tuple(calls)


def _read(text: str, names: Sequence[str]) -> Call | None:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict) or found.get("name") not in names:
        return None
    arguments = found.get("arguments", {})
    if isinstance(arguments, str):
        return Call(found["name"], arguments)
    return Call(found["name"], json.dumps(arguments, ensure_ascii=False)) if isinstance(arguments, dict) else None


class Sieve:
    """Lets text through as it is written, and keeps back whatever may be the beginning of one of `marks`.

    With `hold`, all from the first mark on stays back.
    """

    def __init__(self, marks: Sequence[str]) -> None:
        self.marks = tuple(marks)
        self.kept = ""

    def feed(self, text: str) -> str:
        """What may be shown now."""
        self.kept += text
        shown, self.kept = self.kept[: (cut := self._cut())], self.kept[cut:]
        return shown

    def _cut(self) -> int:
        whole = [at for mark in self.marks if (at := self.kept.find(mark)) >= 0]
        if whole:
            return min(whole)
        longest = max(map(len, self.marks), default=1) - 1
        for at in range(max(0, len(self.kept) - longest), len(self.kept)):
            if any(mark.startswith(self.kept[at:]) for mark in self.marks):
                return at
        return len(self.kept)
