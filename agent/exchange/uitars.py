"""A run as UI-TARS writes it: blocks of "Thought: ..." and "Action: ...", an empty line between them.

Coordinates follow the dialect: "ui-tars-1.5" counts pixels of the resized picture, "ui-tars-1.0" 0..1000
(bytedance/UI-TARS, README and codes/ui_tars/action_parser.py). The pictures lie in a folder beside the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from actions import ActionError
from agent.exchange.lower import Unsaid, lowered
from agent.exchange.sample import thought, with_thought
from agent.exchange.style import Style
from agent.schema import Line

_BLOCK = re.compile(r"^[ \t]{0,8}(?:Thought|Action):", re.MULTILINE)


def write(lines: Sequence[Line], style: Style) -> str:
    """The text. Raises `Unsaid` for what UI-TARS has no words for."""
    return "\n".join(f"{block}\n" for line in lines for block in _blocks(line, style))


def _blocks(line: Line, style: Style) -> Iterator[str]:
    assert line.action is not None
    dialect = style.speech
    said = thought(line.reply.text) if style.thoughts else ""
    try:
        frame = style.frame(line.before.width, line.before.height)
        for action in lowered(line.action):
            yield with_thought(said, dialect.print(action, frame), dialect.name)
            said = ""
    except (ActionError, ValueError) as error:
        raise Unsaid(f"step {line.index}: {error}") from error


def read(text: str) -> Iterator[str]:
    """The replies in a text: each from its thought, or without one from its action, to the next of them."""
    starts = [found.start() for found in _BLOCK.finditer(text)]
    begun = 0
    acted = False
    for index, start in enumerate(starts):
        if acted:
            yield text[starts[begun] : start].strip()
            begun, acted = index, False
        acted = acted or text[start:].lstrip().startswith("Action:")
    if acted:
        yield text[starts[begun] :].strip()
