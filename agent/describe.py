"""Actions and steps in a few words, for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from actions import (
    Action,
    Answer,
    AskUser,
    Click,
    Drag,
    Finish,
    Key,
    Move,
    Navigate,
    Point,
    Scroll,
    Select,
    Tab,
    Type,
    Upload,
    Wait,
)
from env.untrusted import page

if TYPE_CHECKING:
    from env import Observation, Receipt


MOST = 3
"""Files that are told of."""


def place(at: Point | None) -> str:
    """'at (80, 104)', or nothing where the pointer stays."""
    return f" at ({at.x}, {at.y})" if at else ""


def hold(seconds: float) -> str:
    """' and hold for 2 s', or nothing."""
    return f" and hold for {seconds:g} s" if seconds else ""


def describe(action: Action) -> str:  # noqa: C901 - one line for each kind of action
    """`action` in a few words; text that a model wrote is quoted and cleaned."""
    match action:
        case Click():
            clicks = {1: "click", 2: "double click", 3: "triple click"}[action.count]
            button = "" if action.button == "left" else f"{action.button} "
            return "+".join((*action.modifiers, f"{button}{clicks}")) + place(action.at) + hold(action.hold)
        case Drag():
            return f"drag to ({action.path[-1].x}, {action.path[-1].y}) from{place(action.path[0])[3:]}"
        case Move():
            return f"move{place(action.at)}"
        case Scroll():
            return f"scroll by ({action.dx}, {action.dy}){place(action.at)}"
        case Type():
            return f"type {quote(action.text)}{place(action.at)}{', replacing' if action.replace else ''}"
        case Key():
            times = f" {action.count} times" if action.count > 1 else ""
            return f"press {quote('+'.join(action.keys))}{times}{hold(action.hold)}"
        case Wait():
            return f"wait {action.seconds:g} s"
        case Navigate():
            return f"open {quote(action.url)}"
        case Tab():
            return f"tab {action.index}"
        case Select():
            return f"select {quote(action.label)}{place(action.at)}"
        case Upload():
            return f"upload {quote(', '.join(action.files))}{place(action.at)}"
        case Answer():
            return f"answer {quote(action.text)}"
        case AskUser():
            return f"ask {quote(action.question)}"
        case Finish():
            return f"finish: {'success' if action.success else 'failure'} {quote(action.text)}".removesuffix(' ""')
        case _:
            return action.kind


def aftermath(receipt: Receipt) -> str:
    """What a policy is to know of its action that the next screen may not show it; empty where that shows it all.

    What a page wrote in it is marked as such.
    """
    said = [
        "nothing changed" if receipt.nothing else "",
        f"opened the dialog {page(receipt.dialog)}" if receipt.dialog else "",
        f"downloaded {_few(receipt.downloads)}" if receipt.downloads else "",
    ]
    return ", ".join(part for part in said if part)


def _few(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - MOST} more" if len(names) > MOST else ""
    return ", ".join(page(name, 120) for name in names[:MOST]) + more


def pending(seen: Observation) -> str:
    """The dialog that waits for its answer, which no screen shows, and how to answer it; empty where none does."""
    if not seen.dialog:
        return ""
    also = ", or type the text" if seen.dialog.startswith("prompt") else ""
    return f"A dialog is open: {page(seen.dialog)}. Press enter to accept it or escape to dismiss it{also}."


def clean(text: str, limit: int = 200) -> str:
    """`text` on one line without control characters, so that no terminal obeys it."""
    line = " ".join(text.split())
    safe = "".join(letter if letter.isprintable() else "�" for letter in line)
    return safe if len(safe) <= limit else safe[: limit - 1] + "…"


def safe(text: str) -> str:
    """`text` on its own lines without other control characters, so that no terminal obeys it."""
    return "".join(letter if letter.isprintable() or letter in "\n\t" else "�" for letter in text)


def quote(text: str) -> str:
    """`text` cleaned and between quotation marks."""
    return f'"{clean(text, 80)}"'
