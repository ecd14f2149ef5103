"""Whether this machine has what handeye needs, and what to do where it has not."""

from __future__ import annotations

import platform
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from agent.aim import Fault
from agent.engine import Engine
from agent.policy import PolicyBroken
from agent.probe import PAGE, PageProbe, Probe
from agent.probe import examine as try_out
from agent.site import Site
from env import Browser, BrowserOptions, Desktop, DesktopOptions, EnvironmentBroken, Task
from env.browser.find import find
from env.desktop.find import INSTALL, PIP
from env.reap import Leftovers, leftovers, reap


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at; `remedy` says what to do where it is not `well`."""

    name: str
    well: bool
    detail: str
    remedy: str = ""


def examine(*, click_test: bool = False, real: bool = False) -> Iterator[Finding]:
    """Look at everything in turn; the click test uses private screens, or this session's own where `real` says so."""
    yield _python()
    for name in ("torch", "playwright", "pydantic", "tokenizers", "pillow"):
        yield _package(name, f"pip install {name}")
    yield _package("miniwob", "pip install 'handeye[miniwob]' (only eval and demo need it)")
    browser = _browser()
    yield browser
    x11 = sys.platform not in ("win32", "darwin")
    screen = _screen() if x11 else Finding("desktop", True, "not looked at: the probe window is a program for X11")
    yield screen
    yield _model()
    yield _leftovers()
    if click_test and browser.well:
        yield from clicks()
    if click_test and x11 and (screen.well or real):
        yield from hits(OWN if real else DESKTOPS)


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


def _leftovers() -> Finding:
    found = leftovers()
    detail = f"{_told(found)}; handeye doctor --reap ends them" if found else "none"
    return Finding("leftovers", True, detail)


def clear() -> Finding:
    """End what dead runs have left behind, and say what that was."""
    found = leftovers()
    reap(found)
    return Finding("leftovers", True, f"ended {_told(found)}" if found else "none")


def _told(found: Leftovers) -> str:
    return f"{len(found.processes)} processes and {len(found.folders)} folders of dead runs"


SCREENS: Mapping[str, BrowserOptions] = {
    "page at scale 1": BrowserOptions(size=(560, 280)),
    "page at scale 1.5": BrowserOptions(size=(560, 280), device_scale_factor=1.5),
    "page at scale 2": BrowserOptions(size=(560, 280), device_scale_factor=2.0),
    "page on a phone": BrowserOptions(device="Pixel 7"),
}
"""Where the click test is done."""


def clicks(screens: Mapping[str, BrowserOptions] = SCREENS) -> Iterator[Finding]:
    """Fire the catalogue of actions at a page that says where they arrived."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "probe.html").write_text(PAGE, encoding="utf-8")
        with Site(Path(folder)) as site:
            for name, options in screens.items():
                yield _click(f"{site.origin}/probe.html", name, options)


def _click(url: str, name: str, options: BrowserOptions) -> Finding:
    try:
        with Browser(options) as env:
            env.reset(Task(start=url))
            return aimed(PageProbe(name, env, env, env.size))
    except EnvironmentBroken as error:
        return Finding(name, False, str(error), "see the browser's own finding above")


DESKTOPS: Mapping[str, DesktopOptions] = {
    "window": DesktopOptions(size=(640, 360)),
    "managed window": DesktopOptions(size=(700, 420), window_manager=True),
}
"""Screens that nobody sees, for the click test in a window."""
OWN: Mapping[str, DesktopOptions] = {"window here": DesktopOptions(real=True)}
"""The screen of this session."""


def hits(screens: Mapping[str, DesktopOptions] = DESKTOPS) -> Iterator[Finding]:
    """Fire the catalogue of actions at a window that says where they arrived."""
    for name, options in screens.items():
        try:
            with tempfile.TemporaryDirectory() as folder:
                yield _hit(Path(folder) / "log", name, options)
        except ModuleNotFoundError as error:
            yield Finding(name, False, str(error), PIP)
        except EnvironmentBroken as error:
            yield Finding(name, False, str(error), "see the desktop's own finding above")


def _hit(log: Path, name: str, options: DesktopOptions) -> Finding:
    from agent.window import WindowProbe  # needs the extra
    from env.desktop.probe import program

    with Desktop(replace(options, program=program(log))) as env:
        return aimed(WindowProbe(name, env, log, env.reset(Task()).screenshot))


def aimed(probe: Probe) -> Finding:
    """What the click test found on one screen: the transform that is wrong, or that all are right."""
    found = dict(try_out(probe))
    wrong = {part: one for part, one in found.items() if one.fault}
    if not wrong:
        return Finding(probe.name, True, f"{found['places'].detail}; {', '.join(found)} arrive as they were meant")
    said = "; ".join(f"{part}: {one.fault} ({one.detail})" for part, one in wrong.items())
    return Finding(probe.name, False, said, REMEDIES[next(iter(wrong.values())).fault])


REMEDIES: Mapping[Fault, str] = {
    "": "",
    "lost": "another window or program takes the events: close it, or use a private display",
    "axes": "the screen is turned: set it upright",
    "scale": "screenshots and pointer differ in scale: set the display's scale to 100 %, or tell the options its scale",
    "origin": "the pointer's origin is not the screenshot's: another monitor, or a frame around the page",
    "rounding": "a scale between the two is no whole number: set the display's scale to 100 % or 200 %",
    "layout": "the keyboard layout is not the one that keys are sent for: set it to US",
    "unclear": "report this with the numbers",
}
