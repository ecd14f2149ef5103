"""Waiting for the next thing that happens, by the page's own events and those of the browser."""

from __future__ import annotations

import asyncio

from playwright.async_api import Error as PlaywrightError

from env.browser import script
from env.browser.episode import Clock, look
from env.browser.session import Session
from env.observation import Observation


async def stir(session: Session, seconds: float, clock: Clock) -> Observation:
    """Look once the current page has moved, or anything else has happened; after `seconds` in any case.

    A page on which a dialog is open stands still, and nothing but another dialog or tab is heard of.
    """
    known = _facts(session)
    moved = None
    if not session.dialogs:
        moved = asyncio.ensure_future(script.evaluate(session.current.cdp, script.source("stir.js"), seconds * 1000))
        moved.add_done_callback(session.bell.ring)
    try:
        await session.bell.until(
            lambda: bool((moved and moved.done()) or session.broken or session.busy() or _facts(session) != known),
            seconds,
        )
    finally:
        if moved:
            moved.cancel()
            await asyncio.gather(moved, return_exceptions=True)
    if session.broken:
        raise session.broken
    if moved and not moved.cancelled() and (error := moved.exception()):
        _expected(error)
    return await look(session, clock)


def _facts(session: Session) -> tuple[object, ...]:
    """What tells, beside the page's own words, that something has happened."""
    return session.navigations, session.asked, len(session.tabs), session.dialog, len(session.downloads.files)


def _expected(error: BaseException) -> None:
    """Raise what is no page that became another one while it was listened to."""
    if not isinstance(error, PlaywrightError | script.ScriptError):
        raise error
