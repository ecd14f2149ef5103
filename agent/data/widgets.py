"""Pieces of a page: each a bit of HTML that carries its role and its name for whoever measures it."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from random import Random

from agent.data import words

COLOURS = ("red", "green", "blue", "orange", "purple", "gray", "black", "pink", "yellow", "teal", "gold", "lime")


@dataclass(frozen=True)
class Piece:
    """Something on a page that can be asked for by its role and its name."""

    role: str
    name: str
    html: str


def _tag(role: str, name: str) -> str:
    return f'data-role="{role}" data-name="{escape(name)}"'


def text(name: str, *, style: str = "") -> Piece:
    """A word."""
    return Piece("text", name, f'<span {_tag("text", name)} style="{style}">{escape(name)}</span>')


def link(name: str) -> Piece:
    """A word to follow."""
    return Piece("link", name, f"<a {_tag('link', name)}>{escape(name)}</a>")


def button(name: str, *, style: str = "", look: str = "", role: str = "button") -> Piece:
    """A push button; `look` is a class of the style sheet."""
    html = f'<button {_tag(role, name)} class="{look}" style="{style}">{escape(name)}</button>'
    return Piece(role, name, html)


def choice(role: str, name: str, *, checked: bool, style: str = "") -> Piece:
    """A check box or radio button with its label."""
    kind, state = ("radio" if role == "radio" else "checkbox"), (" checked" if checked else "")
    box = f'<input type="{kind}" class="check" style="{style}"{state}>'
    return Piece(role, name, f"<label {_tag(role, name)}>{box}{escape(name)}</label>")


def field(role: str, name: str, value: str = "", *, kind: str = "text", style: str = "", look: str = "") -> Piece:
    """A text field; its name is its label, or its value where the role is "filled"."""
    html = f'<input type="{kind}" {_tag(role, name)} value="{escape(value)}" class="{look}" style="{style}">'
    return Piece(role, name, html)


def area(name: str, *, style: str = "") -> Piece:
    """A text area with its text."""
    return Piece("area", name, f'<textarea {_tag("area", name)} style="{style}">{escape(name)}</textarea>')


def select(name: str, others: list[str]) -> Piece:
    """A drop-down list that shows its first option."""
    options = "".join(f"<option>{escape(option)}</option>" for option in (name, *others))
    return Piece("select", name, f"<select {_tag('select', name)}>{options}</select>")


def slider(random: Random) -> Piece:
    """A slider somewhere between its ends."""
    style = f"width:{random.randint(60, 130)}px"
    html = f'<input type="range" {_tag("slider", "slider")} value="{random.randint(0, 100)}" style="{style}">'
    return Piece("slider", "slider", html)


def block(random: Random) -> Piece:
    """A coloured rectangle."""
    colour, wide, tall = random.choice(COLOURS), random.randint(12, 50), random.randint(10, 26)
    style = f"width:{wide}px;height:{tall}px;background:{colour}"
    return Piece("block", colour, f'<div class="block" {_tag("block", colour)} style="{style}"></div>')


def tabs(names: list[str], active: int) -> list[Piece]:
    """A row of tabs; the HTML of the whole row is in the pieces together."""
    return [
        Piece("tab", name, f'<span {_tag("tab", name)} class="tab{" on" * (i == active)}">{escape(name)}</span>')
        for i, name in enumerate(names)
    ]


def native_style(random: Random) -> str:
    """How a form control sets its text: the browser's own way, or like the text around it."""
    return random.choice(("", "", "font:inherit;"))


def any_button(random: Random) -> Piece:
    """A push button of some look."""
    look = random.choice(("", "", "", "soft", "wide"))
    return button(words.caption(random), look=look, style="" if look == "soft" else native_style(random))


def any_widget(random: Random) -> Piece:
    """Some widget with random texts."""
    kind = random.choices(
        ("button", "check", "radio", "filled", "area", "select", "link", "slider", "block"),
        (22, 18, 18, 10, 8, 5, 12, 3, 4),
    )[0]
    name = words.string_of(random)
    if kind == "button":
        return any_button(random)
    if kind in ("check", "radio"):
        return choice(kind, name, checked=random.random() < 0.3)
    if kind == "filled":
        style = f"width:{random.randint(50, 125)}px;{native_style(random)}"
        return field("filled", name, name, style=style)
    if kind == "area":
        return area(name, style=f"width:{random.randint(60, 125)}px;height:{random.randint(18, 30)}px")
    if kind == "select":
        return select(name, [words.word(random) for _ in range(3)])
    if kind == "link":
        return link(name)
    return slider(random) if kind == "slider" else block(random)
