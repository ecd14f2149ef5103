"""How our small pages look: fonts, colours and sizes, drawn at random."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

FACES = ("Arial, sans-serif",) * 9 + ("Verdana, sans-serif", "Times, serif")
FLAT = (
    " border: 0; background: #07c; color: #fff;",
    " border: 1px solid #999; background: #eee;",
    " border: 0; border-radius: 4px; background: #286; color: #fff;",
    " border: 1px solid #bbb; border-radius: 6px; background: #fff; color: #333;",
)
HEADINGS = (
    "",
    " padding: 2px 4px; background: #07c; color: #fff;",
    " padding: 2px 4px; background: #ddd; color: #222;",
    " border-bottom: 1px solid #999; font-weight: normal;",
    " text-align: center;",
)


@dataclass(frozen=True)
class Style:
    """How a page looks; sizes in CSS pixels."""

    size: int = 12
    title: int = 15
    margin: int = 8
    gap: int = 6
    pad: int = 3
    field: int = 124
    above: bool = True
    face: str = "Arial, sans-serif"
    paper: str = "#fff"
    ink: str = "#111"
    link: str = "#00c"
    weight: str = "normal"
    button: str = ""
    heading: str = ""
    right: int = 0
    """How far to the right of its place all of it stands, and how far below."""
    down: int = 0


NARROW = 160
"""Width in pixels from which on there is room for larger texts, margins and fields."""


def style(random: Random, width: int = NARROW) -> Style:
    """A look drawn at random for a page of this width, most often a plain one."""
    size = random.choice((10, 11, 12, 12, 13, 13) if width == NARROW else (11, 12, 13, 13, 14, 15, 16))
    dark = random.random() < 0.08
    beyond = 0 if width == NARROW or random.random() < 0.4 else (width - NARROW) // 2
    return Style(
        size=size,
        title=size + random.choice((0, 2, 3, 4)),
        margin=random.randint(3, 12 + (width - NARROW) // 16),
        gap=random.randint(2, 9),
        pad=random.randint(1, 6),
        field=random.randint(80, min(width - 28, 300)),
        above=random.random() < 0.8,
        face=random.choice(FACES),
        paper="#223" if dark else random.choice(("#fff",) * 6 + ("#f4f4f4", "#eef4ff", "#fffbe8")),
        ink="#eee" if dark else random.choice(("#111", "#000", "#222", "#234")),
        link="#8cf" if dark else random.choice(("#00c", "#00f", "#06c")),
        weight=random.choice(("normal", "normal", "bold")),
        button=random.choice(FLAT) if random.random() < 0.35 else "",
        heading=random.choice(HEADINGS) if random.random() < 0.4 else "",
        right=random.randint(0, beyond) if beyond else 0,
        down=random.randint(0, beyond // 4) if beyond else 0,
    )
