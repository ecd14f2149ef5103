"""Made-up screens of 160x208 pixels: what they look like, and what can be asked of them.

A sheet is drawn first and asked about once it has been measured, since only then it is known what shows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from random import Random

from agent.data import asking, calls, widgets, words
from agent.data.store import Box, Target
from agent.data.widgets import Piece

Items = Mapping[tuple[str, str], Box]
"""The visible pieces of a measured sheet by role and name."""

SIZES = (9, 10, 10, 10, 10, 11, 11, 12, 12, 13, 13, 14, 15, 16)
FONTS = ("Arial",) * 16 + ("Verdana", "Helvetica", "Times New Roman", "sans-serif")
DARK = ("#222;#eee", "#123;#fff", "#036;#fff", "#300;#fed")
PALETTES = ("",) * 14 + ("#eee;#111", "#f4f8ff;#123", "#fffbe8;#222", *DARK)


@dataclass(frozen=True)
class Sheet:
    """A screen to draw: `ask` makes its targets of what shows; `careful` says that pieces may cover others."""

    kind: str
    html: str
    ask: Callable[[Items], list[Target]]
    bar: str = ""
    careful: bool = False
    style: str = ""

    def draw(self, left: int, top: int) -> str:
        """The HTML of the sheet with its corner at this place of a larger page."""
        bar = f'<div class="bar">{escape(self.bar)}</div>' if self.bar else ""
        careful = "data-careful" if self.careful else ""
        look = f"left:{left}px;top:{top}px;{self.style}"
        return f'<div class="tile" {careful} style="{look}">{bar}<div class="area">{self.html}</div></div>'


def jitter(random: Random, box: Box) -> tuple[int, int]:
    """A pixel inside a box, likelier near its middle."""
    x0, y0, x1, y1 = box
    return (
        min(x1 - 1, max(x0, round(random.gauss((x0 + x1) / 2, (x1 - x0) / 6)))),
        min(y1 - 1, max(y0, round(random.gauss((y0 + y1) / 2, (y1 - y0) / 6)))),
    )


def dress(random: Random) -> str:
    """The style of a sheet: size, face, line height and colours."""
    palette, size = random.choice(PALETTES), random.choice(SIZES)
    colours = "background:{};color:{};".format(*palette.split(";")) if palette else ""
    colours += "--link:#8cf;" if palette in DARK else ""
    pitch = random.choice(("normal", "normal", "normal", "1.0", "1.3", "1.5"))
    return f"font:{size}px/{pitch} '{random.choice(FONTS)}';{colours}"


def unique(pieces: Sequence[Piece]) -> list[Piece]:
    """The pieces whose name no other piece has."""
    names = Counter(piece.name for piece in pieces)
    return [piece for piece in pieces if names[piece.name] == 1]


def grounding(random: Random, pieces: Sequence[Piece], count: int) -> list[tuple[Piece, str]]:
    """Requests to click single pieces, widgets before words."""
    known = unique(pieces)
    random.shuffle(known)
    known.sort(key=lambda piece: piece.role == "text" and random.random() < 0.5)
    return [(piece, asking.to_click(random, piece.role, piece.name)) for piece in known[:count]]


def ask_clicks(requests: Sequence[tuple[Piece, str]], items: Items) -> list[Target]:
    """A target for each request whose piece shows."""
    return [
        calls.click_target(request, [items[piece.role, piece.name]])
        for piece, request in requests
        if (piece.role, piece.name) in items
    ]


def barred(random: Random, text: str) -> str:
    """`text` for the bar at the top of a sheet, or nothing where this sheet has none."""
    return text if random.random() < 0.65 else ""


def dense(random: Random) -> Sheet:
    """Running text of words, links and random strings."""
    pieces: list[Piece] = []
    html: list[str] = []
    links, bold = random.choice((0, 0.1, 0.25)), random.choice((0, 0, 0.1))
    for _ in range(random.choice((8, 22, 32, 40, 48))):
        senseless = random.random() < 0.55
        name = words.scramble(random) if senseless else words.cased(random, words.word(random))
        draw = random.random()
        style = "font-weight:bold" if draw > 1 - bold else ""
        piece = widgets.link(name) if draw < links else widgets.text(name, style=style)
        pieces.append(piece)
        html.append(piece.html)
        html.append(random.choice((" ",) * 12 + (", ", ". ", "<br>", " &nbsp; ")))
    requests = grounding(random, pieces, 8)
    bar = barred(random, requests[0][1]) if requests else ""
    return Sheet("dense", "".join(html), lambda items: ask_clicks(requests, items), bar, style=dress(random))


def mixed(random: Random) -> Sheet:
    """Widgets of all kinds, one below or beside the other, with words between."""
    pieces: list[Piece] = []
    html: list[str] = []
    if random.random() < 0.2:
        names = [f"Tab #{i + 1}" for i in range(3)] if random.random() < 0.4 else []
        row = widgets.tabs(names or [words.caption(random) for _ in range(3)], random.randrange(3))
        pieces += row
        html.append(f'<div class="tabs">{"".join(piece.html for piece in row)}</div>')
    for _ in range(random.randint(3, 11)):
        piece = widgets.any_widget(random)
        if random.random() < 0.2:
            piece = widgets.text(words.string_of(random))
        pieces.append(piece)
        gap = f' style="margin:{random.randint(0, 6)}px {random.randint(0, 12)}px"'
        html.append(piece.html if random.random() < 0.35 else f'<div class="row"{gap}>{piece.html}</div>')
    requests = grounding(random, pieces, 7)

    def ask(items: Items) -> list[Target]:
        return ask_clicks(requests, items) + _ask_kinds(random, pieces, items) + _ask_pair(random, pieces, items)

    return Sheet("mixed", " ".join(html), ask, barred(random, requests[0][1] if requests else ""), style=dress(random))


def _ask_kinds(random: Random, pieces: Sequence[Piece], items: Items) -> list[Target]:
    kinds = sorted({asking.KINDS[piece.role] for piece in pieces if piece.role in asking.KINDS})
    if not kinds:
        return []
    kind = random.choice(kinds)
    wanted = [piece for piece in pieces if asking.KINDS.get(piece.role) == kind]
    boxes = [items[piece.role, piece.name] for piece in wanted if (piece.role, piece.name) in items]
    return [calls.click_target(asking.any_of(kind), sorted(boxes, key=reading))] if boxes else []


def _ask_pair(random: Random, pieces: Sequence[Piece], items: Items) -> list[Target]:
    seen = [piece for piece in unique(pieces) if piece.role == "button" and ("button", piece.name) in items]
    if len(seen) < 2:
        return []
    one, two = random.sample(seen, 2)
    request, first = asking.in_turn(random, one.name, two.name), items["button", one.name]
    history = [calls.click(jitter(random, first))]
    done = calls.click_target(request, [items["button", two.name]], history)
    return [done if random.random() < 0.6 else calls.click_target(request, [first])]


def reading(box: Box) -> tuple[int, int]:
    """Where a box comes when a page is read: from top to bottom, then from left to right."""
    return box[1], box[0]


def scattered(random: Random) -> Sheet:
    """Buttons and words at random places, where they may cover each other."""
    pieces, html = [], []
    for i in range(random.randint(2, 7)):
        named = random.random() < 0.7
        piece = widgets.any_button(random) if named else widgets.text(words.string_of(random))
        if i < 2 and random.random() < 0.4:
            piece = widgets.button(("ONE", "TWO")[i], style="width:40px;height:40px;font-size:10px;padding:0")
        left, top = random.randint(0, 118), random.randint(0, 118)
        pieces.append(piece)
        html.append(f'<div style="position:absolute;left:{left}px;top:{top}px">{piece.html}</div>')
    requests = grounding(random, pieces, 5)
    bar = barred(random, requests[0][1] if requests else "")
    return Sheet(
        "scattered",
        "".join(html),
        lambda items: ask_clicks(requests, items) + _ask_pair(random, pieces, items),
        bar,
        careful=True,
        style=dress(random),
    )


def dialog(random: Random) -> Sheet:
    """A dialog with a title bar over some text."""
    close = widgets.button("x", look="close", role="close")
    close = Piece(close.role, close.name, close.html.replace(">x<", ">&#10006;<"))
    plain = [widgets.text(words.word(random)) for _ in range(random.randint(0, 30))]
    inside = [widgets.text(words.string_of(random)) for _ in range(random.randint(2, 12))]
    names = random.sample(("Cancel", "OK", "Yes", "No", words.caption(random), words.caption(random)), 2)
    foot = [widgets.button(name, look="soft", role="dialog") for name in names[: random.choice((0, 1, 2, 2))]]
    title = escape(words.string_of(random)) if random.random() < 0.5 else "&nbsp;"
    place = f"left:{random.randint(2, 40)}px;top:{random.randint(5, 50)}px;width:{random.randint(95, 118)}px"
    html = (
        f'{" ".join(piece.html for piece in plain)}<div class="dialog" style="{place}">'
        f'<div class="title">{title}{close.html}</div>'
        f'<div class="body">{" ".join(piece.html for piece in inside)}</div>'
        + (f'<div class="foot">{" ".join(piece.html for piece in foot)}</div>' if foot else "")
        + "</div>"
    )
    first = random.choice([close, *foot])
    requests = [(first, asking.to_click(random, first.role, first.name))]
    rest = unique([close, *foot, *plain, *inside])
    requests += grounding(random, [piece for piece in rest if piece != first], 5)
    bar = barred(random, requests[0][1])
    return Sheet("dialog", html, lambda items: ask_clicks(requests, items), bar, careful=True, style=dress(random))
