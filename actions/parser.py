"""Reads a call of `computer_use` as an action."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from actions.action import (
    MAX_SCROLL,
    MAX_TAB,
    Action,
    ActionError,
    Answer,
    AskUser,
    Back,
    Click,
    Drag,
    Finish,
    Key,
    Move,
    Navigate,
    Scroll,
    Select,
    Tab,
    Type,
    Upload,
    Wait,
)
from actions.calls import Call
from actions.fields import BOXES, Arguments, shorten
from actions.frame import Frame
from actions.signature import ARGUMENTS, CLICKS, NAME, split_keys

_AT = ("coordinate", *BOXES)
_KNOWN = frozenset({"action", *BOXES, *(argument.name for argument in ARGUMENTS)})


def parse_call(call: Call, frame: Frame) -> Action:
    """The action that `call` asks for, its places brought from the image of `frame` to the screen.

    Raises ActionError, and nothing else, for whatever is not a sound call of `computer_use`.
    """
    verb = call.arguments.get("action")
    if verb is None and call.name in _VERBS:  # the action's name in the place of the function's
        verb = call.name
    elif call.name not in ("", NAME, verb):
        raise ActionError(f"name: {shorten(call.name)} is no function here; call {NAME}")
    known = verb.strip().lower() if isinstance(verb, str) else ""
    if known not in _VERBS:
        shown = "missing" if verb is None else shorten(verb)
        raise ActionError(f"action: {shown}; must be one of {', '.join(_VERBS)}")
    return _VERBS[known](Arguments(call.arguments, frame, _KNOWN))


def _click(verb: str) -> Callable[[Arguments], Action]:
    button, count = CLICKS[verb]
    return lambda given: Click(at=given.place(*_AT), button=button, count=count)


def _drag(given: Arguments) -> Action:
    if given.has("coordinate2"):
        return Drag(path=(given.point(*_AT, box=False), given.point("coordinate2", box=False)))
    given.place(*_AT, box=False)  # a misspelt start is refused
    return Drag(path=(given.point(*_AT, box=False),))


def _move(given: Arguments) -> Action:
    return Move(at=given.point(*_AT))


def _scroll(given: Arguments) -> Action:
    """Up is positive there and negative here."""
    return Scroll(at=given.place(*_AT), dy=-round(given.number("pixels", -MAX_SCROLL, MAX_SCROLL)))


def _hscroll(given: Arguments) -> Action:
    return Scroll(at=given.place(*_AT), dx=round(given.number("pixels", -MAX_SCROLL, MAX_SCROLL)))


def _key(given: Arguments) -> Action:
    """Some checkpoints name the keys in `text`."""
    return Key(keys=split_keys(given.texts("keys" if given.has("keys") or not given.has("text") else "text")))


def _terminate(given: Arguments) -> Action:
    status = given.choice("status", ("success", "failure"))
    return Finish(success=status == "success", text=given.text("text", missing=""))


def _navigate(given: Arguments) -> Action:
    url = given.text("url")
    if not url:
        raise ActionError("url: empty; give an address")
    return Navigate(url=url)


def _select(given: Arguments) -> Action:
    return Select(at=given.point(*_AT), label=given.text("text"))


_VERBS: Mapping[str, Callable[[Arguments], Action]] = MappingProxyType(
    {
        "key": _key,
        "type": lambda given: Type(text=given.text("text")),
        "mouse_move": _move,
        **{verb: _click(verb) for verb in CLICKS},
        "left_click_drag": _drag,
        "scroll": _scroll,
        "hscroll": _hscroll,
        "wait": lambda given: Wait(seconds=given.number("time", 0, 60)),
        "terminate": _terminate,
        "answer": lambda given: Answer(text=given.text("text")),
        "goto_url": _navigate,
        "go_back": lambda given: Back(),
        "switch_tab": lambda given: Tab(index=given.whole("index", 0, MAX_TAB)),
        "select_option": _select,
        "upload": lambda given: Upload(at=given.point(*_AT), files=given.texts("files")),
        "ask_user": lambda given: AskUser(question=given.text("text")),
    }
)
