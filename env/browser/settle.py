"""Waiting until a page has come to rest, by its own events and never by a fixed sleep."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Literal

from playwright.async_api import Error as PlaywrightError
from playwright.async_api import Frame

from env.browser import script
from env.browser.session import Session, Tab, gone

Verdict = Literal["still", "quiet", "moving", "loading", "dialog"]

ACTIVITY = """() => [...document.images].every((image) => image.complete)
  ? window[Symbol.for('handeye.quiet')]?.activity ?? null : null"""
STIRS = """() => new Promise((done) => {
  const state = window[Symbol.for('handeye.quiet')];
  if (state) state.heard.add(done);
})"""
GLANCE = 0.05  # seconds for a page to say how much has moved so far
PROBE = 0.25  # seconds in which a page that did not answer before may show that it does again
MARGIN = 0.25  # seconds that a page's script may answer late


async def activity(session: Session) -> script.Json:
    """How much has moved in the current tab so far; None where that cannot be told at a glance, or more is to come."""
    tab = session.current
    if session.busy() or session.dialogs or tab.stalled or len(tab.page.frames) > 1:
        return None
    try:
        async with asyncio.timeout(GLANCE):
            return await script.evaluate(tab.cdp, ACTIVITY)
    except (TimeoutError, PlaywrightError, script.ScriptError):
        return None


async def stirred(session: Session, seconds: float) -> None:
    """Wait until the current tab changes, another is shown, a dialog opens or a file arrives; at most `seconds`.

    A page on which a dialog is open stands still.
    """
    known = _facts(session)
    frames = () if session.dialogs else session.current.page.frames
    works = [asyncio.ensure_future(_stirs(frame)) for frame in frames]
    for work in works:
        work.add_done_callback(lambda _: session.bell.ring())

    def moved() -> bool:
        happened = session.broken or session.busy() or _facts(session) != known
        return bool(happened) or any(work.done() for work in works)

    try:
        await session.bell.until(moved, seconds)
    finally:
        for work in works:
            work.cancel()


def _facts(session: Session) -> tuple[object, ...]:
    """What tells, beside the page's own words, that something has happened."""
    return session.navigations, session.asked, len(session.tabs), session.dialog, len(session.downloads.files)


async def _stirs(frame: Frame) -> None:
    """Return once something of a frame has moved, or it is another document."""
    with suppress(PlaywrightError):
        await frame.evaluate(STIRS)


async def settle(session: Session, since: script.Json = None) -> Verdict:
    """Wait until nothing is on its way and a whole frame has passed in which nothing moved.

    "still" says that nothing has moved since the activity was `since`, so that a picture asked for then is right,
    "moving" that an animation outlived its cap, "loading" that something else did, "dialog" that a dialog
    is open and the page stands still because of it.
    """
    now = asyncio.get_running_loop().time
    end = now() + session.options.settle_cap
    while True:
        await session.bell.until(lambda: bool(session.dialogs or session.broken) or not session.busy(), end - now())
        if session.broken:
            raise session.broken
        if session.dialogs:
            return "dialog"
        if now() >= end:
            session.give_up()
            await _stalls(session.current)
            return "loading"
        tab = session.current
        verdict = await _quiet(session, tab, end - now(), since)
        since = None
        if session.dialogs:
            return "dialog"
        if verdict is not None and tab is session.current and not session.busy():
            return verdict


async def _quiet(session: Session, tab: Tab, seconds: float, since: script.Json) -> Verdict | None:
    """What the frames of `tab` say; None where one of them became another document meanwhile."""
    if tab.stalled and await _stalls(tab):
        return "loading"
    caps = (seconds * 1000, session.options.animation_cap * 1000)
    frames = [frame for frame in tab.page.frames if frame is not tab.page.main_frame]
    try:
        work = asyncio.gather(
            script.evaluate(tab.cdp, script.source("settle.js"), *caps, since),
            *(_inner(frame, caps) for frame in frames),
        )
        verdicts = await session.unless_dialog(_wait(work), seconds + MARGIN)
    except TimeoutError:
        session.give_up()
        tab.stalled = True
        return "loading"
    except (PlaywrightError, script.ScriptError) as error:
        if session.broken or tab.page.is_closed():
            return None
        if isinstance(error, PlaywrightError) and gone(error):
            await session.check()
        return "loading" if seconds < MARGIN else None
    if verdicts is None:
        return "dialog"
    for worst in ("loading", "moving"):
        if worst in verdicts:
            return "loading" if worst == "loading" else "moving"
    return "still" if verdicts == ["still"] else "quiet"


async def _stalls(tab: Tab) -> bool:
    """Note whether `tab` runs no script; a page that is gone or has just become another one does not stall."""
    try:
        tab.stalled = not await script.answers(tab.cdp, PROBE)
    except PlaywrightError:
        tab.stalled = False
    return tab.stalled


async def _wait(work: asyncio.Future[list[script.Json]]) -> list[script.Json]:
    return await work


async def _inner(frame: Frame, caps: tuple[float, float]) -> script.Json:
    """What a frame inside the page says; a frame that is gone is quiet."""
    try:
        async with asyncio.timeout(caps[0] / 1000):
            said = await frame.evaluate(f"(caps) => ({script.source('settle.js')}\n)(...caps)", list(caps))
    except TimeoutError:
        return "loading"
    except PlaywrightError:
        return "quiet"
    return str(said)
