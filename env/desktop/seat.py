"""A screen with its hands and windows: what a desktop asks of the system that it is on."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Protocol

from env.desktop.find import PIP
from env.desktop.input import Input
from env.desktop.layout import Layout
from env.desktop.options import DesktopOptions
from env.environment import EnvironmentBroken
from env.observation import Image
from env.process import Ownership


@dataclass(frozen=True)
class Look:
    """What the windows say of themselves."""

    title: str = ""
    """Of the window that is active."""
    windows: tuple[str, ...] = ()
    focus: str = ""


class Seat(Protocol):
    """One screen, from `open_seat` to `close`. Every call may raise `EnvironmentBroken`."""

    @property
    def name(self) -> str:
        """What its system calls it: an X display such as ":1"; empty where it has no name."""
        ...

    @property
    def hands(self) -> Input:
        """Its pointer and keyboard."""
        ...

    @property
    def layout(self) -> Layout:
        """What of it is seen, and where that lies."""
        ...

    def begin(self) -> None:
        """Take note that an action begins; EnvironmentBroken where the screen or its program is gone."""
        ...

    def pointed(self) -> str:
        """The window that the pointer is in, where that is known."""
        ...

    def focused(self) -> str:
        """The window that the keyboard belongs to, where that is known."""
        ...

    def linger(self, seconds: float) -> None:
        """Let time pass, as long as the screen is there."""
        ...

    def pause(self) -> None:
        """Give a program the time to follow what the hands have done so far."""
        ...

    def settle(self) -> None:
        """Wait until the screen has come to rest after the action."""
        ...

    def see(self) -> Image:
        """What it shows; the very same object where it shows the same as the last time."""
        ...

    def look(self) -> Look:
        """What its windows say of themselves."""
        ...

    def cut(self) -> None:
        """End, from another thread, whatever waits for this screen."""
        ...

    def close(self) -> None:
        """End it; a second call does nothing."""
        ...


def open_seat(options: DesktopOptions, ownership: Ownership) -> Seat:
    """The screen that `options` ask for, with its program running on it."""
    try:
        if sys.platform in ("win32", "darwin"):
            from env.desktop.elsewhere import Elsewhere

            return Elsewhere(options, ownership)
        from env.desktop.x11 import X11

        return X11(options, ownership)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("Xlib", "mss", "pyautogui"):
            raise
        raise EnvironmentBroken("missing", f"a desktop needs the extra `desktop`: {PIP} ({error})") from error
