"""What an action is about to do, before it is done: what it would hit, and whether that could be undone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

from actions.action import Action

Risk = Literal["submit", "purchase", "delete", "send", "origin", "upload", "download", "dialog", "unknown"]
"""Sends a form; spends money; removes something; tells others; leaves the site; gives a file away; takes one;
accepts a dialog; the page did not say what is there."""


@dataclass(frozen=True)
class Foresight:
    """Where an action would go, and what speaks against doing it unasked; `target` and `url` are the page's words."""

    target: str = ""
    url: str = ""
    risks: tuple[Risk, ...] = ()


@runtime_checkable
class Foreseeing(Protocol):
    """An environment that can look before it acts."""

    def foresee(self, action: Action) -> Foresight:
        """What `action` would do now. It changes nothing."""
        ...
