"""Text to read: words, names, random strings and made-up words, all drawn from a seeded generator."""

from __future__ import annotations

import string
from importlib.resources import files
from random import Random


def read_list(name: str) -> tuple[str, ...]:
    """The words of one of the lists that come with this package."""
    return tuple(files("agent.data").joinpath("lists", f"{name}.txt").read_text("utf-8").split())


ENGLISH, LATIN, NAMES = read_list("english"), read_list("latin"), read_list("names")
LETTERS = string.ascii_letters + string.digits
_ONSETS, _VOWELS = read_list("onsets"), read_list("vowels")
_ENDS = ("",) * 4 + ("n", "r", "s", "l", "t", "m", "k", "d", "x", "nd", "st", "ck")


def scramble(random: Random, shortest: int = 1, longest: int = 8) -> str:
    """Letters and digits without sense, such as "4kIx"."""
    return "".join(random.choices(LETTERS, k=random.randint(shortest, longest)))


def invent(random: Random) -> str:
    """A word that could be one, in lower case."""
    syllables = random.choice((1, 2, 2, 2, 3))
    return "".join(random.choice(_ONSETS) + random.choice(_VOWELS) for _ in range(syllables)) + random.choice(_ENDS)


def name(random: Random) -> str:
    """A first name, known or invented."""
    return random.choice(NAMES) if random.random() < 0.4 else invent(random).capitalize()


def word(random: Random) -> str:
    """A word of running text."""
    draw = random.random()
    if draw < 0.45:
        return random.choice(LATIN)
    return random.choice(ENGLISH) if draw < 0.85 else invent(random)


def string_of(random: Random) -> str:
    """A short text to be told from others by reading it: more often than not without sense."""
    draw = random.random()
    if draw < 0.55:
        return scramble(random)
    if draw < 0.75:
        return cased(random, word(random))
    return name(random) if draw < 0.9 else cased(random, invent(random))


def secret(random: Random) -> str:
    """Something to type: a password, a user name, a number, a name or two words."""
    draw = random.random()
    if draw < 0.5:
        return scramble(random, 2, 9)
    if draw < 0.6:
        return name(random).lower()
    if draw < 0.75:
        return name(random)
    if draw < 0.82:
        return str(random.randint(1, 99999))
    return f"{cased(random, word(random))} {word(random)}" if draw < 0.88 else cased(random, invent(random))


def caption(random: Random) -> str:
    """What could stand on a button."""
    draw = random.random()
    if draw < 0.45:
        return cased(random, random.choice(ENGLISH))
    return scramble(random, 1, 6) if draw < 0.85 else cased(random, invent(random))


def cased(random: Random, text: str) -> str:
    """`text` as it is, capitalised, or now and then in capitals."""
    draw = random.random()
    if draw < 0.5:
        return text
    return text.capitalize() if draw < 0.93 else text.upper()
