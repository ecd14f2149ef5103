"""Words that a page wrote, marked as such wherever they stand among ours."""

from __future__ import annotations

OPEN, CLOSE = "⟦", "⟧"
PLAIN = str.maketrans({OPEN: "[", CLOSE: "]"})


def page(text: str, limit: int = 300) -> str:
    """`text` on one line between ⟦ and ⟧, neither of which it can hold, nor a control character."""
    line = " ".join(text.translate(PLAIN).split())
    safe = "".join(letter if letter.isprintable() else "�" for letter in line)
    return OPEN + (safe if len(safe) <= limit else safe[: limit - 1] + "…") + CLOSE
