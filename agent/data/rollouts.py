"""MiniWoB++ screens from the middle of episodes: a clumsy agent acts, and the oracle says what would be right.

That agent mostly does what the oracle says, at a random pixel of the right box, and sometimes something else: it misses
by a little, repeats itself, clicks a wrong thing or types a wrong text. What it did is the history of the next sample,
and the oracle's action the answer, so that mistakes and their correction are seen. `agent.data.learner` puts a trained
model in its place.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Protocol, TypeAlias, TypedDict

from playwright.sync_api import Page

from agent.data import asking, calls, words
from agent.data.layouts import jitter
from agent.data.seeds import JUDGING, training_seed
from agent.data.store import Box, Glyph, Pixels, Record, Shard, Target
from env.browser import script
from env.miniwob import oracle
from env.miniwob.chromium import Camera, open_page
from env.miniwob.oracle import COUNTS, HEIGHT, TURN, VIEWPORT, WIDTH, Expected, ExpectedData
from env.miniwob.site import serve

WEIGHTS = {
    "choose-list": 8,
    "click-button": 8,
    "click-button-sequence": 6,
    "click-checkboxes": 10,
    "click-checkboxes-large": 12,
    "click-checkboxes-transfer": 4,
    "click-collapsible": 5,
    "click-collapsible-2": 10,
    "click-color": 6,
    "click-dialog": 2,
    "click-dialog-2": 4,
    "click-link": 11,
    "click-menu-2": 10,
    "click-option": 10,
    "click-shape": 12,
    "click-tab": 4,
    "click-tab-2-easy": 5,
    "click-test": 2,
    "click-test-2": 4,
    "click-test-transfer": 2,
    "click-widget": 8,
    "email-inbox-delete": 5,
    "email-inbox-important": 5,
    "enter-date": 8,
    "enter-password": 12,
    "enter-text": 9,
    "enter-text-2": 8,
    "enter-text-dynamic": 9,
    "find-word": 14,
    "focus-text": 2,
    "focus-text-2": 4,
    "form-sequence-2": 8,
    "form-sequence-3": 8,
    "grid-coordinate": 6,
    "identify-shape": 6,
    "login-user": 14,
    "login-user-popup": 14,
    "navigate-tree": 8,
    "read-table": 14,
    "simple-arithmetic": 12,
}
"""The shares of the pictures that tasks get: reading is hard and gets more, the rest is soon learnt."""

PICTURES = 600
"""Pictures in a shard, roughly."""

LONGEST = 14
"""Steps after which an episode is given up."""

CLUMSINESS = 0.25
"""How often the agent does something else than what is right."""

BAR = 50
"""Height of the bar with the request at the top of the page, in pixels."""


CHOOSE = f"([x, y, label]) => ({script.source('element.js')}).choose(x, y, label)"
"""Selects an option as a browser environment does it."""


class Look(TypedDict):
    """What a page reports after every step."""

    done: bool
    expected: ExpectedData | None
    mistakes: list[list[int]]
    glyphs: list[tuple[str, int, int, int, int]]


REST = f"() => ({script.source('settle.js')})(2000, 1000, null)"
"""Resolves once nothing moves any more, as a browser environment waits for it."""

LOOK = f"""async task => {{
  if (window[Symbol.for("handeye.quiet")].waiting() || document.querySelector("select")) await ({REST})();
  return {{...oracle.state(), expected: oracle.expected(task), mistakes: oracle.mistakes(task),
    glyphs: measure.glyphs(document.body, {{left: 0, top: 0}}, true)}};
}}"""
"""Timers that a click has set are waited for, and lists that are drawn a little later."""


@dataclass
class Hand:
    """Acts on a page as the agent would, and remembers the calls."""

    page: Page
    history: list[str] = field(default_factory=list)

    def click(self, at: tuple[int, int], count: int = 1) -> None:
        """Click at a pixel, one or three times."""
        self.page.mouse.click(*at, click_count=count)
        self.history.append(calls.call("triple_click" if count == 3 else "left_click", at=at))

    def type(self, text: str) -> None:
        """Type into whatever has the focus."""
        self.page.keyboard.type(text)
        self.history.append(calls.typing(text))

    def select(self, at: tuple[int, int], text: str) -> None:
        """Select an option of the list at a pixel."""
        self.page.evaluate(CHOOSE, [*at, text])
        self.history.append(calls.selecting(at, text))

    def scroll(self, at: tuple[int, int], down: int) -> None:
        """Turn the wheel at a pixel, and wait until nothing moves any more."""
        self.page.mouse.move(*at)
        self.page.mouse.wheel(0, down)
        self.page.evaluate(REST)
        self.history.append(calls.scrolling(at, down))

    def follow(self, expected: Expected, at: tuple[int, int]) -> None:
        """Do what is expected, at this pixel where it is to be done at one."""
        match expected.kind:
            case "type":
                self.type(expected.text)
            case "select":
                self.select(at, expected.text)
            case "scroll":
                self.scroll(at, TURN)
            case "click" | "triple_click":
                self.click(at, COUNTS[expected.kind])


def label(instruction: str, expected: Expected, history: list[str]) -> Target:
    """The sample whose answer is the oracle's action."""
    boxes = expected.boxes
    match expected.kind:
        case "type":
            said, boxes = calls.typing(expected.text), ()
        case "select":  # the training looks for a place right after the words of a click, and here others come first
            said, boxes = calls.selecting(expected.point, expected.text), ()
        case "scroll":
            said = calls.scrolling(expected.point, TURN)
        case "click" | "triple_click":
            said = calls.call("triple_click" if expected.kind == "triple_click" else "left_click", at=expected.point)
    return calls.target(instruction, said, history=history, boxes=boxes)


