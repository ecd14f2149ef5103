"""The screen of a Windows or macOS session as a seat. Written for these systems, and tried on neither."""

from __future__ import annotations

import os
import time

import pyautogui

from env.desktop.autogui import Autogui
from env.desktop.capture import Camera
from env.desktop.frames import still
from env.desktop.layout import Layout
from env.desktop.options import DesktopOptions
from env.desktop.program import Program
from env.desktop.seat import Look
from env.environment import EnvironmentBroken
from env.observation import Image
from env.process import Ownership

PAUSE = 0.05  # seconds that a program has to follow the hands within an action


class Elsewhere:
    """The whole screen, seen by mss; it has come to rest when two pictures of it are equal."""

    def __init__(self, options: DesktopOptions, ownership: Ownership) -> None:
        if not options.real:
            raise EnvironmentBroken(
                "missing", "private screens exist on X11 alone; real=True takes the one that people look at"
            )
        self.name = ""
        self._options = options
        self._program: Program | None = None
        self._seen: Image | None = None
        self.camera = Camera(None, options.monitor)
        self.layout: Layout = self.camera.layout
        self.hands = Autogui()
        if options.program:
            variables = os.environ | dict(ownership.variables)
            self._program = Program(options.program, options.folder, variables, ownership.folder)

    def begin(self) -> None:
        """EnvironmentBroken where the program is gone."""
        if self._program is not None:
            self._program.check()

    def pointed(self) -> str:
        """Unknown here."""
        return ""

    def focused(self) -> str:
        """The window that is active."""
        title = self._title()
        return f'window "{title}"' if title else ""

    def linger(self, seconds: float) -> None:
        """Let time pass."""
        time.sleep(seconds)

    def pause(self) -> None:
        """Give a program the time to follow."""
        self.linger(PAUSE)

    def settle(self) -> None:
        """EnvironmentBroken where the program has failed; `see` waits for two equal pictures."""
        self.begin()

    def see(self) -> Image:
        """What is shown once two pictures are equal."""
        self._seen = still(self.camera.shoot, self.linger, self._seen, self._options.animation_cap)
        return self._seen

    def look(self) -> Look:
        """The title of the active window, where the system tells."""
        return Look(self._title(), (), self.focused())

    def cut(self) -> None:
        """Nothing here waits without end."""

    def close(self) -> None:
        """End the program; a second call does nothing."""
        if self._program is not None:
            self._program.end()
        self.camera.close()

    def _title(self) -> str:
        title: str | None = pyautogui.getActiveWindowTitle()  # type: ignore[attr-defined]  # not on X11
        return title or ""
