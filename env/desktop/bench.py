"""What a step costs on a window that stays as it is, beside a bare click and picture: python -m env.desktop.bench."""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median

from actions.action import Click, Key, Point
from env.desktop.capture import Camera
from env.desktop.desktop import Desktop
from env.desktop.keymap import Keymap
from env.desktop.link import Link
from env.desktop.options import DesktopOptions
from env.desktop.xtest import XTest
from env.environment import Task

ROUNDS = 60
PROGRAM = ("xterm", "-fa", "Mono", "-geometry", "120x40", "-e", "sleep 600")


def main() -> None:
    """Print the medians in milliseconds, the least in brackets."""
    with Desktop(DesktopOptions(program=PROGRAM)) as env:
        env.reset(Task())
        at = Point(x=300, y=200)
        for _ in range(3):
            env.step(Click(at=at))
        timings = [env.step(Click(at=at)).timings for _ in range(ROUNDS)]
        whole = [sum(parts.values()) for parts in timings]
        print(f"{'a step: click on a static window':40} {_said(whole)}")
        for part in ("act", "settle", "capture"):
            print(f"  {part:38} {_said([parts[part] for parts in timings])}")
        typed = [sum(env.step(Key(keys=("a",))).timings.values()) for _ in range(ROUNDS)]
        print(f"{'a step: a key that a terminal echoes':40} {_said(typed)}")
        print(f"{'bare click and picture':40} {_said(_bare(env.display))}")


def _bare(display: str) -> list[float]:
    """The same click and picture without waiting, receipts or windows."""
    link, camera = Link(display), Camera(display)
    hands = XTest(link, Keymap(link, ours=False), lambda: None)

    def click() -> None:
        hands.move(300, 200)
        hands.press("left")
        hands.release("left")
        camera.shoot()

    try:
        return [_timed(click) for _ in range(ROUNDS)]
    finally:
        camera.close()
        link.close()


def _timed(work: Callable[[], None]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _said(seconds: list[float]) -> str:
    return f"{median(seconds) * 1000:6.1f} ({min(seconds) * 1000:.1f}) ms"


if __name__ == "__main__":
    main()
