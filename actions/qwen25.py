"""The dialects of Qwen2.5-VL and Qwen3-VL: calls of `computer_use`.

Qwen2.5-VL counts pixels of the resized image, Qwen3-VL 0..999. Distances (`pixels`) are screen pixels as they stand:
they are no places, and are not scaled. The actions from `key` to `answer` are those of the models' own function (of
Qwen3-VL's version: triple_click, hscroll and answer). What stands below them, and `coordinate2`, is ours: a browser
offers more than a mouse and a keyboard.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from actions.functions import Argument, Function, Verb
from actions.grammar import call_grammar
from actions.parser import READERS
from actions.printer import print_arguments
from actions.tongue import Tongue

OURS = (
    Verb("goto_url", "navigate", "Open an address in the current tab.", ("url",)),
    Verb("go_back", "back", "Go back to the previous page."),
    Verb("switch_tab", "tab", "Show the tab with this number.", ("index",)),
    Verb(
        "select_option",
        "select",
        "Choose the option labelled `text` in the drop-down list at (x, y).",
        ("coordinate", "text"),
    ),
    Verb("upload", "upload", "Give files to the file input at (x, y).", ("coordinate", "files")),
    Verb("ask_user", "ask_user", "Ask the user a question.", ("text",)),
)
"""What no model's own function has."""

VERBS = (
    Verb("key", "key", "Press the given keys in their order, then let go of them in reverse.", ("keys",)),
    Verb("type", "type", "Enter text with the keyboard.", ("text",)),
    Verb("mouse_move", "move", "Bring the mouse cursor to (x, y) without clicking.", ("coordinate",)),
    Verb("left_click", "click", "Click at (x, y) with the left mouse button.", (), ("coordinate",)),
    Verb(
        "left_click_drag",
        "drag",
        "Hold the left mouse button from where the cursor is to (x, y); with `coordinate2`, from (x, y) to there.",
        ("coordinate",),
        ("coordinate2",),
    ),
    Verb("right_click", "click", "Click at (x, y) with the right mouse button.", (), ("coordinate",)),
    Verb("middle_click", "click", "Click at (x, y) with the middle mouse button.", (), ("coordinate",)),
    Verb("double_click", "click", "Click twice at (x, y) with the left mouse button.", (), ("coordinate",)),
    Verb("triple_click", "click", "Click three times at (x, y), left button.", (), ("coordinate",)),
    Verb("scroll", "scroll", "Turn the mouse wheel up or down.", ("pixels",), ("coordinate",)),
    Verb("hscroll", "scroll", "Turn the mouse wheel sideways.", ("pixels",), ("coordinate",)),
    Verb("wait", "wait", "Let some seconds pass, so that the screen can change.", ("time",)),
    Verb("terminate", "finish", "End the task and state how it went.", ("status",), ("text",)),
    Verb("answer", "answer", "Tell the user what was asked for.", ("text",)),
    *OURS,
)

STATUS = Argument("status", "string", "Whether the task was done.", ("success", "failure"))
WEB = (
    Argument("url", "string", "The address."),
    Argument("index", "number", "The number of the tab; the first is 0."),
    Argument("files", "array", "The paths of the files."),
)

COMPUTER = Function(
    name="computer_use",
    notes=(
        "Control a computer by its mouse and keyboard, one action a call.",
        "The screen's resolution is {size}, and all you know of it is the latest screenshot.",
        "Point at the middle of what you mean to click, not at its edge.",
        "Where a page is still loading, wait and look again.",
    ),
    verbs=VERBS,
    arguments=(
        Argument("keys", "array", "The names of the keys."),
        Argument("text", "string", "The text, answer, question or label."),
        Argument("coordinate", "array", "[x, y]: pixels from the left and from the top edge of the screenshot."),
        Argument("coordinate2", "array", "[x, y]: where a drag that starts at `coordinate` ends."),
        Argument(
            "pixels", "number", "How far: scroll is up when positive, down when negative; hscroll is right or left."
        ),
        Argument("time", "number", "Seconds, at most 60."),
        STATUS,
        *WEB,
    ),
    readers=READERS,
    writer=print_arguments,
    agent_line=True,
)
_QWEN3 = replace(COMPUTER, agent_line=False)

QWEN25 = Tongue("qwen2.5", "resized", COMPUTER.offer, COMPUTER.write, COMPUTER.read, partial(call_grammar, COMPUTER))
QWEN3 = Tongue("qwen3", "999", _QWEN3.offer, _QWEN3.write, _QWEN3.read, partial(call_grammar, _QWEN3))
