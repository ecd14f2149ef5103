"""A program with one window that fills the screen and writes down every event it gets, as a line of JSON each.

It needs python-xlib and nothing of ours. `handeye doctor --click-test` tells by it where actions arrive.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TypeAlias

from Xlib import XK, X
from Xlib.display import Display
from Xlib.protocol.rq import Event

INKS = (0xFF0080, 0x0080FF)
"""What the two marks are drawn in."""
SIDE = 9  # pixels of a mark, odd so that one is its middle
TITLE = "handeye click test"
CLASS = ("probe", "Probe")

Note: TypeAlias = Mapping[str, int | str]


def program(log: Path) -> tuple[str, ...]:
    """The words that start it; -P keeps modules beside it from being taken for others of their name."""
    return (sys.executable, "-P", __file__, str(log))


class Window:
    """The window. Places are its own pixels, from its upper left corner."""

    def __init__(self, log: Path, title: str = TITLE, protocols: tuple[str, ...] = ("_NET_WM_PING",)) -> None:
        self.log = log.open("a")
        self.display = Display()
        screen = self.display.screen()
        self.size = screen.width_in_pixels, screen.height_in_pixels
        keys, buttons = X.KeyPressMask | X.KeyReleaseMask, X.ButtonPressMask | X.ButtonReleaseMask
        self.window = screen.root.create_window(
            *(0, 0, *self.size, 0, screen.root_depth),
            background_pixel=0xFFFFFF,
            event_mask=keys | buttons | X.PointerMotionMask | X.ExposureMask | X.StructureNotifyMask,
        )
        self._name(title)
        self.window.set_wm_protocols([self.display.intern_atom(name) for name in ("WM_DELETE_WINDOW", *protocols)])
        self.window.map()

    def _name(self, title: str) -> None:
        name, text = self.display.intern_atom("_NET_WM_NAME"), self.display.intern_atom("UTF8_STRING")
        self.window.change_property(name, text, 8, title.encode())
        self.window.set_wm_class(*CLASS)
        state, atom = self.display.intern_atom("_NET_WM_STATE"), self.display.intern_atom("ATOM")
        self.window.change_property(state, atom, 32, [self.display.intern_atom("_NET_WM_STATE_FULLSCREEN")])

    def run(self) -> None:
        """Serve until the window is closed."""
        while True:
            self.serve(self.display.next_event())

    def serve(self, event: Event) -> None:
        """Do what an event asks for, and write it down."""
        match event.type:
            case X.MappingNotify:
                self.display.refresh_keyboard_mapping(event)
            case X.ConfigureNotify:
                self.size = event.width, event.height
            case X.Expose if event.count == 0:
                self.paint()
            case X.KeyPress | X.KeyRelease:
                self.note("press" if event.type == X.KeyPress else "release", event, **self._key(event))
            case X.ButtonPress | X.ButtonRelease:
                self.note("down" if event.type == X.ButtonPress else "up", event, button=event.detail)
            case X.MotionNotify:
                self.note("motion", event)
            case X.ClientMessage:
                self._asked(event)

    def paint(self) -> None:
        """Draw the marks, and write down where their middles are."""
        for ink, part in zip(INKS, (1, 3), strict=True):
            x, y = (side * part // 4 for side in self.size)
            brush = self.window.create_gc(foreground=ink)
            self.window.fill_rectangle(brush, x - SIDE // 2, y - SIDE // 2, SIDE, SIDE)
            self.write({"kind": "mark", "x": x, "y": y, "state": 0, "time": 0})
        self.display.flush()

    def note(self, kind: str, event: Event, **more: int | str) -> None:
        """Write an event down."""
        place = {"x": event.event_x, "y": event.event_y, "state": event.state, "time": event.time}
        self.write({"kind": kind, **place, **more})

    def write(self, line: Note) -> None:
        """Write a line that can be read at once."""
        self.log.write(json.dumps(line) + "\n")
        self.log.flush()

    def _asked(self, event: Event) -> None:
        """Answer a ping, and end where that is asked for."""
        asked = self.display.get_atom_name(event.data[1][0])
        if asked == "_NET_WM_PING":
            root = self.display.screen().root
            event.window = root
            root.send_event(event, event_mask=X.SubstructureNotifyMask | X.SubstructureRedirectMask)
            self.display.flush()
        elif asked == "WM_DELETE_WINDOW":
            sys.exit(0)

    def _key(self, event: Event) -> dict[str, int | str]:
        """The symbol, the code and the text of a key that went down or up."""
        column = 1 if event.state & X.ShiftMask else 0
        symbol = self.display.keycode_to_keysym(event.detail, column) or self.display.keycode_to_keysym(event.detail, 0)
        keypad = self.display.keycode_to_keysym(event.detail, 1)
        if XK.XK_KP_Space <= keypad <= XK.XK_KP_9 and event.state & X.Mod2Mask:
            symbol = keypad
        text = letter(symbol)
        return {"symbol": symbol, "code": event.detail, "text": text.swapcase() if event.state & X.LockMask else text}


def letter(symbol: int) -> str:
    """The text of a key's symbol; empty for a key that writes nothing."""
    if 0x20 <= symbol <= 0xFF:
        return chr(symbol)
    if symbol >> 24 == 1:
        return chr(symbol & 0xFFFFFF)
    return {XK.XK_Return: "\n", XK.XK_Tab: "\t"}.get(symbol, "")


def main() -> None:
    """Open the window."""
    options = argparse.ArgumentParser()
    options.add_argument("log", type=Path)
    Window(options.parse_args().log).run()


if __name__ == "__main__":
    main()
