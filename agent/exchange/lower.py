"""Actions of a record in the words of languages that know less: what was carried out, and how it can be said there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from actions import Action, ActionError, Click, Key, Type
from agent.exchange.gather import Named
from agent.exchange.sample import Left
from agent.schema import Line
from env import keys

PYAUTOGUI: Mapping[str, str] = MappingProxyType(
    {
        " ": "space",
        "AltGraph": "altright",
        "ArrowDown": "down",
        "ArrowLeft": "left",
        "ArrowRight": "right",
        "ArrowUp": "up",
        "ContextMenu": "apps",
        "Control": "ctrl",
        "Escape": "esc",
        "Meta": "win",
    }
)
"""Names of keys that pyautogui spells in another way than Playwright, but for capitals (pyautogui.KEYBOARD_KEYS)."""


class Unsaid(ValueError):
    """Why a whole run cannot be told in a language: a part of a script would do something else."""


def carried_out(named: Named) -> Iterator[Line | Left]:
    """The steps that did something, in order, and a word on each that did not.

    Raises `Unsaid` where a step broke the screen: nobody knows what it did.
    """
    for line in named.run.lines:
        if line.error and line.after:
            raise Unsaid(f"step {line.index} broke the screen: {line.error[:120]}")
        if line.error or line.action is None:
            yield Left(named.name, line.index, f"nothing was carried out: {line.error[:120]}")
        else:
            yield line


def lowered(action: Action) -> tuple[Action, ...]:
    """`action` as the simple ones that it consists of: a click, the keys that select all, a text."""
    if not isinstance(action, Type) or (action.at is None and not action.replace):
        return (action,)
    clicked = (Click(at=action.at),) if action.at else ()
    cleared = (Key(keys=("ctrl", "a")), Key(keys=("delete",))) if action.replace else ()
    return (*clicked, *cleared, Type(text=action.text))


def chord(action: Key) -> list[str]:
    """The keys by Playwright's names. Raises `Unsaid` for those that it does not know."""
    try:
        return list(keys.chord(action.keys))
    except ActionError as error:
        raise Unsaid(str(error)) from error


def pyautogui_keys(action: Action) -> Action:
    """`action` with the names of its keys as pyautogui has them."""
    if not isinstance(action, Key):
        return action
    return action.model_copy(update={"keys": tuple(PYAUTOGUI.get(name, name.lower()) for name in chord(action))})
