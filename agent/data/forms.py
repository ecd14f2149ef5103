"""Small form pages of our own in endless variants, seen through the eyes of a clumsy agent.

The pages in examples/pages are these templates with contents of their own and the plain look.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from random import Random
from typing import TypeAlias

from jinja2 import Environment, PackageLoader, StrictUndefined
from playwright.sync_api import Page

from agent.data import asking, calls, words
from agent.data.filling import BUTTONS, LABELS
from agent.data.rollouts import CLUMSINESS, Hand, Look, err, label, obey, reading
from agent.data.seeds import training_seed
from agent.data.store import Glyph, Pixels, Record, Shard
from env.miniwob import oracle
from env.miniwob.chromium import Camera, open_page
from env.miniwob.oracle import HEIGHT, WIDTH

Contents: TypeAlias = Mapping[str, str | bool | list[str]]
"""The texts that a template asks for."""

KINDS = {"greet": 5, "sign-in": 3, "settings": 5, "menu": 10}
"""How often each template is visited; short visits are made oftener."""

SHIPPED: Mapping[str, Contents] = {
    "greet": {"title": "Greeting", "fields": ["Your name"], "button": "Send", "before": "Hello, ", "after": ""},
    "sign-in": {
        "title": "Sign in",
        "fields": ["User", "Password"],
        "button": "Sign in",
        "before": "Welcome, ",
        "after": "",
    },
    "settings": {
        "title": "Settings",
        "boxes": ["Sound", "Large text", "Night colours", "Updates"],
        "button": "Save",
        "before": "Saved: ",
        "empty": "nothing",
    },
    "menu": {
        "title": "Lunch",
        "choices": ["Tomato soup", "Green salad", "Cheese toast", "Rice pudding"],
        "buttons": False,
        "before": "You chose ",
        "after": "",
    },
}
"""What the pages in examples/pages say."""

PICTURES = 400
"""Pictures in a shard, roughly."""

LONGEST = 12
"""Steps after which an episode is given up."""


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


@dataclass(frozen=True)
class Goal:
    """What is asked for on a page, and the text that says it was done."""

    instruction: str
    press: str
    result: str
    values: tuple[str, ...] = ()
    checked: tuple[str, ...] = ()

    def plain(self) -> dict[str, str | list[str]]:
        """What the page has to know of it."""
        return {
            "press": self.press,
            "result": self.result,
            "values": list(self.values),
            "checked": list(self.checked),
        }


@dataclass(frozen=True)
class Variant:
    """A page and what is asked for on it."""

    kind: str
    html: str
    goal: Goal


@cache
def _templates() -> Environment:
    loader = PackageLoader("agent.data", "pages")
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined, keep_trailing_newline=True)


def render(kind: str, contents: Contents, style: Style) -> str:
    """The HTML of a page."""
    return _templates().get_template(f"{kind}.html").render(**contents, look=style)


def shipped(kind: str) -> str:
    """The HTML of the page of this kind in examples/pages."""
    return render(kind, SHIPPED[kind], Style())


def style(random: Random) -> Style:
    """A look drawn at random, most often a plain one."""
    size = random.choice((10, 11, 12, 12, 13, 13))
    dark = random.random() < 0.08
    flat = random.choice((" border: 0; background: #07c; color: #fff;", " border: 1px solid #999; background: #eee;"))
    return Style(
        size=size,
        title=size + random.choice((0, 2, 3, 4)),
        margin=random.randint(3, 12),
        gap=random.randint(2, 9),
        pad=random.randint(1, 6),
        field=random.randint(80, 132),
        above=random.random() < 0.8,
        face=random.choice(("Arial, sans-serif",) * 9 + ("Verdana, sans-serif",)),
        paper="#223" if dark else random.choice(("#fff",) * 6 + ("#f4f4f4", "#eef4ff", "#fffbe8")),
        ink="#eee" if dark else random.choice(("#111", "#000", "#222", "#234")),
        link="#8cf" if dark else random.choice(("#00c", "#00f", "#06c")),
        weight=random.choice(("normal", "normal", "bold")),
        button=flat if random.random() < 0.3 else "",
    )


def variant(kind: str, random: Random) -> Variant:
    """A page of this kind with random texts and looks, and something to do on it."""
    make = {"greet": _greet, "sign-in": _sign_in, "settings": _settings, "menu": _menu}[kind]
    contents, goal = make(random)
    return Variant(kind, render(kind, {"title": _title(random), **contents}, style(random)), goal)


def _title(random: Random) -> str:
    return " ".join(words.cased(random, words.word(random)) for _ in range(random.choice((1, 1, 2)))).capitalize()


def _name(random: Random) -> str:
    """What a choice or a label says: a word or two, or something without sense."""
    if random.random() < 0.35:
        return words.scramble(random, 2, 7)
    first = words.cased(random, words.word(random))
    return f"{first} {words.word(random)}" if random.random() < 0.3 else first


def _names(random: Random, count: int) -> list[str]:
    return list(dict.fromkeys(_name(random) for _ in range(count)))


def _button(random: Random) -> str:
    return random.choice(BUTTONS) if random.random() < 0.6 else words.caption(random)


def _greet(random: Random) -> tuple[Contents, Goal]:
    before = random.choice(("Hello, ", "Hello, ", "Hi ", "Welcome, ", "Sent: ", "Thank you, ", "You entered "))
    after, field, value = random.choice(("", "", "!", ".")), random.choice(LABELS), words.secret(random)
    button = _button(random)
    contents: Contents = {"fields": [field], "button": button, "before": before, "after": after}
    instruction = asking.to_fill(random, [_spoken(random, field)], [value], button)
    return contents, Goal(instruction, button, before + value + after, values=(value,))


def _sign_in(random: Random) -> tuple[Contents, Goal]:
    fields = [
        random.choice(("Username", "User", "Name", "Email", "Login", "Account", random.choice(LABELS))),
        "Password",
    ]
    if random.random() < 0.2:
        fields[1] = random.choice(("PIN", "Code", "Secret", "Passphrase"))
    before, after = (
        random.choice(("Welcome, ", "Welcome ", "Signed in as ", "Hello ")),
        random.choice(("", "", "!", ".")),
    )
    values, button = (words.secret(random), words.secret(random)), _button(random)
    contents: Contents = {"fields": fields, "button": button, "before": before, "after": after}
    instruction = asking.to_fill(random, [_spoken(random, field) for field in fields], values, button)
    return contents, Goal(instruction, button, before + values[0] + after, values=values)


def _settings(random: Random) -> tuple[Contents, Goal]:
    boxes, button = _names(random, random.choice((3, 3, 4, 4, 5))), _button(random)
    before, empty = (
        random.choice(("Saved: ", "Saved: ", "Chosen: ", "You selected ")),
        random.choice(("nothing", "none")),
    )
    chosen = random.sample(boxes, random.randint(1, min(3, len(boxes))))
    checked = tuple(name for name in boxes if name in chosen)
    contents: Contents = {"boxes": boxes, "button": button, "before": before, "empty": empty}
    instruction = asking.to_switch_on(random, chosen, button)
    return contents, Goal(instruction, button, before + ", ".join(checked), checked=checked)


def _menu(random: Random) -> tuple[Contents, Goal]:
    choices = _names(random, random.choice((3, 4, 5, 6)))
    wanted, buttons = random.choice(choices), random.random() < 0.5
    before, after = (
        random.choice(("You chose ", "You chose ", "Chosen: ", "Opened ")),
        random.choice(("", "", ".", "!")),
    )
    contents: Contents = {"choices": choices, "buttons": buttons, "before": before, "after": after}
    instruction = asking.to_pick(random, "button" if buttons else "link", wanted)
    return contents, Goal(instruction, wanted, before + wanted + after)


def _spoken(random: Random, field: str) -> str:
    return field.lower() if random.random() < 0.6 else field


def episode(page: Page, camera: Camera, made: Variant, random: Random) -> Iterator[tuple[Pixels, Record]]:
    """Yield the screens of one visit to a page, the last of them where the right answer is to finish."""
    hand, goal = Hand(page), made.goal
    page.mouse.move(WIDTH - 1, HEIGHT - 1)
    page.set_content(made.html)
    page.evaluate(oracle.script() + files("agent.data").joinpath("forms.js").read_text("utf-8"))
    for _ in range(LONGEST):
        look: Look = page.evaluate("goal => forms.look(goal)", goal.plain())
        expected = oracle.read_expected(look["expected"])
        glyphs: tuple[Glyph, ...] = tuple((c, x0, y0, x1, y1) for c, x0, y0, x1, y1 in look["glyphs"])
        if look["done"]:
            right = calls.target(goal.instruction, calls.FINISH, history=hand.history)
        elif expected is None:
            return
        else:
            right = label(goal.instruction, expected, hand.history)
        yield camera.shoot(), Record(f"form-{made.kind}", glyphs, (right, *reading(random, glyphs, 0)))
        if look["done"] or expected is None:
            return
        if random.random() < CLUMSINESS:
            err(random, hand, expected, [oracle.box(values) for values in look["mistakes"]])
        else:
            obey(random, hand, expected)


def make_shard(seed: int, path: Path) -> int:
    """Write the shard of this seed; return how many pictures it holds."""
    random, shard = Random(training_seed(seed)), Shard()
    with open_page(WIDTH, HEIGHT) as page:
        camera = Camera(page, WIDTH, HEIGHT)
        while len(shard.records) < PICTURES:
            made = variant(random.choices(list(KINDS), list(KINDS.values()))[0], random)
            for image, record in episode(page, camera, made, random):
                shard.add(image, record)
    shard.save(path)
    return len(shard.records)
