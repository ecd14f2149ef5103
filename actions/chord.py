"""Chords as models write them: several keys in one text."""

from __future__ import annotations

import re

_LISTED = re.compile(r"(?:keys\s*+=\s*+)?\[\s*+(?=['\"])")


def split_keys(written: tuple[str, ...]) -> tuple[str, ...]:
    """The keys one by one, of chords and of a list that was written as text, such as "keys=['ctrl'", "'c']"."""
    whole = ", ".join(written).strip()
    if found := _LISTED.match(whole):
        parts = (part.strip(" '\"") for part in whole[found.end() :].removesuffix("]").split(","))
        written = tuple(part for part in parts if part) or written
    return tuple(part for key in written for part in split_chord(key))


def split_chord(key: str) -> tuple[str, ...]:
    """The keys of a chord written as one, such as "ctrl+s"; a plus sign at the end is the key itself."""
    body, plus, last = key.strip().rpartition("+")
    if not plus or not body.strip("+ "):
        return (key,)
    parts = (part.strip() for part in f"{body}+{last}".split("+"))
    return (*(part for part in parts if part), *(() if last else ("+",)))  # "ctrl++"
