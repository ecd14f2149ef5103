"""Whether this machine has what handeye needs, and what to do where it has not."""

from __future__ import annotations

import platform
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from actions import Click, Point
from agent.engine import Engine
from agent.policy import PolicyBroken
from agent.site import Site
from env import Browser, BrowserOptions, Desktop, DesktopOptions, EnvironmentBroken, Task
from env.browser.find import find
from env.desktop.find import INSTALL, PIP

PAGE = """<!doctype html><title>click test</title><style>html{height:100%;cursor:crosshair}</style>
<script>hits = []; addEventListener('mousedown', e => hits.push([e.clientX, e.clientY]), true)</script>"""


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at; `remedy` says what to do where it is not `well`."""

    name: str
    well: bool
    detail: str
    remedy: str = ""


def examine(*, click_test: bool = False) -> Iterator[Finding]:
    """Look at everything in turn."""
    yield _python()
    for name in ("torch", "playwright", "pydantic", "tokenizers", "pillow"):
        yield _package(name, f"pip install {name}")
    yield _package("miniwob", "pip install 'handeye[miniwob]' (only eval and demo need it)")
    browser = _browser()
    yield browser
    if sys.platform not in ("win32", "darwin"):
        yield _screen()
    yield _model()
    if click_test and browser.well:
        yield from _clicks()


def _python() -> Finding:
    well = sys.version_info >= (3, 11)
    return Finding("python", well, platform.python_version(), "handeye needs Python 3.11 or newer")


def _package(name: str, remedy: str) -> Finding:
    try:
        return Finding(name, True, version(name))
    except PackageNotFoundError:
        return Finding(name, False, "not installed", remedy)


def _browser() -> Finding:
    try:
        with Browser(BrowserOptions(size=(64, 64))) as env:
            env.reset(Task())
            version = str(env.evaluate("navigator.userAgent.match(/Chrome.[0-9.]+/)?.[0] ?? navigator.userAgent"))
    except EnvironmentBroken as error:
        return Finding("browser", False, error.message, "python -m playwright install --with-deps chromium")
    return Finding("browser", True, f"{version} at {find() or 'the place where Playwright put it'}")


def _screen() -> Finding:
    try:
        with Desktop(DesktopOptions(size=(64, 64), window_manager=True)) as env:
            env.reset(Task())
            seen = f"a private screen on {env.display}"
    except EnvironmentBroken as error:
        return Finding("desktop", False, error.message, f"{PIP}; {INSTALL} (only programs on a desktop need it)")
    return Finding("desktop", True, seen)


def _model() -> Finding:
    try:
        model = Engine().model
    except PolicyBroken as error:
        return Finding("built-in model", False, str(error), "the package is incomplete: install it again")
    count = sum(parameter.numel() for parameter in model.network.parameters())
    return Finding("built-in model", True, f"{count / 1e6:.1f} M parameters, sha256 {model.hash[:12]}")


def _clicks() -> Iterator[Finding]:
    """Click known pixels of a page that says where it was hit, at two device scales."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "probe.html").write_text(PAGE)
        with Site(Path(folder)) as site:
            for scale in (1.0, 2.0):
                yield _click(f"{site.origin}/probe.html", scale)


def _click(url: str, scale: float) -> Finding:
    name = f"clicks at scale {scale:g}"
    wanted = [(int(x * scale), int(y * scale)) for x, y in ((0, 0), (1, 1), (160, 104), (559, 279))]
    try:
        with Browser(BrowserOptions(size=(560, 280), device_scale_factor=scale)) as env:
            env.reset(Task(start=url))
            for x, y in wanted:
                env.step(Click(at=Point(x=x, y=y)))
            hits = env.evaluate("hits")
    except EnvironmentBroken as error:
        return Finding(name, False, str(error), "see the browser's own finding above")
    expected = [[int(x / scale), int(y / scale)] for x, y in wanted]
    if hits == expected:
        return Finding(name, True, f"{len(wanted)} of {len(wanted)} on the exact pixel")
    return Finding(name, False, f"clicked {expected}, the page was hit at {hits}", "report this with the numbers")
