"""A desktop on which a person acts, and we look on."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace

from env.deed import Deed
from env.desktop.desktop import DEFAULTS, Desktop
from env.desktop.eavesdrop import Eavesdropper
from env.desktop.options import DesktopOptions
from env.environment import EnvironmentBroken, Task
from env.heard import Field, Heard, Pressed, Seen, Turned
from env.observation import Observation
from env.onlook import Mark, Onlooker
from env.secrets import NONE, Secrets


class AttendedDesktop(Desktop):
    """An X display of a person's own, or a private one; what they do on it is told as deeds.

    Nobody can tell there which field is a password's: what is typed is kept, whatever it is.
    """

    def __init__(self, options: DesktopOptions = DEFAULTS, *, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(options, clock=clock)
        self._ears: Eavesdropper | None = None
        self._onlooker: Onlooker | None = None

    def reset(self, task: Task) -> Observation:
        """Open the screen with its program, from where on the person acts."""
        self._deafen()
        first = super().reset(task)
        seat = self._open()
        self._ears = Eavesdropper(seat.name, seat.layout)
        self._onlooker = Onlooker(self, first, self._clock)
        return first

    def deed(self, seconds: float) -> Deed | None:
        """The next deed; None where `seconds` pass without one. An open one may come again, as it is by then."""
        return self._looking_on().deed(seconds)

    def last(self) -> Deed | None:
        """The deed that was still open, ended."""
        return self._looking_on().last(alive=not self.ended)

    def pause(self, *, on: bool) -> None:
        """Hear nothing from here on, or hear again."""
        self._looking_on().pause(on=on)

    @property
    def rested(self) -> bool:
        """Whether the screen was seen at rest after all that was done."""
        return not self._hearing().wait(0) and self._looking_on().rested

    @property
    def ended(self) -> bool:
        """Whether the screen is gone."""
        return self._ears is not None and (self._ears.ended or self._broken is not None)

    @property
    def secrets(self) -> Secrets:
        """None: nobody can tell them."""
        return NONE

    @property
    def bound(self) -> Mapping[str, tuple[str, ...]]:
        """None."""
        return {}

    @property
    def arrived(self) -> int:
        """How much has been done so far, whether or not it has been taken."""
        return self._hearing().arrived

    def take(self) -> Heard | None:
        """The next that was done, with the window that it was done to; None where there is nothing new."""
        heard = self._hearing().take()
        if isinstance(heard, Pressed | Turned):
            return replace(heard, seen=Seen(self._open().pointed()))
        return heard

    def wait(self, seconds: float) -> bool:
        """Wait until there is something to take, or the screen is gone."""
        return self._hearing().wait(seconds)

    def look(self) -> Observation:
        """What it shows once it has come to rest."""
        seat = self._open()
        with self._within(self._looking + self.options.action_timeout):
            seat.begin()
            seat.settle()
            return self._observe(seat, None, {})

    def mark(self) -> Mark:
        """Where it stands: screens have no pages, and take no files."""
        return Mark()

    def name(self, field: Field) -> str:
        """Never asked for: no field is known to be a secret."""
        raise AssertionError(f"{field} on a desktop")

    def close(self) -> None:
        """Stop hearing, and end everything that this object started."""
        self._deafen()
        super().close()

    def _hearing(self) -> Eavesdropper:
        if self._ears is None:
            raise EnvironmentBroken("closed", "no screen is open yet; reset first")
        return self._ears

    def _looking_on(self) -> Onlooker:
        if self._onlooker is None:
            raise EnvironmentBroken("closed", "no screen is open yet; reset first")
        return self._onlooker

    def _deafen(self) -> None:
        ears, self._ears = self._ears, None
        if ears is not None:
            ears.close()
