"""What our small pages say and what is to be done on them, made up at random for each kind of page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import TypeAlias

from agent.data import asking, words
from agent.data.filling import BUTTONS, LABELS

Contents: TypeAlias = Mapping[str, str | bool | int | Sequence[str] | Sequence[int]]
"""The texts that a template asks for."""

ANSWERS = (("OK", "Cancel"), ("Yes", "No"), ("Keep", "Delete"), ("Confirm", "Cancel"), ("Back", "Continue"))
OPENERS = ("Delete", "Reset", "Log out", "Send", "Buy now", "Remove all", "Quit", "Publish", "Leave", "Pay")
TOGGLES = (
    ("Add", "Remove"),
    ("Delete", "Undo"),
    ("Buy", "Return"),
    ("Done", "Undo"),
    ("Follow", "Unfollow"),
    ("Like", "Unlike"),
)


@dataclass(frozen=True)
class Goal:
    """What is asked for on a page, and the text that says it was done."""

    instruction: str
    press: tuple[str, ...]
    """Buttons and links: the first once all else is right, a later one as soon as it shows."""
    result: str
    values: tuple[str, ...] = ()
    checked: tuple[str, ...] = ()
    """What is to be checked, chosen, or pressed in its row."""
    counts: tuple[int, ...] = ()

    def plain(self) -> dict[str, str | list[str] | list[int]]:
        """What the page has to know of it."""
        return {
            "press": list(self.press),
            "result": self.result,
            "values": list(self.values),
            "checked": list(self.checked),
            "counts": list(self.counts),
        }


def make(kind: str, random: Random) -> tuple[Contents, Goal]:
    """The texts of a page of this kind, and something to do on it."""
    contents, goal = MAKERS[kind](random)
    return {"title": _title(random), **contents}, goal


def _title(random: Random) -> str:
    return _phrase(random, random.choice((1, 1, 2))).capitalize()


def _phrase(random: Random, count: int) -> str:
    return " ".join(words.cased(random, words.word(random)) for _ in range(count))


def _name(random: Random) -> str:
    """What a choice or a label says: a word or two, or something without sense."""
    if random.random() < 0.25:
        return words.scramble(random, 2, 7)
    first = words.cased(random, words.word(random))
    return f"{first} {words.word(random)}" if random.random() < 0.6 else first


def _names(random: Random, count: int, longest: int = 99) -> list[str]:
    """Up to `count` names that differ, none longer than `longest` characters."""
    return list(dict.fromkeys(_name(random)[:longest].strip() for _ in range(count)))


def _button(random: Random) -> str:
    return random.choice(BUTTONS) if random.random() < 0.6 else words.caption(random)


def _spoken(random: Random, field: str) -> str:
    return field.lower() if random.random() < 0.6 else field


def _around(random: Random, *before: str) -> tuple[str, str]:
    """What the result says before and behind what was done."""
    return random.choice(before), random.choice(("", "", "", ".", "!"))


def _greet(random: Random) -> tuple[Contents, Goal]:
    before, after = _around(random, "Hello, ", "Hello, ", "Hi ", "Welcome, ", "Sent: ", "Thank you, ", "You entered ")
    field, value = random.choice(LABELS), words.secret(random)
    button = _button(random)
    contents: Contents = {"fields": [field], "button": button, "before": before, "after": after}
    instruction = asking.to_fill(random, [_spoken(random, field)], [value], button)
    return contents, Goal(instruction, (button,), before + value + after, values=(value,))


def _sign_in(random: Random) -> tuple[Contents, Goal]:
    fields = [
        random.choice(("Username", "User", "Name", "Email", "Login", "Account", random.choice(LABELS))),
        "Password",
    ]
    if random.random() < 0.2:
        fields[1] = random.choice(("PIN", "Code", "Secret", "Passphrase"))
    before, after = _around(random, "Welcome, ", "Welcome ", "Signed in as ", "Hello ")
    values, button = (words.secret(random), words.secret(random)), _button(random)
    contents: Contents = {"fields": fields, "button": button, "before": before, "after": after}
    instruction = asking.to_fill(random, [_spoken(random, field) for field in fields], values, button)
    return contents, Goal(instruction, (button,), before + values[0] + after, values=values)


def _settings(random: Random) -> tuple[Contents, Goal]:
    boxes, button = _names(random, random.choice((3, 3, 4, 4, 5))), _button(random)
    before, empty = _before(random)
    chosen = random.sample(boxes, random.randint(1, min(3, len(boxes))))
    checked = tuple(name for name in boxes if name in chosen)
    contents: Contents = {"boxes": boxes, "button": button, "before": before, "empty": empty}
    instruction = asking.to_switch_on(random, chosen, button)
    return contents, Goal(instruction, (button,), before + ", ".join(checked), checked=checked)


def _before(random: Random) -> tuple[str, str]:
    """What stands before a list of names, and what for none."""
    return random.choice(("Saved: ", "Saved: ", "Chosen: ", "You selected ")), random.choice(("nothing", "none"))


def _menu(random: Random) -> tuple[Contents, Goal]:
    choices = _names(random, random.choice((3, 4, 5, 6)))
    wanted, buttons = random.choice(choices), random.random() < 0.5
    before, after = _around(random, "You chose ", "You chose ", "Chosen: ", "Opened ")
    contents: Contents = {"choices": choices, "buttons": buttons, "before": before, "after": after}
    instruction = asking.to_pick(random, "button" if buttons else "link", wanted)
    return contents, Goal(instruction, (wanted,), before + wanted + after)


def _confirm(random: Random) -> tuple[Contents, Goal]:
    opener = random.choice(OPENERS) if random.random() < 0.5 else _name(random)
    answers = list(random.choice(ANSWERS)) if random.random() < 0.5 else _names(random, random.choice((2, 2, 3)), 9)
    random.shuffle(answers)
    wanted, asked = random.choice(answers), random.random() < 0.25
    before, after = _around(random, "You chose ", "Answer: ", "You said ", "Result: ")
    contents: Contents = {
        "text": _phrase(random, random.randint(2, 5)),
        "opener": opener,
        "question": random.choice(("Are you sure?", f"{opener}?", f"Really {opener}?", _phrase(random, 3))),
        "answers": answers,
        "before": before,
        "after": after,
        "asked": asked,
        "top": random.randint(10, 90),
        "shade": random.choice((0, 10, 20, 40)),
    }
    return contents, Goal(asking.to_confirm(random, opener, wanted, asked), (opener, wanted), before + wanted + after)


def _tabs(random: Random) -> tuple[Contents, Goal]:
    names = _names(random, 6, 9)
    count = 3 if len(names) > 5 and random.random() < 0.6 else 2
    tabs = _names(random, count, 16 // count)
    actions = [name for name in names if name not in tabs][: len(tabs)]
    tabs = tabs[: len(actions)]
    wanted, (before, after) = (
        random.randrange(len(tabs)),
        _around(random, "You pressed ", "Done: ", "Started ", "You chose "),
    )
    contents: Contents = {
        "tabs": tabs,
        "active": random.randrange(len(tabs)),
        "texts": [_phrase(random, random.randint(2, 5)) for _ in tabs],
        "actions": actions,
        "before": before,
        "after": after,
    }
    tab, action = tabs[wanted], actions[wanted]
    return contents, Goal(asking.to_switch(random, tab, action), (tab, action), before + action + after)


def _poll(random: Random) -> tuple[Contents, Goal]:
    choices, button = _names(random, random.choice((2, 3, 3, 4, 4, 5))), _button(random)
    wanted, (before, after) = (
        random.choice(choices),
        _around(random, "You voted for ", "Your answer: ", "Chosen: ", "Saved: "),
    )
    contents: Contents = {
        "question": _phrase(random, random.randint(1, 3)).capitalize() + random.choice(("?", ":", "")),
        "choices": choices,
        "button": button,
        "before": before,
        "after": after,
    }
    return contents, Goal(asking.to_vote(random, wanted, button), (button,), before + wanted + after, checked=(wanted,))


def _search(random: Random) -> tuple[Contents, Goal]:
    query, button = _query(random), random.choice(("Search", "Search", "Go", "Find", _button(random)))
    items = [_with(random, query) for _ in range(random.choice((1, 2, 2, 3)))]
    others = [name for name in _names(random, random.randint(1, 4)) if query.lower() not in name.lower()]
    wanted, (before, after) = items[0], _around(random, "You opened ", "Opened: ", "You read ", "Here is ")
    every = list(dict.fromkeys([*items, *others]))
    random.shuffle(every)
    contents: Contents = {
        "field": random.choice(("Search", "Search", "Find", "Words", "Title", random.choice(LABELS))),
        "button": button,
        "items": every,
        "empty": random.choice(("Nothing found", "No results", "Not found")),
        "before": before,
        "after": after,
    }
    instruction = asking.to_search(random, query, wanted, button)
    return contents, Goal(instruction, (button, wanted), before + wanted + after, values=(query,))


def _query(random: Random) -> str:
    """A word to search for."""
    draw = random.random()
    if draw < 0.3:
        return words.scramble(random, 3, 7)
    return words.name(random) if draw < 0.5 else words.cased(random, words.word(random))


def _with(random: Random, query: str) -> str:
    """What is found by a word."""
    other = words.word(random)
    return f"{query} {other}" if random.random() < 0.6 else f"{other} {query}".capitalize()


def _basket(random: Random) -> tuple[Contents, Goal]:
    items = _names(random, random.choice((2, 3, 3, 4)), 12)
    on, off = random.choice(TOGGLES) if random.random() < 0.7 else (words.caption(random), "Undo")
    wanted = random.sample(items, random.choice((1, 1, 2)) if len(items) > 1 else 1)
    before, empty = (
        random.choice((f"{on}: ", f"{on}: ", "In the basket: ", "Chosen: ", "You have ")),
        _before(random)[1],
    )
    pressed = tuple(name for name in items if name in wanted)
    contents: Contents = {
        "items": items,
        "on": on,
        "off": off,
        "before": before,
        "empty": empty,
        "spread": random.choice(("space-between", "flex-start", "flex-end")),
        "mark": random.choice(("font-weight: bold;", "text-decoration: line-through;", "color: #080;", "")),
    }
    return contents, Goal(asking.to_toggle(random, on, wanted), (), before + ", ".join(pressed), checked=pressed)


def _counter(random: Random) -> tuple[Contents, Goal]:
    items, button = _names(random, random.choice((1, 1, 2, 2, 3)), 9), _button(random)
    starts = [random.choice((0, 0, 0, 1, 1, 2, 3)) for _ in items]
    changed = sorted(random.sample(range(len(items)), random.choice((1, min(2, len(items))))))
    counts = [_other(random, start) if i in changed else start for i, start in enumerate(starts)]
    before = random.choice(("Saved: ", "Booked: ", "You have ", "Ordered: "))
    contents: Contents = {
        "items": items,
        "counts": starts,
        "button": button,
        "before": before,
        "spread": random.choice(("1", "none")),
    }
    result = before + ", ".join(f"{count} {item}" for count, item in zip(counts, items, strict=True))
    asked = range(len(items)) if random.random() < 0.4 else changed
    instruction = asking.to_count(random, [(items[i], counts[i]) for i in asked], button)
    return contents, Goal(instruction, (button,), result, counts=tuple(counts))


def _other(random: Random, start: int) -> int:
    """A count near `start` that is another."""
    return random.choice([count for count in range(max(0, start - 2), start + 4) if count != start])


MAKERS = {
    "greet": _greet,
    "sign-in": _sign_in,
    "settings": _settings,
    "menu": _menu,
    "confirm": _confirm,
    "tabs": _tabs,
    "poll": _poll,
    "search": _search,
    "basket": _basket,
    "counter": _counter,
}
