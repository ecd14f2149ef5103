"""Waiting until the programs on an X display have done what they were asked, by their own events."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from Xlib.xobject.drawable import Window

from env.desktop.link import Link
from env.desktop.pulse import Pulse
from env.desktop.windows import Windows

QUIET = 0.04  # seconds in which nothing is drawn once a screen is at rest
REACTION = 0.12  # seconds that a program of which nothing is known has to begin to draw


@dataclass(frozen=True)
class Rest:
    """Waits for the display behind `link`: at most `busy` seconds for a program, `moving` for what it draws."""

    link: Link
    windows: Windows
    busy: float
    moving: float
    processes: Callable[[], Sequence[int]] = tuple
    """All who may draw; none where that may be anybody."""
    _stamps: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def drained(self) -> None:
        """Wait until the programs under the pointer and the keyboard have read all that was sent to them.

        Where they do not say, until they have come to rest as far as can be seen.
        """
        self._still(self.link.draws, self._deaf(()))

    def settle(self, since: int, new: Iterable[Window] = ()) -> None:
        """Wait until nothing is drawn any more, `since` being what had been drawn before the action.

        `new` are windows whose programs are waited for as well.
        """
        self._still(since, self._deaf(new))

    def _still(self, since: int, deaf: bool) -> None:
        """Wait until nothing is drawn any more, and the processes that might draw are at rest.

        Having read an event is not having followed it: one process reads and another one draws. Where the processes
        are not known, a program that does not say what it has read has a moment to begin.
        """
        known = self.processes()
        self._drawn(since, REACTION if deaf and not known else 0)
        start, moving, patience = time.monotonic(), True, self.busy if deaf else self.moving
        while (passed := time.monotonic() - start) < (self.moving if moving else patience):
            before = Pulse.of(known)
            moving = self._drawn(self.link.draws, min(QUIET, max(patience - passed, 0)))
            if not moving and Pulse.of(known).rested(before):
                return

    def _drawn(self, since: int, seconds: float) -> bool:
        return self.link.wait(lambda: self.link.draws != since, seconds)

    def _deaf(self, new: Iterable[Window]) -> bool:
        """Wait until the programs concerned have read their events; whether some of them do not say when.

        A program that does not answer within `busy` seconds is not waited for any longer.
        """
        concerned = self._concerned(new)
        told = [window for window in concerned if self.windows.echoes(window)]
        stamps = set(itertools.islice(self._stamps, len(told)))
        for window, stamp in zip(told, stamps, strict=True):
            self.link.ping(window, stamp)
        self.link.wait(lambda: stamps <= self.link.echoes, self.busy)
        self.link.echoes.clear()
        return len(told) < len(concerned)

    def _concerned(self, new: Iterable[Window]) -> list[Window]:
        windows = (self.windows.active(), self.windows.under(), *new)
        return list({window.id: window for window in windows if window is not None}.values())
