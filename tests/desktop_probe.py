"""A real X client for the desktop's tests: a window that writes down every event it gets, and draws where it is hit.

Run as a program: desktop_probe.py LOG [--deaf] [--slow SECONDS] [--title TITLE]. With --deaf it answers no ping.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

MARK = 10  # pixels of a side of what it draws around a click


def program(log: Path, *more: str) -> tuple[str, ...]:
    """The words that start it."""
    return (sys.executable, __file__, str(log), *more)


def events(log: Path) -> list[dict[str, int | str]]:
    """What it has got so far."""
    return [json.loads(line) for line in log.read_text().splitlines()]


def typed(log: Path) -> str:
    """The text that its keys made."""
    return "".join(str(event["text"]) for event in events(log) if event["kind"] == "press")


class Probe:
    """The window."""

    def __init__(self, log: Path, title: str, *, deaf: bool, slow: float) -> None:
        from Xlib import X
        from Xlib.display import Display

        self.log, self.slow = log.open("a"), slow
        self.display = Display()
        screen = self.display.screen()
        mask = (
            X.KeyPressMask
            | X.KeyReleaseMask
            | X.ButtonPressMask
            | X.ButtonReleaseMask
            | X.PointerMotionMask
            | X.ExposureMask
        )
        self.window = screen.root.create_window(
            0, 0, screen.width_in_pixels, screen.height_in_pixels, 0, 0, background_pixel=0xFFFFFF, event_mask=mask
        )
        self.ink = self.window.create_gc(foreground=0xFF0000)
        name, text = self.display.intern_atom("_NET_WM_NAME"), self.display.intern_atom("UTF8_STRING")
        self.window.change_property(name, text, 8, title.encode())
        self.window.set_wm_class("probe", "Probe")
        self.ping = self.display.intern_atom("_NET_WM_PING")
        self.closing = self.display.intern_atom("WM_DELETE_WINDOW")
        self.window.set_wm_protocols([self.closing] if deaf else [self.closing, self.ping])
        self.window.map()

    def run(self) -> None:
        """Serve until the window is closed."""
        while True:
            event = self.display.next_event()
            time.sleep(self.slow)
            self.serve(event)

    def serve(self, event: object) -> None:
        from Xlib import X

        match event.type:
            case X.MappingNotify:
                self.display.refresh_keyboard_mapping(event)
            case X.KeyPress | X.KeyRelease:
                kind = "press" if event.type == X.KeyPress else "release"
                self.note(kind, event, **self.key(event))
            case X.ButtonPress | X.ButtonRelease:
                if event.type == X.ButtonPress:
                    x, y = event.event_x - MARK // 2, event.event_y - MARK // 2
                    self.window.fill_rectangle(self.ink, x, y, MARK, MARK)
                kind = "down" if event.type == X.ButtonPress else "up"
                self.note(kind, event, button=event.detail)
            case X.MotionNotify:
                self.note("motion", event)
            case X.ClientMessage if event.data[1][0] == self.ping:
                root = self.display.screen().root
                event.window = root
                root.send_event(event, event_mask=X.SubstructureNotifyMask | X.SubstructureRedirectMask)
                self.display.flush()
            case X.ClientMessage if event.data[1][0] == self.closing:
                sys.exit(0)

    def key(self, event: object) -> dict[str, int | str]:
        from Xlib import XK, X

        column = 1 if event.state & X.ShiftMask else 0
        symbol = self.display.keycode_to_keysym(event.detail, column) or self.display.keycode_to_keysym(event.detail, 0)
        keypad = self.display.keycode_to_keysym(event.detail, 1)
        if XK.XK_KP_Space <= keypad <= XK.XK_KP_9 and event.state & X.Mod2Mask:
            symbol = keypad
        text = ""
        if 0x20 <= symbol <= 0xFF:
            text = chr(symbol)
        elif symbol >> 24 == 1:
            text = chr(symbol & 0xFFFFFF)
        elif symbol in (XK.XK_Return, XK.XK_Tab):
            text = "\n" if symbol == XK.XK_Return else "\t"
        if event.state & X.LockMask:
            text = text.swapcase()
        return {"symbol": symbol, "code": event.detail, "text": text}

    def note(self, kind: str, event: object, **more: int | str) -> None:
        place = {"x": event.root_x, "y": event.root_y, "state": event.state, "time": event.time}
        self.log.write(json.dumps({"kind": kind, **place, **more}) + "\n")
        self.log.flush()


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("log", type=Path)
    options.add_argument("--deaf", action="store_true")
    options.add_argument("--slow", type=float, default=0)
    options.add_argument("--title", default="probe")
    given = options.parse_args()
    Probe(given.log, given.title, deaf=given.deaf, slow=given.slow).run()


if __name__ == "__main__":
    main()
