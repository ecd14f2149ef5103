"""Text that somebody wrote never becomes structure: a mark goes in front of each special token in it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from pydantic import JsonValue

from model.messages import ChatError

MARKS = range(0xF0000, 0x10FFFE)
"""Private-use characters: one that nothing given holds serves as the mark."""


@dataclass(frozen=True)
class Shield:
    """Marks special tokens in text, and tells them from those that a template wrote.

    `special` are the tokens, the longest first; `mark` is a character that no text given holds.
    """

    special: Sequence[str]
    mark: str

    @classmethod
    def over(cls, special: Sequence[str], texts: Iterable[str]) -> Shield:
        """A shield whose mark is in none of `texts`. Raises `ChatError` where they hold every one."""
        held = {c for text in texts for c in text}
        mark = next((c for c in map(chr, MARKS) if c not in held), None)
        if mark is None:
            raise ChatError("the messages hold every private-use character; expected text")
        return cls(special, mark)

    @cached_property
    def structure(self) -> str:
        """A pattern of any special token."""
        return "|".join(map(re.escape, self.special))

    def sparing(self, tokens: Collection[str]) -> Shield:
        """The same mark, but before none of `tokens`: whoever writes those may mean them."""
        return Shield([token for token in self.special if token not in tokens], self.mark)

    def text(self, text: str) -> str:
        """`text` with the mark before special tokens, and before an end that what follows could complete to one."""
        text = re.sub("[\ud800-\udfff]", "\ufffd", text)  # half a character: JavaScript has them, UTF-8 does not
        whole = {match.start() for match in re.finditer(f"(?={self.structure})", text)}
        tail = range(max(0, len(text) - len(self.special[0])), len(text))
        begun = {i for i in tail if any(token.startswith(text[i:]) for token in self.special)}
        cuts = [0, *sorted(whole | begun), len(text)]
        return self.mark.join(text[a:b] for a, b in pairwise(cuts))

    def json(self, value: JsonValue) -> JsonValue:
        """The same for every string of a JSON value, keys too; their order stays."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return self.members(value)
        return [self.json(one) for one in value] if isinstance(value, list) else value

    def members(self, value: dict[str, JsonValue]) -> dict[str, JsonValue]:
        """The same for an object."""
        return {self.text(key): self.json(one) for key, one in value.items()}

    def split(self, rendered: str) -> Iterator[tuple[str, bool]]:
        """Pieces of a rendered prompt without marks, and whether each is a special token that is meant."""
        pieces = re.split(f"(?<!{self.mark})({self.structure})", rendered)
        for index, piece in enumerate(pieces):
            yield (piece, True) if index % 2 else (piece.replace(self.mark, ""), False)
