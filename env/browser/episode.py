"""The steps of one episode: act, settle, look, and say what changed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import MappingProxyType

from playwright.async_api import Error as PlaywrightError
from playwright.async_api import TimeoutError as PlaywrightTimeout

from actions.action import Action
from env.browser import capture, element, veil
from env.browser.act import act, answer, patience
from env.browser.navigate import BLANK, NO_PAGE, reason
from env.browser.session import Session, Tab, gone
from env.browser.settle import settle
from env.environment import EnvironmentBroken
from env.observation import Box, Observation, Receipt, changed, freeze

Clock = Callable[[], float]

TRIES = 3  # looks at a page that becomes another one while it is looked at


def deadline(session: Session, action: Action) -> float:
    """How many seconds acting may take, with a navigation in it."""
    return patience(action, session.options.action_timeout) + session.options.load_timeout


async def begin(session: Session, start: str, clock: Clock) -> Observation:
    """Open the first page and look; EnvironmentBroken("unreachable") where it cannot be opened."""
    session.began = clock()
    await session.open()
    if start != BLANK:
        work = asyncio.ensure_future(_load(session, start))
        if await session.race(work, session.options.load_timeout * 2):
            work.result()
        else:
            session.unfinished = work
    return await look(session, clock)


async def _load(session: Session, url: str) -> None:
    page, patient = session.current.page, session.options.load_timeout * 1000
    try:
        await page.goto(url, wait_until="commit", timeout=patient)
    except PlaywrightError as error:
        if session.broken:
            raise
        late = isinstance(error, PlaywrightTimeout)
        why = f"no answer within {patient / 1000:g} s" if late else reason(error)
        if session.refused and why == NO_PAGE:
            why = f"it leads to {session.refused[-1]}, which is not among the origins that may be spoken to"
        raise EnvironmentBroken("unreachable", f"{url}: {why}") from error
    try:
        await page.wait_for_load_state("load", timeout=patient)
    except PlaywrightTimeout:
        session.give_up()  # it is there, if not complete


async def look(session: Session, clock: Clock) -> Observation:
    """Settle and see."""
    started = clock()
    settled = await _see(session, clock)
    return _observation(session, clock, {"settle": settled - started, "capture": clock() - settled}, None)


async def step(session: Session, action: Action, clock: Clock) -> Observation:
    """Act, settle and see; ActionError where it cannot be done, or where a dialog wants its answer."""
    before, url, moves = session.pixels, session.url, session.navigations
    dialog, files = session.dialog, len(session.downloads.names)
    started = clock()
    session.target = ""
    await _act(session, action)
    acted = clock()
    settled = await _see(session, clock)
    count, box = changed(before, session.pixels)
    receipt = Receipt(
        target=session.target,
        pixels_changed=count,
        changed_box=box,
        navigated=session.navigations != moves or session.url != url,
        dialog=session.dialog if session.dialog != dialog else "",
        downloads=tuple(session.downloads.names[files:]),
    )
    timings = {"act": acted - started, "settle": settled - acted, "capture": clock() - settled}
    return _observation(session, clock, timings, receipt)


async def _act(session: Session, action: Action) -> None:
    """Do `action`, or as much of it as comes before a dialog; the rest follows the dialog's answer."""
    if session.dialogs:
        await answer(session, action)
        if session.dialogs:  # text for a prompt, not accepted yet
            return
        work = session.unfinished
    else:
        work = asyncio.ensure_future(act(session, action))
    session.unfinished = None
    if work is None:
        return
    if not await session.race(work, deadline(session, action)):
        session.unfinished = work
        return
    try:
        work.result()
    except PlaywrightError as error:
        if session.broken or not gone(error):
            raise
        # The action closed its own page: it was done, and another tab shows now.


async def _see(session: Session, clock: Clock) -> float:
    """Bring the session's picture and words up to date; the moment at which the page had settled."""
    for left in reversed(range(TRIES)):
        verdict = await settle(session)
        settled = clock()
        if verdict == "dialog":
            break
        tab = session.current
        try:
            await session.unless_dialog(_capture(session, tab), session.options.action_timeout)
        except PlaywrightError as error:
            if session.broken or not left or not (gone(error) or tab is not session.current):
                raise
            continue
        if tab is session.current and not session.busy():
            break
    if session.downloads.pending:  # they do not change the picture
        await session.bell.until(lambda: not session.downloads.pending, session.options.settle_cap)
    return settled


async def _capture(session: Session, tab: Tab) -> None:
    words = asyncio.ensure_future(element.look(session, tab))
    places = asyncio.ensure_future(_veiled(session, tab))
    try:
        png = await capture.capture(tab.cdp)
        await words
        veiled = await places
    finally:
        words.cancel()
        places.cancel()
    if veiled and (moved := await _veiled(session, tab)) != veiled:
        png = await capture.capture(tab.cdp)
        veiled = veil.along(moved, await _veiled(session, tab))
    if (png, veiled) != (session.png, session.veiled):
        pixels = veil.cover(capture.decode(png, session.options), veiled)
        session.png, session.veiled, session.pixels = png, veiled, freeze(pixels)


async def _veiled(session: Session, tab: Tab) -> tuple[Box, ...]:
    """The places to cover; those of the last look where the page does not say."""
    if not session.options.veil:
        return session.options.boxes
    try:
        async with asyncio.timeout(element.STALLED if tab.stalled else element.PATIENCE):
            return await veil.find(session, tab)
    except TimeoutError:
        return session.veiled


def _observation(session: Session, clock: Clock, timings: dict[str, float], receipt: Receipt | None) -> Observation:
    refused, session.refused = tuple(session.refused), []
    return Observation(
        screenshot=session.pixels,
        url=session.url,
        title=session.current.title,
        tabs=session.names(),
        dialog=session.dialog,
        focus=session.focus,
        downloads=tuple(session.downloads.names),
        refused=refused,
        time=clock() - session.began,
        receipt=receipt,
        timings=MappingProxyType(timings),
    )