def reading(random: Random, glyphs: Sequence[Glyph], top: int = BAR) -> list[Target]:
    """Requests to point at single words, from row `top` down, that are there once and in no other word."""
    found = [(text, box) for text, box in spelled(glyphs) if box[1] >= top]
    alone = [(text, box) for text, box in found if sum(text in other for other, _ in found) == 1]
    some = random.sample(alone, min(len(alone), 3))
    return [calls.click_target(asking.to_click(random, "text", text), [box]) for text, box in some]


def spelled(glyphs: Sequence[Glyph]) -> list[tuple[str, Box]]:
    """The words that neighbouring glyphs make, each with its box."""
    found: list[tuple[str, Box]] = []
    for character, x0, y0, x1, y1 in glyphs:
        text, box = found[-1] if found else ("", (0, 0, 0, 0))
        if text and y0 == box[1] and y1 == box[3] and abs(x0 - box[2]) <= 1:
            found[-1] = (text + character, (box[0], y0, x1, y1))
        else:
            found.append((character, (x0, y0, x1, y1)))
    return found


@dataclass(frozen=True)
class Scene:
    """What there is to act on: the screen, what is asked for, what would be right and what would not."""

    image: Pixels
    instruction: str
    expected: Expected
    mistakes: Sequence[Box]


class Actor(Protocol):
    """Does something in each scene of an episode."""

    def __call__(self, hand: Hand, scene: Scene) -> None:
        """Act once."""
        ...


@dataclass(frozen=True)
class Clumsy:
    """Mostly does what is right."""

    random: Random

    def __call__(self, hand: Hand, scene: Scene) -> None:
        """What is right, or else one of the mistakes that agents make."""
        if self.random.random() < CLUMSINESS:
            err(self.random, hand, scene)
        else:
            obey(self.random, hand, scene.expected)


Cast: TypeAlias = Callable[[Random], Actor]
"""Who acts in a shard, given what it draws from."""


def obey(random: Random, hand: Hand, expected: Expected) -> None:
    """Do what is right, somewhere in one of the right boxes."""
    box = expected.boxes[0] if random.random() < 0.7 else random.choice(expected.boxes)
    hand.follow(expected, jitter(random, box))


