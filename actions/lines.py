"""Grammars of the dialects that write a line of text and no JSON call: UI-TARS and Qwen2-VL."""

from __future__ import annotations

from collections.abc import Sequence

from actions.action import Kind
from actions.frame import Frame
from actions.grammar import prose, thought
from actions.space import ActionSpace
from actions.terms import BOUNDS, KEY, Bounds, inside, json_terms, literal, numbers, regex
from actions.wheel import DIRECTIONS

QUOTES = "'\""
VISIBLE = r"[!#-&(-[\]-~]"
"""What a text may begin with that must have something to read in it."""

MARKS = "*✿"
"""What a call of Qwen2-VL begins with."""

LINE = r"[^\x00-\x1f\x7f]"

UITARS: tuple[tuple[Kind, str], ...] = (
    ("click", '("click" | "left_double" | "right_single") "(" box? ")"'),
    ("click", '"long_press(" box ", time=\'" SECONDS "\')"'),
    ("move", '"hover(" box ")"'),
    ("drag", '"drag(" box ", end_box=\'" place "\')"'),
    ("key", '"hotkey(key=\'" KEY (" " KEY)~0..3 "\')"'),
    ("type", '"type(content=\'" TEXT "\'" (", " box)? ")"'),
    ("scroll", '"scroll(" (box ", ")? "direction=\'" DIRECTION "\')"'),
    ("wait", '"wait(" ("time=\'" SECONDS "\'")? ")"'),
    ("navigate", '"navigate(content=\'" WORD "\')" | "press_home()"'),
    ("back", '"navigate_back()"'),
    ("finish", '"finished(content=\'" TEXT "\')"'),
    ("ask_user", '"call_user(content=\'" TEXT "\')"'),
)
"""The calls of UI-TARS."""

QWEN2: tuple[tuple[Kind, str, str], ...] = (
    ("click", "Tap", '"\\"point\\": " place'),
    ("click", "DoubleTap", '"\\"point\\": " place'),
    ("click", "LongPress", '"\\"point\\": " place ", \\"seconds\\": " SECONDS'),
    ("drag", "Swipe", '"\\"start\\": " place ", \\"end\\": " place'),
    ("move", "Hover", '"\\"point\\": " place'),
    ("scroll", "Scroll", '("\\"point\\": " place ", ")? "\\"dx\\": " PIXELS ", \\"dy\\": " PIXELS'),
    ("type", "Type", '"\\"text\\": " TEXT'),
    ("key", "Key", '"\\"keys\\": " keys'),
    ("navigate", "Home", ""),
    ("back", "Back", ""),
    ("navigate", "Open", '"\\"url\\": " WORD'),
    ("wait", "Wait", '"\\"seconds\\": " SECONDS'),
    ("answer", "Answer", '"\\"text\\": " TEXT'),
    ("ask_user", "Ask", '"\\"text\\": " TEXT'),
    ("finish", "Finish", '"\\"status\\": " STATUS ", \\"text\\": " TEXT'),
)
"""The functions of Qwen2-VL, and what stands between the braces."""


def uitars_grammar(tokens: bool, space: ActionSpace, frame: Frame, bounds: Bounds = BOUNDS) -> str:
    """A thought on a line of its own or not, and one "Action: ..."; with `tokens`, places stand in box tokens."""
    calls = _some([form for kind, form in UITARS if kind in space.kinds], "UI-TARS", space)
    box, end = ("<|box_start|> ", " <|box_end|>") if tokens else ("", "")
    said = f'("Thought: " {regex(f"{LINE}{{1,{bounds.thought}}}")} "\\n")? ' if bounds.thought else ""
    return "\n".join(
        [
            f'start: {said}"Action: " call',
            "call: " + " | ".join(calls),
            f'place: {box}"(" X "," Y ")"{end}',
            'box: "start_box=\'" place "\'"',
            *numbers(frame),
            f"KEY: {regex(KEY)}",
            f"TEXT: {regex(inside(QUOTES, bounds.text))}",
            f"WORD: {regex(inside(QUOTES, bounds.text, VISIBLE))}",
            "DIRECTION: " + " | ".join(literal(name) for name in DIRECTIONS),
        ]
    )


def qwen2_grammar(space: ActionSpace, frame: Frame, bounds: Bounds = BOUNDS) -> str:
    """A thought or none, and one "*FUNCTION*: Name *ARGS*: {...}"."""
    calls = _some(
        [
            " ".join(filter(None, (literal(f"{name} *ARGS*: {{"), inner, literal("}"))))
            for kind, name, inner in QWEN2
            if kind in space.kinds
        ],
        "Qwen2-VL",
        space,
    )
    return "\n".join(
        [
            f"start: {thought(bounds)}{literal('*FUNCTION*: ')} call",
            "call: " + " | ".join(calls),
            'place: "(" X "," Y ")"',
            *numbers(frame),
            *json_terms(bounds),
            *prose(bounds, MARKS),
        ]
    )


def _some(calls: Sequence[str], owner: str, space: ActionSpace) -> Sequence[str]:
    if not calls:
        raise ValueError(f"{owner}: has no action of {', '.join(space.ordered)}; expected one that it has")
    return calls
