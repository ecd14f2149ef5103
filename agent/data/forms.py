"""Small pages of our own in endless variants, seen through the eyes of a clumsy agent or a trained model.

The pages in examples/pages are these templates with contents of their own and the plain look.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from random import Random

from jinja2 import Environment, PackageLoader, StrictUndefined
from playwright.sync_api import Page

from agent.data import calls
from agent.data.kinds import Contents, Goal, make
from agent.data.looks import Style, style
from agent.data.rollouts import Actor, Cast, Clumsy, Hand, Look, Scene, label, reading
from agent.data.seeds import training_seed
from agent.data.shipped import SHIPPED
from agent.data.store import Glyph, Pixels, Record, Shard
from env.miniwob import oracle
from env.miniwob.chromium import Camera, open_page
from env.miniwob.oracle import HEIGHT, WIDTH

KINDS = {
    "greet": 6,
    "sign-in": 4,
    "settings": 7,
    "menu": 14,
    "confirm": 10,
    "tabs": 11,
    "poll": 9,
    "search": 5,
    "basket": 12,
    "counter": 7,
}
"""How often each template is visited; short visits are made oftener."""

PICTURES = 400
"""Pictures in a shard, roughly."""

LONGEST = 12
"""Steps after which an episode is given up."""


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


def variant(kind: str, random: Random) -> Variant:
    """A page of this kind with random texts and looks, and something to do on it."""
    contents, goal = make(kind, random)
    return Variant(kind, render(kind, contents, style(random)), goal)


def episode(page: Page, camera: Camera, made: Variant, random: Random, actor: Actor) -> Iterator[tuple[Pixels, Record]]:
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
        image = camera.shoot()
        yield image, Record(f"form-{made.kind}", glyphs, (right, *reading(random, glyphs, 0)))
        if look["done"] or expected is None:
            return
        actor(hand, Scene(image, goal.instruction, expected, [oracle.box(values) for values in look["mistakes"]]))


def make_shard(seed: int, path: Path, wanted: int = PICTURES, cast: Cast = Clumsy) -> int:
    """Write the shard of this seed, of about `wanted` pictures where that is less than usual; return how many."""
    random, shard = Random(training_seed(seed)), Shard()
    actor = cast(random)
    with open_page(WIDTH, HEIGHT) as page:
        camera = Camera(page, WIDTH, HEIGHT)
        while len(shard.records) < min(wanted, PICTURES):
            made = variant(random.choices(list(KINDS), list(KINDS.values()))[0], random)
            for image, record in episode(page, camera, made, random, actor):
                shard.add(image, record)
    shard.save(path)
    return len(shard.records)
