"""An X display as a seat: a private one with a server of its own, or one that is there already."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
from Xlib.xobject.drawable import Window

from env.desktop.capture import Camera
from env.desktop.find import INSTALL, find
from env.desktop.frames import still
from env.desktop.keymap import Keymap
from env.desktop.layout import Layout
from env.desktop.link import Link
from env.desktop.options import DesktopOptions
from env.desktop.program import Program
from env.desktop.seat import Look
from env.desktop.server import Server
from env.desktop.settle import Rest
from env.desktop.windows import Windows
from env.desktop.xtest import XTest
from env.environment import EnvironmentBroken
from env.observation import Image
from env.process import Ownership

MANAGER = Path(__file__).with_name("jwm.xml")
MANAGED = 10.0  # seconds in which the window manager has to say that it is there
PAUSE = 0.3  # seconds at most that a program is waited for within an action
TRIES = 3  # pictures of a screen that is drawn on while it is looked at


class X11:
    """One X display with the program of `options` on it."""

    def __init__(self, options: DesktopOptions, ownership: Ownership) -> None:
        self._options, self._ownership = options, ownership
        self._open = ExitStack()
        self._server: Server | None = None
        self._program: Program | None = None
        self._manager: Program | None = None
        self._since, self._drawn = 0, -1
        self._seen: Image | None = None
        try:
            self._begin()
        except BaseException:
            self.close()
            raise

    def _begin(self) -> None:
        options = self._options
        self._open.callback(self._ownership.kill)  # the last thing to be done, for what has left its group
        if not options.visible:
            self._server = Server(options.size, self._ownership, nested=options.nested)
            self._open.callback(self._server.close)
        self.name = self._server.display if self._server else options.display or os.environ.get("DISPLAY", "")
        if not self.name:
            raise EnvironmentBroken("missing", "this session has no X display: DISPLAY is not set")
        self._link = Link(self.name)
        self._open.callback(self._link.close)
        self.camera = Camera(self.name, options.monitor)
        self._open.callback(self.camera.close)
        if self._link.display.has_extension("XWAYLAND"):
            raise EnvironmentBroken(
                "missing", "this session runs Wayland, which lets nobody see or type for others; log in with X11"
            )
        self.windows = Windows(self._link)
        self.rest = Rest(self._link, self.windows, options.settle_cap, options.animation_cap, self._processes)
        self.hands = XTest(self._link, Keymap(self._link, ours=self._server is not None), self.rest.drained)
        if options.visible:
            self._open.callback(self._let_go)
        self.layout: Layout = self.camera.layout
        if options.window_manager:
            self._manage()
        if options.program:
            self._launch()

    def begin(self) -> None:
        """Take note of what has been drawn so far; EnvironmentBroken where the server or the program is gone."""
        if self._program is not None:
            self._program.check()
        self._link.sync()
        self._since = self._link.draws

    def pointed(self) -> str:
        """The window that the pointer is in."""
        return self.windows.describe(self.windows.under())

    def focused(self) -> str:
        """The window that the keyboard belongs to."""
        return self.windows.describe(self.windows.active())

    def linger(self, seconds: float) -> None:
        """Let time pass, as long as the server is there."""
        self._link.wait(lambda: False, seconds)

    def pause(self) -> None:
        """Wait until what the hands have done so far was read."""
        replace(self.rest, busy=PAUSE, moving=PAUSE).drained()

    def settle(self) -> None:
        """Wait until the programs concerned have read their events and nothing is drawn any more."""
        self.rest.settle(self._since)
        if self._program is not None:
            self._program.check()

    def see(self) -> Image:
        """What is shown. A private server tells of everything that is drawn, others by two equal pictures alone."""
        if self._server is None or not self._link.watches:
            self._seen = still(self.camera.shoot, self.linger, self._seen, self._options.animation_cap)
            return self._seen
        for _ in range(TRIES):
            self._link.sync()
            if self._seen is not None and self._drawn == self._link.draws:
                break
            self._drawn, shot = self._link.draws, self.camera.shoot()
            if self._seen is None or not np.array_equal(shot, self._seen):
                self._seen = shot
        assert self._seen is not None
        return self._seen

    def look(self) -> Look:
        """What the windows say of themselves."""
        active = self.windows.active()
        return Look(self.windows.title(active), self.windows.names(), self.windows.describe(active))

    def cut(self) -> None:
        """End whatever waits for the server: where it is ours, with the server."""
        self._link.cut()

    def close(self) -> None:
        """Let every key go and end what was started here, the server last."""
        self._open.close()

    def _manage(self) -> None:
        path, server = find("jwm"), self._server
        if path is None:
            raise EnvironmentBroken("missing", f"a window manager needs jwm: {INSTALL}")
        assert server is not None, "options refuse a window manager on a screen that has one"
        self._manager = manager = Program(
            (str(path), "-f", str(MANAGER)), None, server.variables, self._ownership.folder
        )
        self._open.callback(manager.end)
        owner = self._link.atom("_NET_SUPPORTING_WM_CHECK")

        def there() -> bool:
            manager.check()
            return self._link.root.get_property(owner, 0, 0, 1) is not None

        if not self._link.wait(there, MANAGED):
            raise EnvironmentBroken("timeout", f"jwm did not take the screen over within {MANAGED:g} s")

    def _launch(self) -> None:
        """Start the program and wait for its window; then until it is drawn."""
        options = self._options
        before = {window.id for window in self.windows.all()}
        variables = self._server.variables if self._server else self._around()
        self._program = program = Program(options.program, options.folder, variables, self._ownership.folder)
        self._open.callback(program.end)

        opened: list[Window] = []

        def there() -> bool:
            program.check()
            opened[:] = [window for window in self.windows.all() if window.id not in before]
            return bool(opened)

        if not self._link.wait(there, options.start_timeout):
            raise EnvironmentBroken(
                "unreachable", f"the program {program.name} opened no window within {options.start_timeout:g} s"
            )
        self.rest.settle(self._link.draws, opened)

    def _around(self) -> dict[str, str]:
        """The environment of a program on a display that is there already."""
        chosen = {"DISPLAY": self._options.display} if self._options.display else {}
        return os.environ | chosen | dict(self._ownership.variables)

    def _processes(self) -> Sequence[int]:
        """Who brings an action on a private display about, as long as our program runs: it, the server, a manager."""
        if self._server is None or self._program is None or not self._program.process:
            return ()
        found = (self._program.process, self._manager.process if self._manager else None, self._server.process)
        return [process for process in found if process is not None]

    def _let_go(self) -> None:
        with suppress(EnvironmentBroken):  # the server is gone, and its keys with it
            self.hands.close()
