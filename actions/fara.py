"""The dialect of Fara: a `computer_use` made for the web, pixels of the resized image.

Typing names a place, which is clicked first; it presses enter afterwards unless told otherwise, and can replace what
stands there. A memorised fact is an Answer: it stays in the record and in the history, and the episode goes on.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from types import MappingProxyType
from urllib.parse import quote_plus

from actions.action import MAX_SECONDS, Action, ActionError, Answer, AskUser, Back, Finish, Navigate, Type, Wait
from actions.fields import Arguments, shorten
from actions.functions import Argument, Function, Reader, Verb, Written
from actions.grammar import call_grammar
from actions.parser import AT, READERS
from actions.printer import at, print_arguments
from actions.qwen25 import STATUS
from actions.tongue import Place, Tongue

SEARCH = "https://www.bing.com/search?q="
"""Where `web_search` looks, as Fara's own agent does."""

PAUSE = 3.0
"""Seconds of a `wait` that names none."""

_SCHEME = re.compile(r"(?:https?://|file://|about:)", re.IGNORECASE)

VERBS = (
    Verb("key", "key", "Press the given keys in their order, then let go of them in reverse.", ("keys",)),
    Verb(
        "type",
        "type",
        "Enter text, into what stands at (x, y) where a place is given.",
        ("text",),
        ("coordinate", "press_enter", "delete_existing_text"),
    ),
    Verb("mouse_move", "move", "Bring the mouse cursor to (x, y) without clicking.", ("coordinate",)),
    Verb("left_click", "click", "Click at (x, y) with the left mouse button.", (), ("coordinate",)),
    Verb("scroll", "scroll", "Turn the mouse wheel up or down.", ("pixels",), ("coordinate",)),
    Verb("visit_url", "navigate", "Open an address.", ("url",)),
    Verb("web_search", "navigate", "Search the web.", ("query",)),
    Verb("history_back", "back", "Go back to the previous page."),
    Verb("pause_and_memorize_fact", "answer", "Note a fact for later.", ("fact",)),
    Verb("ask_user_question", "ask_user", "Ask the user a question.", ("question",)),
    Verb("wait", "wait", "Let some seconds pass, so that the page can change.", ("time",)),
    Verb("terminate", "finish", "End the task and state how it went.", ("status",), ("answer",)),
)


def address(written: str) -> str:
    """What a browser opens for words in its address bar: an address, or a search where they hold a space."""
    url = written.strip()
    if not url:
        raise ActionError("url: empty; give an address")
    if _SCHEME.match(url):
        return url
    return SEARCH + quote_plus(url) if " " in url else f"https://{url}"


def _type(given: Arguments) -> Action:
    there = given.place(*AT)
    enter = given.flag("press_enter", missing=there is not None)
    text = given.text("text") + ("\n" if enter else "")
    return Type(text=text, at=there, replace=given.flag("delete_existing_text", missing=False))


def _wait(given: Arguments) -> Action:
    for field in ("time", "duration"):
        if given.has(field):
            return Wait(seconds=given.number(field, 0, MAX_SECONDS))
    return Wait(seconds=PAUSE)


def _terminate(given: Arguments) -> Action:
    status = given.choice("status", ("success", "failure")) if given.has("status") else "success"
    return Finish(success=status == "success", text=given.text("answer", "thoughts", missing=""))


def _search(given: Arguments) -> Action:
    return Navigate(url=SEARCH + quote_plus(given.text("query")))


_OWN: Mapping[str, Reader] = MappingProxyType(
    {
        "key": READERS["key"],
        "type": _type,
        "mouse_move": READERS["mouse_move"],
        "left_click": READERS["left_click"],
        "scroll": READERS["scroll"],
        "visit_url": lambda given: Navigate(url=address(given.text("url"))),
        "web_search": _search,
        "history_back": lambda given: Back(),
        "pause_and_memorize_fact": lambda given: Answer(text=given.text("fact")),
        "ask_user_question": lambda given: AskUser(question=given.text("question")),
        "wait": _wait,
        "terminate": _terminate,
    }
)
_ALSO = {
    "click": "left_click",
    "hover": "mouse_move",
    "input_text": "type",
    "keypress": "key",
    "sleep": "wait",
    "stop": "terminate",
}
"""Other names that Fara's own agent takes."""


def _write(action: Action, place: Place) -> Written:
    match action:
        case Type():
            enter = action.text.endswith("\n")
            return {
                "action": "type",
                **at(action.at, place),
                "text": action.text[:-1] if enter else action.text,
                "press_enter": enter,
                "delete_existing_text": action.replace,
            }
        case Navigate():
            if address(action.url) != action.url:
                raise ActionError(f"url: {shorten(action.url)} would be read as {shorten(address(action.url))}")
            return {"action": "visit_url", "url": action.url}
        case Back():
            return {"action": "history_back"}
        case Answer():
            return {"action": "pause_and_memorize_fact", "fact": action.text}
        case AskUser():
            return {"action": "ask_user_question", "question": action.question}
        case Finish():
            status: Written = {"action": "terminate", "status": "success" if action.success else "failure"}
            return {**status, "answer": action.text} if action.text else status
        case _:
            return print_arguments(action, place)


COMPUTER = Function(
    name="computer_use",
    notes=(
        "Use a web browser by its mouse and keyboard, one action a call.",
        "The screen's resolution is {size}, and all you know of it is the latest screenshot.",
        "Point at the middle of what you mean to click, not at its edge.",
        "Where a page is still loading, wait and look again.",
    ),
    verbs=VERBS,
    arguments=(
        Argument("keys", "array", "The names of the keys."),
        Argument("text", "string", "The text."),
        Argument("press_enter", "boolean", "Whether to press enter after the text."),
        Argument("delete_existing_text", "boolean", "Whether the text takes the place of what stands there."),
        Argument("coordinate", "array", "[x, y]: pixels from the left and from the top edge of the screenshot."),
        Argument("pixels", "number", "How far: up when positive, down when negative."),
        Argument("url", "string", "The address."),
        Argument("query", "string", "What to search for."),
        Argument("fact", "string", "The fact."),
        Argument("question", "string", "The question."),
        Argument("time", "number", "Seconds, at most 60."),
        STATUS,
        Argument("answer", "string", "The answer to the task."),
    ),
    readers=MappingProxyType({**_OWN, **{name: _OWN[own] for name, own in _ALSO.items()}}),
    writer=_write,
)

FARA = Tongue("fara", "resized", COMPUTER.offer, COMPUTER.write, COMPUTER.read, partial(call_grammar, COMPUTER))
