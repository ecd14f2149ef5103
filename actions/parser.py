"""Reads the arguments of `computer_use` as an action."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from actions.action import (
    MAX_SCROLL,
    MAX_SECONDS,
    MAX_TAB,
    Action,
    ActionError,
    Answer,
    AskUser,
    Back,
    Button,
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
from actions.chord import split_keys
from actions.fields import BOXES, Arguments
from actions.functions import Reader

AT = ("coordinate", *BOXES)
"""The arguments that name a place."""

CLICKS: Mapping[str, tuple[Button, int]] = MappingProxyType(
    {
        "left_click": ("left", 1),
        "right_click": ("right", 1),
        "middle_click": ("middle", 1),
        "double_click": ("left", 2),
        "triple_click": ("left", 3),
    }
)
"""The button and the count of each click there is."""


def _click(verb: str) -> Reader:
    button, count = CLICKS[verb]
    return lambda given: Click(at=given.place(*AT), button=button, count=count)


def _drag(given: Arguments) -> Action:
    if given.has("coordinate2"):
        return Drag(path=(given.point(*AT, box=False), given.point("coordinate2", box=False)))
    given.place(*AT, box=False)  # a misspelt start is refused
    return Drag(path=(given.point(*AT, box=False),))


def _move(given: Arguments) -> Action:
    return Move(at=given.point(*AT))


def _scroll(given: Arguments) -> Action:
    """Up is positive there and negative here."""
    return Scroll(at=given.place(*AT), dy=-round(given.number("pixels", -MAX_SCROLL, MAX_SCROLL)))


def _hscroll(given: Arguments) -> Action:
    return Scroll(at=given.place(*AT), dx=round(given.number("pixels", -MAX_SCROLL, MAX_SCROLL)))


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
    return Select(at=given.point(*AT), label=given.text("text"))


READERS: Mapping[str, Reader] = MappingProxyType(
    {
        "key": _key,
        "type": lambda given: Type(text=given.text("text")),
        "mouse_move": _move,
        **{verb: _click(verb) for verb in CLICKS},
        "left_click_drag": _drag,
        "scroll": _scroll,
        "hscroll": _hscroll,
        "wait": lambda given: Wait(seconds=given.number("time", 0, MAX_SECONDS)),
        "terminate": _terminate,
        "answer": lambda given: Answer(text=given.text("text")),
        "goto_url": _navigate,
        "go_back": lambda given: Back(),
        "switch_tab": lambda given: Tab(index=given.whole("index", 0, MAX_TAB)),
        "select_option": _select,
        "upload": lambda given: Upload(at=given.point(*AT), files=given.texts("files")),
        "ask_user": lambda given: AskUser(question=given.text("text")),
    }
)
"""How each action of `computer_use`, and each of ours beside them, is read."""
