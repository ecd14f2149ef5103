"""Turns without a picture that teach the decoder to copy a quoted string out of an instruction.

Copying takes a circuit that few screens exercise, and a turn without a picture costs a third of one with it.
"""

from __future__ import annotations

import json
import random
import string
from collections.abc import Iterator

from model.train.samples import Turn
from model.train.tokens import CALL

VERBS = ("Enter", "Type", "Write", "Put", "Fill in", "Please enter", "Insert")
PLACES = (
    "the text field",
    "the name field",
    "the box",
    "the input",
    "the field at the top",
    "the form",
    "{w}",
)
ENDS = ("and press Submit.", "and click {w}.", "then press {w}.", ".", 'and click "{w}".', "and press login.")


def turns(seed: int) -> Iterator[Turn]:
    """An endless, seeded stream."""
    rng = random.Random(f"copying/{seed}")
    while True:
        yield _pair(rng) if rng.random() < 0.4 else _single(rng)


def _single(rng: random.Random) -> Turn:
    text, place = word(rng), rng.choice(PLACES).format(w=word(rng))
    instruction = f'{rng.choice(VERBS)} "{text}" into {place} {rng.choice(ENDS).format(w=word(rng))}'
    return _turn(instruction, [_click(rng) for _ in range(rng.choice((1, 1, 2)))], text)


def _pair(rng: random.Random) -> Turn:
    """Two strings: the second is asked for once the first has been typed."""
    first, second = word(rng), word(rng)
    names = rng.choice((("username", "password"), ("name", "city"), ("user", "code"), (word(rng), word(rng))))
    verb, end = rng.choice(VERBS), rng.choice(ENDS).format(w=word(rng))
    instruction = f'{verb} the {names[0]} "{first}" and the {names[1]} "{second}" into the text fields {end}'
    history = [_click(rng)]
    if rng.random() < 0.5:
        return _turn(instruction, history, first)
    return _turn(instruction, [*history, _call({"action": "type", "text": first}), _click(rng)], second)


def word(rng: random.Random) -> str:
    """A random string of letters, of letters and digits, or something like a name."""
    style = rng.random()
    length = rng.choice((1, 2, 3, 3, 4, 4, 5, 5, 6, 7, 8, 10))
    if style < 0.5:
        return "".join(rng.choice(string.ascii_letters + string.digits) for _ in range(length))
    name = "".join(rng.choice("bcdfghjklmnprstvz") + rng.choice("aeiou") for _ in range(length))[: max(2, length)]
    return name.capitalize() if style < 0.75 else name


def _call(arguments: dict[str, object]) -> str:
    return json.dumps({"name": "computer_use", "arguments": arguments})


def _click(rng: random.Random) -> str:
    return _call({"action": "left_click", "coordinate": [rng.randrange(160), rng.randrange(208)]})


def _turn(instruction: str, history: list[str], text: str) -> Turn:
    steps = "".join(f"\nStep {number}: {said}" for number, said in enumerate(history, start=1))
    prompt = f"Instruction: {instruction}\nPrevious actions:{steps}\n"
    answer = f"<tool_call>\n{_call({'action': 'type', 'text': text})}\n</tool_call>"
    assert CALL in answer
    return Turn(prompt, answer, None)
