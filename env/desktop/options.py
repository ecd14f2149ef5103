"""Which screen a desktop is, what runs on it, and how long it may take."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

LARGEST = 16384  # pixels of a side that Xvfb still opens


@dataclass(frozen=True)
class DesktopOptions:
    """Sizes are pixels, times are seconds.

    Without `display` and `real` the screen is a private one that nobody sees: its pointer and keyboard are its own.
    """

    size: tuple[int, int] = (1288, 728)
    """Of a private screen; a real one has a size of its own."""
    program: tuple[str, ...] = ()
    """What `reset` starts, with its arguments; empty for a screen with nothing on it. No shell reads it."""
    folder: Path | None = None
    """Where the program starts; None for the current one."""
    window_manager: bool = False
    """Whether a private screen has one (jwm): title bars, and a focus that a click moves."""
    nested: bool = False
    """Whether a private screen is shown in a window of this session (Xephyr), for a person to act on."""
    display: str = ""
    """An X display such as ":0", which is then seen and acted on in front of whoever uses it."""
    real: bool = False
    """Whether to see and act on the screen of this session, in front of whoever uses it."""
    monitor: int = 0
    """Of a real screen: 0 is all monitors together, 1 the first."""
    start_timeout: float = 30.0
    """How long the program may take to open its window."""
    action_timeout: float = 10.0
    """How long one action or one capture may hang before the screen is given up."""
    settle_cap: float = 3.0
    """How long a program may be busy with an action before it is looked at all the same."""
    animation_cap: float = 1.0
    """How long the screen may go on moving before it is looked at all the same."""

    def __post_init__(self) -> None:
        if not all(1 <= side <= LARGEST for side in self.size):
            raise ValueError(f"size {self.size}: each side takes 1 to {LARGEST} pixels")
        if self.visible and self.window_manager:
            raise ValueError("window_manager: a real screen has one of its own; leave it False")
        if self.visible and self.nested:
            raise ValueError("nested: only a private screen can be shown in a window; leave out display and real")
        if self.display and self.real:
            raise ValueError(f"display {self.display!r} and real: give one of them")
        if self.monitor < 0 or (self.monitor and not self.visible):
            raise ValueError(f"monitor {self.monitor}: only a real screen has some, counted from 1; 0 is all of it")

    @property
    def visible(self) -> bool:
        """Whether it is a screen that somebody may be looking at."""
        return self.real or bool(self.display)
