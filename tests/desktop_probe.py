"""The probe window for the desktop's tests: it draws where it is hit, and can be slow, deaf and of any name.

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


def main() -> None:
    from Xlib import X

    from env.desktop.probe import Window

    options = argparse.ArgumentParser()
    options.add_argument("log", type=Path)
    options.add_argument("--deaf", action="store_true")
    options.add_argument("--slow", type=float, default=0)
    options.add_argument("--title", default="probe")
    given = options.parse_args()

    class Probe(Window):
        def serve(self, event: object) -> None:
            time.sleep(given.slow)
            if event.type == X.ButtonPress:
                ink = self.window.create_gc(foreground=0xFF0000)
                self.window.fill_rectangle(ink, event.event_x - MARK // 2, event.event_y - MARK // 2, MARK, MARK)
            super().serve(event)

        def paint(self) -> None:
            """Stay white."""

    Probe(given.log, given.title, () if given.deaf else ("_NET_WM_PING",)).run()


if __name__ == "__main__":
    main()
