"""Pictures of a screen, by mss."""

from __future__ import annotations

import threading
from contextlib import suppress

import mss
import numpy as np
from mss.exception import ScreenShotError

from env.desktop.layout import Layout
from env.environment import EnvironmentBroken
from env.observation import Image, freeze

LOST = (ScreenShotError, AssertionError)
"""What mss raises once its X server is gone; the second where it meant to check itself."""


class Camera:
    """Takes pictures of one display, from any thread: each has an eye of its own, which is kept.

    `display` names an X display; None is the screen of this session.
    """

    def __init__(self, display: str | None, monitor: int = 0) -> None:
        self._display, self._monitor = display, monitor
        self._own = threading.local()
        self._eyes: list[mss.MSS] = []

    @property
    def layout(self) -> Layout:
        """What is seen, and where it lies."""
        try:
            monitors = self._eye().monitors
        except LOST as error:
            raise _blind(error) from error
        if self._monitor >= len(monitors):
            raise EnvironmentBroken(
                "unreachable", f"monitor {self._monitor}: this screen has {len(monitors) - 1}, counted from 1"
            )
        place = monitors[self._monitor]
        height, width = self.shoot().shape[:2]
        return Layout(place["left"], place["top"], place["width"], place["height"], (width, height))

    def shoot(self) -> Image:
        """What is seen now; EnvironmentBroken where nothing can be seen any more."""
        try:
            eye = self._eye()
            shot = eye.grab(eye.monitors[self._monitor])
        except LOST as error:
            raise _blind(error) from error
        pixels = np.frombuffer(shot.raw, np.uint8).reshape(shot.height, shot.width, 4)
        return freeze(pixels[:, :, 2::-1])

    def close(self) -> None:
        """Shut every eye."""
        for eye in self._eyes:
            with suppress(ScreenShotError):  # its server is gone already
                eye.close()
        self._eyes.clear()
        self._own = threading.local()

    def _eye(self) -> mss.MSS:
        eye: mss.MSS | None = vars(self._own).get("eye")
        if eye is None:
            eye = self._own.eye = mss.MSS(display=self._display) if self._display else mss.MSS()
            self._eyes.append(eye)
        return eye


def _blind(error: Exception) -> EnvironmentBroken:
    return EnvironmentBroken("crash", f"the screen cannot be seen: {error or 'its server is gone'}")
