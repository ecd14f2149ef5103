"""Who is timed: the floor, our own step, and what both are timed by."""

from __future__ import annotations

import base64
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median
from typing import Protocol

from playwright.sync_api import CDPSession, Page, sync_playwright

from actions import Click, Point
from env.bench.pages import PLACE
from env.browser import Browser, BrowserOptions
from env.browser.find import find
from env.browser.launch import FLAGS
from env.environment import Task

SIZE = BrowserOptions().size


class Contender(Protocol):
    """Something that does one step again and again: a click, and a look at what came of it."""

    def open(self, url: str) -> None:
        """Begin on this page."""
        ...

    def step(self) -> float:
        """Do a step; the seconds it took."""
        ...


@dataclass(frozen=True)
class Floor:
    """A click and a screenshot by the browser's protocol, and nothing else: no step can take less."""

    page: Page
    cdp: CDPSession

    def open(self, url: str) -> None:
        """Begin on this page."""
        self.page.goto(url)

    def step(self) -> float:
        """Click, and fetch the picture; it is not even decoded."""
        started = time.perf_counter()
        self.page.mouse.click(*PLACE)
        answer = self.cdp.send("Page.captureScreenshot", {"format": "png", "optimizeForSpeed": True})
        base64.b64decode(answer["data"])
        return time.perf_counter() - started


@dataclass(frozen=True)
class Ours:
    """A step of ours, with everything that is in an observation."""

    env: Browser

    def open(self, url: str) -> None:
        """Begin on this page."""
        self.env.reset(Task(start=url))

    def step(self) -> float:
        """Click, settle and look."""
        started = time.perf_counter()
        self.env.step(Click(at=Point(x=PLACE[0], y=PLACE[1])))
        return time.perf_counter() - started


@contextmanager
def floor() -> Iterator[Floor]:
    """The floor, in a browser of its own."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=find(), args=list(FLAGS), chromium_sandbox=os.geteuid() != 0
        )
        try:
            page = browser.new_page(viewport={"width": SIZE[0], "height": SIZE[1]})
            yield Floor(page, page.context.new_cdp_session(page))
        finally:
            browser.close()


@contextmanager
def ours() -> Iterator[Ours]:
    """Our own browser."""
    with Browser() as env:
        yield Ours(env)


@dataclass(frozen=True)
class Timing:
    """What the steps of one contender took on one page, in milliseconds."""

    page: str
    name: str
    median: float
    least: float
    steps: int


WARM = 3  # steps before those that count


def contest(contenders: Mapping[str, Contender], page: str, url: str, steps: int) -> list[Timing]:
    """Let all do a step in turn, so often, and so under the same conditions."""
    took: dict[str, list[float]] = {name: [] for name in contenders}
    for contender in contenders.values():
        contender.open(url)
    for number in range(WARM + steps):
        for name, contender in contenders.items():
            seconds = contender.step()
            if number >= WARM:
                took[name].append(seconds * 1000)
    return [Timing(page, name, median(times), min(times), len(times)) for name, times in took.items()]


def ratios(timings: Sequence[Timing], one: str, other: str) -> list[float]:
    """How many times longer the median step of `one` takes than that of `other`, page by page."""
    by = {(timing.page, timing.name): timing.median for timing in timings}
    return [by[page, one] / by[page, other] for page in dict.fromkeys(timing.page for timing in timings)]