def err(random: Random, hand: Hand, scene: Scene) -> None:
    """Do something that is not right, in one of the ways in which agents go wrong."""
    draw, expected = random.random(), scene.expected
    height, width, _ = scene.image.shape
    if expected.kind == "type" and draw < 0.6:
        hand.type(misspell(random, expected.text))
    elif draw < 0.3:
        hand.click(beside(random, expected.boxes[0], (width, height)))
    elif draw < 0.5 and hand.history and '"left_click"' in hand.history[-1]:
        again = hand.history[-1].rpartition("[")[2].rpartition("]")[0].split(", ")
        hand.click((int(again[0]), int(again[1])))
    elif draw < 0.85 and scene.mistakes:
        hand.click(jitter(random, random.choice(scene.mistakes)))
    else:
        hand.click((random.randrange(width), random.randrange(height)))


def misspell(random: Random, text: str) -> str:
    """A text that is not `text`, often one that is like it."""
    draw = random.random()
    if text.lstrip("-").isdigit() and draw < 0.6:
        return str(int(text) + random.choice((-10, -2, -1, 1, 2, 10)))
    if draw < 0.4:
        return words.name(random) + "s"
    if draw < 0.6 and len(text) > 1:
        return text[:-1]
    return text + random.choice("aeiost1") if draw < 0.75 else words.scramble(random, 2, 7) + "x"


def beside(random: Random, box: Box, size: tuple[int, int]) -> tuple[int, int]:
    """A pixel a little outside a box, on a screen of this width and height."""
    x0, y0, x1, y1 = box
    away = random.randint(2, 8)
    x, y = random.choice((x0 - away, x1 + away, random.randrange(x0, x1))), random.randrange(y0, y1)
    if x0 <= x < x1:
        y = random.choice((y0 - away, y1 + away))
    return min(max(x, 0), size[0] - 1), min(max(y, 0), size[1] - 1)


def episode(
    page: Page, camera: Camera, task: str, seed: int, random: Random, actor: Actor
) -> Iterator[tuple[Pixels, Record]]:
    """Yield the screens of one episode, begun from a seed, each with the oracle's action as its target."""
    hand = Hand(page)
    page.mouse.move(VIEWPORT[0] - 1, VIEWPORT[1] - 1)
    instruction: str = page.evaluate("seed => oracle.begin(seed)", training_seed(seed))
    for _ in range(LONGEST):
        look: Look = page.evaluate(LOOK, task)
        expected = oracle.read_expected(look["expected"])
        if look["done"] or expected is None:
            return
        glyphs: tuple[Glyph, ...] = tuple((c, x0, y0, x1, y1) for c, x0, y0, x1, y1 in look["glyphs"])
        right = label(instruction, expected, hand.history)
        image = camera.shoot()
        yield image, Record(task, glyphs, (right, *reading(random, glyphs)))
        actor(hand, Scene(image, instruction, expected, [oracle.box(values) for values in look["mistakes"]]))


def open_task(page: Page, address: str, task: str) -> None:
    """Load the page of a task, its icons too, so that an episode can begin."""
    page.goto(f"{address}/miniwob/{task}.html")
    page.evaluate(oracle.script())
    page.evaluate("oracle.ready()")


def shares(pictures: int, tasks: Collection[str] = WEIGHTS) -> dict[str, int]:
    """How many of so many pictures each of these tasks gets, by its weight; one at least."""
    weights = {task: weight for task, weight in WEIGHTS.items() if task in tasks}
    whole = sum(weights.values())
    return {task: max(1, pictures * weight // whole) for task, weight in weights.items()}


def make_shard(
    seed: int, path: Path, wanted: int = PICTURES, cast: Cast = Clumsy, tasks: Collection[str] = WEIGHTS
) -> int:
    """Write the shard of this seed, of about `wanted` pictures (one a task at least) where that is less than usual."""
    random = Random(training_seed(seed))
    actor, most = cast(random), min(wanted, PICTURES)
    found: list[tuple[Pixels, Record]] = []
    with serve() as address, open_page(*VIEWPORT) as page:
        camera = Camera(page, WIDTH, HEIGHT)
        for task, share in shares(most, tasks).items():
            open_task(page, address, task)
            goal = len(found) + share
            while len(found) < goal:
                found += episode(page, camera, task, random.randrange(JUDGING), random, actor)
    random.shuffle(found)
    shard = Shard()
    for image, record in found:
        shard.add(image, record)
    shard.save(path)
    return len(found)
