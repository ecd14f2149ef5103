"""Small pages of our own in endless variants, seen through the eyes of a clumsy agent or a trained model.

The pages in examples/pages are these templates with contents of their own and the plain look. A filled password field
is covered, as it is wherever an agent looks at a page.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from random import Random
from typing import TypeAlias

from jinja2 import Environment, PackageLoader, StrictUndefined
from playwright.sync_api import Page

from agent.data import calls
from agent.data.kinds import Contents, Goal, make
from agent.data.looks import NARROW, Style, style
from agent.data.rollouts import Actor, Cast, Clumsy, Hand, Look, Scene, label, reading
from agent.data.seeds import training_seed
from agent.data.shipped import SHIPPED
from agent.data.store import Glyph, Pixels, Record, Shard
from env.browser import script, veil
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

Size: TypeAlias = tuple[int, int]
"""Width and height of a page, in pixels."""


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


def variant(kind: str, random: Random, width: int = NARROW) -> Variant:
    """A page of this kind and width with random texts and looks, and something to do on it."""
    contents, goal = make(kind, random)
    return Variant(kind, render(kind, contents, style(random, width)), goal)


@contextmanager
def open_pages(size: Size) -> Iterator[tuple[Page, Camera]]:
    """A page of this width and height that knows which of its places nobody may see, and a camera before it."""
    with open_page(*size) as page:
        page.add_init_script(script.source("veil.js"))
        page.goto("about:blank")
        yield page, Camera(page, *size)


def shoot(page: Page, camera: Camera) -> Pixels:
    """The page as an agent gets to see it, uint8 [height, width, 3]."""
    rects: list[veil.Rect] = page.evaluate(f"() => ({veil.BOXES})([], [])")
    return veil.cover(camera.shoot(), [veil.pixels(rect, 1) for rect in rects])


def episode(page: Page, camera: Camera, made: Variant, random: Random, actor: Actor) -> Iterator[tuple[Pixels, Record]]:
    """Yield the screens of one visit to a page, the last of them where the right answer is to finish."""
    hand, goal = Hand(page), made.goal
    page.mouse.move(camera.width - 1, camera.height - 1)
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
        image = shoot(page, camera)
        yield image, Record(f"form-{made.kind}", glyphs, (right, *reading(random, glyphs, 0)))
        if look["done"] or expected is None:
            return
        actor(hand, Scene(image, goal.instruction, expected, [oracle.box(values) for values in look["mistakes"]]))


def make_shard(
    seed: int,
    path: Path,
    wanted: int = PICTURES,
    cast: Cast = Clumsy,
    sizes: Sequence[Size] = ((WIDTH, HEIGHT),),
) -> int:
    """Write the shard of this seed, of about `wanted` pictures where that is less than usual; return how many.

    The larger of several sizes, the fewer its pictures: all of a size together have as many pixels as those of another.
    """
    random, shard = Random(training_seed(seed)), Shard()
    actor, whole, due = cast(random), sum(map(_share, sizes)), 0.0
    for size in sizes:
        due += min(wanted, PICTURES) * _share(size) / whole
        with open_pages(size) as (page, camera):
            while len(shard.records) < round(due):
                made = variant(random.choices(list(KINDS), list(KINDS.values()))[0], random, size[0])
                for image, record in episode(page, camera, made, random, actor):
                    shard.add(image, record)
    shard.save(path)
    return len(shard.records)


def _share(size: Size) -> float:
    return 1 / (size[0] * size[1])
