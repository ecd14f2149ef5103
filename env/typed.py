"""Typing put together: the keys that make one text in one field, with what was taken back left out."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import ClassVar, Self

from actions.action import MAX_PRESSES, Action, Key, Point, Type
from env.heard import Edited, Field, Heard, Holds, Seen, Struck, Wrote

MOVES = frozenset({"arrowleft", "arrowright", "home", "end", "delete", "backspace"})
"""Keys that change where or what is written, whatever is held with them."""

CHANGES = frozenset({("ctrl", "z"), ("ctrl", "y"), ("ctrl", "x"), ("ctrl", "insert"), ("shift", "insert")})


class Typing:
    """One text, as it is typed into one field, or into several that were reached by tab before the screen could rest.

    Where it was put together by the caret, by deletions or by undoing, the text is what the field holds in the end.
    """

    patience: ClassVar[float] = math.inf
    held = False

    def __init__(self, field: Field) -> None:
        self.field: Field | None = field
        self.at: Point | None = None
        self.seen = Seen()
        self.replace = False  # all was selected first
        self._filled = field.filled
        self._parts: list[str | Field] = []
        self._edited = self._gone = self._sealed = False
        self._value: str | None = None
        self._end = True

    @classmethod
    def of(cls, heard: Struck | Wrote | Edited | Holds) -> Self:
        """The text that `heard` is the beginning of."""
        typing = cls(heard.field)
        if isinstance(heard, Holds) and heard.field.kind != "secret":
            typing._edited = True
        typing.takes(heard, rested=False)
        return typing

    @classmethod
    def moved(cls, field: Field) -> Self:
        """A text that begins with a step of the caret, or with a deletion."""
        typing = cls(field)
        typing._edited = True
        return typing

    @property
    def hides(self) -> bool:
        """Whether a secret is in it."""
        return any(isinstance(part, Field) for part in self._parts)

    def takes(self, heard: Heard, rested: bool) -> bool:
        if not isinstance(heard, Struck | Wrote | Edited | Holds) or not self._here(heard):
            return False
        match heard:
            case Struck():
                return self._struck(heard, rested)
            case Wrote():
                if "\t" in heard.text or ("\n" in heard.text and heard.field.kind == "line"):
                    self._edited = True
                self._add(heard.text, heard.field)
            case Edited():
                self._edited = True
            case Holds():
                if heard.field.kind == "secret":
                    self._add("", heard.field)
                self._value, self._end = heard.value, heard.end
        return True

    def action(self, name: Callable[[Field], str]) -> Action | None:
        text = "".join(part if isinstance(part, str) else name(part) for part in self._parts)
        if self._edited and not self.hides and self._value is not None:
            ending = "\n" if self._sealed else ""
            return Type(text=self._value + ending, at=self.at, replace=self._filled or self.replace)
        if not text:
            if self._gone or self.hides:
                return Type(text="", at=self.at, replace=True)
            return Key(keys=("ctrl", "a")) if self.replace else None
        if self.field is not None and self.field.kind == "none" and len(set(text)) == 1 and len(text) <= MAX_PRESSES:
            return Key(keys=("space" if text[0] == " " else text[0],), count=len(text))
        return Type(text=text, at=self.at, replace=self.replace or (self.hides and self._filled))

    def remarks(self) -> Sequence[str]:
        if self._edited and self._value is None and not self.hides:
            return ("edited where nobody can tell what it came to",)
        return (
            ()
            if self._end or self.hides
            else ("the caret was left within the text, and a replay leaves it at the end",)
        )

    def _here(self, heard: Struck | Wrote | Edited | Holds) -> bool:
        """Whether `heard` is of the field that is typed into; after a tab that is the next one to take text."""
        if self.field is None:
            if isinstance(heard, Holds | Edited):
                return True
            self.field = heard.field
        return heard.field.id == self.field.id or isinstance(heard, Holds)

    def _struck(self, heard: Struck, rested: bool) -> bool:
        keys = (*(each for each in ("ctrl", "alt", "shift", "meta") if each in heard.modifiers), heard.key)
        if self._sealed or (heard.field.kind == "none" and (rested or not heard.plain)):
            return False
        if heard.plain:
            self._add(heard.key, heard.field)
        elif heard.key in ("shift", "altgraph", "capslock"):
            return True
        elif keys == ("backspace",):
            self._erase()
        elif keys == ("ctrl", "a") and heard.field.kind != "unknown":
            self.replace, self._edited = True, bool(self._parts)
        elif keys in (("enter",), ("tab",)):
            return self._ends(heard, rested)
        elif keys == ("delete",) and self.replace and not self._parts:
            self._gone = True
        elif heard.field.kind != "unknown" and (heard.key in MOVES or keys in CHANGES):
            self._edited = True
        else:
            return heard.field.kind != "unknown" and keys == ("ctrl", "v")
        return True

    def _ends(self, heard: Struck, rested: bool) -> bool:
        """Enter and tab are characters of the text where they came too fast for a screen of their own."""
        within = heard.field.kind == "text"
        if heard.key == "enter" and (within or not rested):
            if not (self._edited and within):
                self._add("\n", Field(kind="line"))
            self._sealed = heard.field.kind in ("line", "secret")
            return True
        if heard.key == "tab" and not rested and not self._edited:
            self._add("\t", Field(kind="line"))
            self.field = None
            return True
        return False

    def _add(self, text: str, field: Field) -> None:
        if field.kind == "secret":
            if not any(isinstance(part, Field) and part.id == field.id for part in self._parts):
                self._parts.append(field)
        elif self._parts and isinstance(self._parts[-1], str):
            self._parts[-1] += text
        elif text:
            self._parts.append(text)

    def _erase(self) -> None:
        last = self._parts[-1] if self._parts else ""
        if isinstance(last, Field):
            return
        if last and last[-1] != "\t":
            self._parts[-1] = last[:-1]
            self._parts = [part for part in self._parts if part != ""]
        elif self.replace and not self._parts:
            self._gone = True
        else:
            self._edited = True  # what stood there before goes too
