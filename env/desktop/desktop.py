"""The desktop as an environment: how it is reset, how a step runs, and how it ends."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import MappingProxyType, TracebackType
from typing import Self

import numpy as np

from actions.action import Action, points
from actions.frame import Frame
from actions.space import ActionSpace
from env.desktop.act import act, check, patience
from env.desktop.input import Failsafe
from env.desktop.options import DesktopOptions
from env.desktop.seat import Seat, open_seat
from env.environment import EnvironmentBroken, Recovery, Task
from env.observation import Evidence, Image, Observation, Receipt, changed, freeze
from env.process import Ownership
from env.recover import told

DEFAULTS = DesktopOptions()
SLACK = 3.0  # seconds beyond the sum of its parts that a whole call may take
OPENING = 45.0  # seconds for a server and its window manager, beside the program
FRESH = "This is a new screen; all windows of the last one, and what was not saved in them, are gone."
AGAIN = "This is the same screen with the program started anew; what was not saved in the one before is gone."


class Desktop:
    """A whole screen to act on: a private X display that nobody sees, unless the options choose a real one.

    It is opened by `reset`, each time anew where it is private, and what it started ends with it, however this process
    ends. A call that hangs ends with `EnvironmentBroken("timeout")`; on a real display a server that hangs while it is
    looked at cannot be interrupted. A real screen is left to its user as soon as the pointer is found in a corner where
    the agent did not put it: `Failsafe`.
    """

    def __init__(self, options: DesktopOptions = DEFAULTS, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.options = options
        self._clock = clock
        self._ownership = Ownership()
        self._seat: Seat | None = None
        self._broken: EnvironmentBroken | None = None
        self._closed = False
        self._late = False
        self._began = 0.0
        self._left: tuple[int, int] | None = None  # where the agent left the pointer
        self._pixels: Image = freeze(np.zeros((1, 1, 3), np.uint8))

    @property
    def space(self) -> ActionSpace:
        """Pointer and keyboard, and what is said to the user."""
        return ActionSpace.desktop()

    @property
    def marker(self) -> str:
        """The name of this object's run, which everything that it starts carries in its environment."""
        return self._ownership.marker

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of every screenshot in pixels."""
        return self._seat.layout.shown if self._seat else self.options.size

    @property
    def display(self) -> str:
        """The X display that is open, such as ":1", for programs of the same user; empty where there is none."""
        return self._seat.name if self._seat else ""

    def reset(self, task: Task) -> Observation:
        """Open the screen with its program, a private one as if nothing had ever been done on it.

        ValueError for a start: the program stands in the options.
        """
        if self._closed:
            raise EnvironmentBroken("closed", "this desktop was closed")
        if task.start:
            raise ValueError(f"start {task.start!r}: a desktop starts the program of its options; leave it empty")
        self._leave()
        return self._enter()

    def step(self, action: Action) -> Observation:
        """Carry out `action`, wait until the screen has settled, and look."""
        seat = self._open()
        self.space.check(action)
        Frame(*self.size, *self.size).check(action)
        with self._within(patience(action, self.options.action_timeout) + self._looking):
            self._ready(seat, action)
            before, started = self._pixels, self._clock()
            target = act(seat, action)
            self._left = seat.hands.pointer()
            acted = self._clock()
            seat.settle()
            times = {"act": acted - started, "settle": self._clock() - acted}
            lay = (Evidence("window", target),) if points(action) else ()
            rest = tuple(Evidence() for _ in points(action)[1:])
            return self._observe(seat, (target, before), times, lay + rest)

    def recover(self) -> Recovery:
        """Go on in the same episode after a crash or a timeout: the screen and its program are opened as by `reset`.

        Nothing else is done again. It takes as long as a reset may.
        """
        if self._closed:
            raise EnvironmentBroken("closed", "this desktop was closed")
        broken, left = self._broken, self._left
        if broken is None or self._seat is None:
            raise EnvironmentBroken("closed", "there is no episode that broke; reset first")
        self._leave()
        self._left = left  # on a real screen the pointer is still there
        return Recovery(self._enter(self._began), told(broken, AGAIN if self.options.visible else FRESH))

    def close(self) -> None:
        """End everything that this object started; a second call does nothing."""
        if self._closed:
            return
        self._closed = True
        try:
            self._leave()
        finally:
            self._ownership.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def _looking(self) -> float:
        return self.options.settle_cap + 2 * self.options.animation_cap + SLACK

    def _open(self) -> Seat:
        if self._closed:
            raise EnvironmentBroken("closed", "this desktop was closed")
        if self._broken is not None:
            known = self._broken
            raise EnvironmentBroken(known.reason, f"{known.message}; reset first", begun=False) from known
        if self._seat is None:
            raise EnvironmentBroken("closed", "no screen is open yet; reset first")
        return self._seat

    def _enter(self, began: float | None = None) -> Observation:
        """Open the screen and look; the episode `began` now, or then."""
        with self._within(OPENING + self.options.start_timeout + self._looking):
            self._seat = open_seat(self.options, self._ownership)
            self._began = self._clock() if began is None else began
            return self._observe(self._seat, None, {})

    def _ready(self, seat: Seat, action: Action) -> None:
        """See that `action` can be done; where the screen breaks here, nothing of it was done."""
        try:
            seat.begin()
            check(seat, action)
            self._yield(seat)
        except EnvironmentBroken as broken:
            raise EnvironmentBroken(broken.reason, broken.message, begun=False) from broken

    def _observe(
        self, seat: Seat, done: tuple[str, Image] | None, times: dict[str, float], evidence: tuple[Evidence, ...] = ()
    ) -> Observation:
        started = self._clock()
        self._pixels = seat.see()
        look = seat.look()
        receipt = None
        if done is not None:
            count, box = changed(done[1], self._pixels)
            receipt = Receipt(target=done[0], pixels_changed=count, changed_box=box, evidence=evidence)
        return Observation(
            screenshot=self._pixels,
            title=look.title,
            tabs=look.windows,
            focus=look.focus,
            time=self._clock() - self._began,
            receipt=receipt,
            timings=MappingProxyType({**times, "capture": self._clock() - started}),
        )

    def _yield(self, seat: Seat) -> None:
        """Leave a real screen to a person who wants it back."""
        if self.options.visible:
            place = seat.hands.pointer()
            if place in seat.layout.corners and place != self._left:
                raise Failsafe(f"the pointer is in the corner {place}, where the agent did not put it")

    def _leave(self) -> None:
        """Close the screen, broken or not, and end what runs on it."""
        seat, self._seat, self._broken, self._left = self._seat, None, None, None
        if seat is not None:
            with suppress(EnvironmentBroken), self._within(SLACK):
                seat.close()
            self._broken = None

    @contextmanager
    def _within(self, seconds: float) -> Iterator[None]:
        """What hangs inside is cut off after so many seconds; then, or where it breaks, this desktop is broken."""
        self._late = False
        timer = threading.Timer(seconds, self._cut)
        timer.daemon = True
        timer.start()
        try:
            yield
        except EnvironmentBroken as broken:
            late = EnvironmentBroken("timeout", f"no answer from the screen within {seconds:g} s", broken.begun)
            self._broken = late if self._late else broken
            if self._late:
                raise late from broken
            raise
        finally:
            timer.cancel()

    def _cut(self) -> None:
        self._late = True
        self._ownership.kill()
        if self._seat is not None:
            self._seat.cut()
