"""The example pages as a seed deals them out: looks, order and values are drawn, what the pages say stays."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random

from agent.data import words
from agent.data.forms import render
from agent.data.kinds import Contents, Goal
from agent.data.looks import NARROW, style
from agent.data.shipped import SHIPPED

Values = Mapping[str, str]
"""What a script's parameters are set to."""

Drawn = tuple[Contents, Values, Goal]


@dataclass(frozen=True)
class Deal:
    """A page, what is asked for on it, and what its own oracle has to know of that."""

    html: str
    values: Values
    goal: Goal


def deal(kind: str, seed: int, width: int = NARROW) -> Deal:
    """The page of this kind (one of `KINDS`) and width that `seed` makes up; the same seed gives the same to the byte.

    ValueError for a width below `NARROW`.
    """
    if width < NARROW:
        raise ValueError(f"width {width}; expected at least {NARROW} pixels")
    random = Random(f"{kind} {seed}")
    contents, values, goal = KINDS[kind](random, SHIPPED[kind])
    return Deal(render(kind, contents, style(random, width)), values, goal)


def _texts(page: Contents, name: str) -> list[str]:
    """The texts of a list, in the order of the shipped page."""
    found = page[name]
    assert isinstance(found, list)
    return [str(text) for text in found]


def _shuffled(random: Random, page: Contents, name: str) -> list[str]:
    texts = _texts(page, name)
    return random.sample(texts, len(texts))


def _greet(random: Random, page: Contents) -> Drawn:
    who = words.secret(random)
    return page, {"who": who}, Goal("", ("Send",), f"Hello, {who}", values=(who,))


def _sign_in(random: Random, page: Contents) -> Drawn:
    user, password = words.secret(random), words.secret(random)
    goal = Goal("", ("Sign in",), f"Welcome, {user}", values=(user, password))
    return page, {"user": user, "password": password}, goal


def _settings(random: Random, page: Contents) -> Drawn:
    boxes = _shuffled(random, page, "boxes")
    option = random.choice(boxes)
    return {**page, "boxes": boxes}, {"option": option}, Goal("", ("Save",), f"Saved: {option}", checked=(option,))


def _menu(random: Random, page: Contents) -> Drawn:
    choices = _shuffled(random, page, "choices")
    dish = random.choice(choices)
    return {**page, "choices": choices}, {"dish": dish}, Goal("", (dish,), f"You chose {dish}")


def _confirm(random: Random, page: Contents) -> Drawn:
    answers = _shuffled(random, page, "answers")
    answer, top, shade = random.choice(answers), random.randint(10, 80), random.choice((0, 10, 20, 40))
    contents: Contents = {**page, "answers": answers, "top": top, "shade": shade}
    return contents, {"answer": answer}, Goal("", ("Delete", answer), f"You said {answer}")


def _tabs(random: Random, page: Contents) -> Drawn:
    rows = list(zip(*(_texts(page, name) for name in ("tabs", "texts", "actions")), strict=True))
    random.shuffle(rows)
    tabs, texts, actions = (list(column) for column in zip(*rows, strict=True))
    tab, _, button = random.choice(rows)
    active = random.randrange(len(tabs))
    contents: Contents = {**page, "tabs": tabs, "texts": texts, "actions": actions, "active": active}
    return contents, {"tab": tab, "button": button}, Goal("", (tab, button), f"You pressed {button}")


def _poll(random: Random, page: Contents) -> Drawn:
    choices = _shuffled(random, page, "choices")
    choice = random.choice(choices)
    goal = Goal("", ("Vote",), f"You voted for {choice}", checked=(choice,))
    return {**page, "choices": choices}, {"choice": choice}, goal


def _search(random: Random, page: Contents) -> Drawn:
    items = _shuffled(random, page, "items")
    title = random.choice(items)
    word = random.choice(title.split())
    goal = Goal("", ("Search", title), f"You opened {title}", values=(word,))
    return {**page, "items": items}, {"words": word, "title": title}, goal


def _basket(random: Random, page: Contents) -> Drawn:
    items = _shuffled(random, page, "items")
    item = random.choice(items)
    return {**page, "items": items}, {"item": item}, Goal("", (), f"In the basket: {item}", checked=(item,))


def _counter(random: Random, page: Contents) -> Drawn:
    """Two counts that are reached by one to four presses."""
    near = [(adults, children) for adults in range(4) for children in range(3)]
    adults, children = random.choice([each for each in near if 1 <= abs(each[0] - 1) + each[1] <= 4])
    goal = Goal("", ("Book",), f"Booked: {adults} Adults, {children} Children", counts=(adults, children))
    return page, {"adults": str(adults), "children": str(children)}, goal


KINDS: Mapping[str, Callable[[Random, Contents], Drawn]] = {
    "basket": _basket,
    "confirm": _confirm,
    "counter": _counter,
    "greet": _greet,
    "menu": _menu,
    "poll": _poll,
    "search": _search,
    "settings": _settings,
    "sign-in": _sign_in,
    "tabs": _tabs,
}
