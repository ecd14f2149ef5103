"""What the hands on a screen can do, on every kind of system."""

from __future__ import annotations

from typing import Protocol

from actions.action import Action, Button

NOTCH = 120  # screen pixels of one notch of a wheel
SIDES = ("left", "middle", "right")


class Failsafe(KeyboardInterrupt):
    """A person has pushed the pointer of a real screen into one of its corners: stop, as by Ctrl-C."""


class Input(Protocol):
    """Pointer and keyboard. Places are in the units of `Layout.place`, keys are named as `env.keys.chord` does."""

    def check(self, action: Action) -> None:
        """ActionError for what cannot be done here, before any of it is done."""
        ...

    def pointer(self) -> tuple[int, int]:
        """Where the pointer is."""
        ...

    def move(self, x: int, y: int) -> None:
        """Bring the pointer there."""
        ...

    def press(self, button: Button) -> None:
        """Push a button of the mouse down."""
        ...

    def release(self, button: Button) -> None:
        """Let a button of the mouse go."""
        ...

    def wheel(self, dx: int, dy: int) -> None:
        """Turn the wheel by so many notches: to the right, and down."""
        ...

    def hold(self, key: str) -> None:
        """Push a key down."""
        ...

    def let(self, key: str) -> None:
        """Let a key go."""
        ...

    def write(self, text: str) -> None:
        """Type `text`; a line break is the enter key."""
        ...

    def clear(self) -> None:
        """Remove all text of the field that has the focus."""
        ...


def notches(pixels: int) -> int:
    """How far the wheel turns for a distance on the screen: at least one notch for any."""
    turns = max(round(abs(pixels) / NOTCH), 1) if pixels else 0
    return turns if pixels > 0 else -turns
