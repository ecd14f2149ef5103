"""Long reports of real pages: how large they are, and how soon they answer a key."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from agent_runs import keep
from report_pages import Page
from report_site import SHOP, SIZE, stroll

from agent.limits import Limits
from agent.reader import Run, read_run
from agent.schema import EnvironmentEntry
from agent.view import render, write_report
from env import Browser, BrowserOptions, Task

MOST = 25_000_000
SECONDS = 2.0
FIRST = """new Promise((told) => new PerformanceObserver((list) => told(list.getEntries()[0].processingEnd))
  .observe({ type: 'first-input', buffered: true }))"""
"""Milliseconds from the navigation to the end of the first key press that was handled."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with Browser(BrowserOptions(size=SIZE)) as env:
        yield env


def walk(env: Browser, folder: Path, steps: int) -> Run:
    """A recorded walk of so many steps through the shop."""
    shop = folder / "shop.html"
    shop.write_text(SHOP)
    entry = EnvironmentEntry(kind="browser", width=SIZE[0], height=SIZE[1])
    task = Task("walk about", start=shop.as_uri())
    keep(folder, stroll(steps - 1), env=env, task=task, entry=entry, limits=Limits(steps=None, seconds=None))
    return read_run(folder)


@pytest.fixture(scope="module")
def short(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Run:
    with Browser(BrowserOptions(size=SIZE)) as env:
        return walk(env, tmp_path_factory.mktemp("short"), 8)


def soon(env: Browser, report: Path, steps: int) -> None:
    """The report answers its first key in time, and every step of it can be looked at."""
    page = Page(env)
    start = time.perf_counter()
    page.open(report)
    page.press("j")
    spent = time.perf_counter() - start
    first = page.ask(FIRST)
    assert isinstance(first, int | float)
    print(f"{report.stat().st_size / 1e6:.1f} MB; first key answered {first:.0f} ms after navigation; {spent:.2f} s")
    assert page.here() == "step-2"
    assert first < 1000 * SECONDS
    page.press("End")
    page.drawn()
    assert page.here() == f"step-{steps}"


def test_two_hundred_steps_answer_the_first_key_in_time(browser: Browser, short: Run, tmp_path: Path) -> None:
    lines = tuple(short.lines[n % len(short.lines)].model_copy(update={"index": n + 1}) for n in range(200))
    report = write_report([replace(short, lines=lines)], tmp_path / "long.html")
    assert report.stat().st_size < 6_000_000  # eight steps' pictures, and two hundred steps' words
    soon(browser, report, 200)


def test_a_page_within_its_budget_keeps_every_pixel(browser: Browser, short: Run, tmp_path: Path) -> None:
    page = Page(browser).open(write_report([short], tmp_path / "exact.html"), "step-2")
    line = short.lines[1]
    assert line.after
    for name, look in (("before", line.before), ("after", line.after)):
        assert np.array_equal(page.picture(name), short.screen(look.screen)), name
    assert "are compressed" not in page.seen()


def test_a_page_over_its_budget_says_that_its_pictures_are_not_exact(
    browser: Browser, short: Run, tmp_path: Path
) -> None:
    path = tmp_path / "small.html"
    path.write_text(render([short], budget=800_000))
    assert path.stat().st_size < 900_000
    page = Page(browser).open(path, "step-2")
    assert "The pictures are compressed (WebP, quality" in page.seen()
    near = np.abs(page.picture("before").astype(int) - short.screen(short.lines[1].before.screen))
    assert 0 < near.mean() < 5
    page.press("d")  # what compression did is no difference
    page.drawn()
    said = str(page.ask("document.querySelector('#step-2 output').textContent"))
    receipt = short.lines[1].receipt
    assert receipt
    assert 0 < int(said.split()[0]) <= receipt.pixels_changed
    page.press("d")


@pytest.mark.slow
def test_a_report_of_two_hundred_changing_pages_is_small_and_soon_there(browser: Browser, tmp_path: Path) -> None:
    with Browser(BrowserOptions(size=SIZE)) as env:
        run = walk(env, tmp_path, 200)
    assert len({line.before.screen for line in run.lines}) > 150
    start = time.perf_counter()
    report = write_report([run])
    pictures = len(list((tmp_path / "blobs").iterdir()))
    print(f"{len(run.lines)} steps, {pictures} pictures, written in {time.perf_counter() - start:.1f} s")
    assert report.stat().st_size < MOST
    soon(browser, report, 200)
