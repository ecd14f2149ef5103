"""The steps of one episode: act, settle, look, and say what changed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import MappingProxyType
from typing import TypeAlias

from playwright.async_api import Error as PlaywrightError
from playwright.async_api import TimeoutError as PlaywrightTimeout

from actions.action import Action, ActionError, Back, Click, Navigate, Point, Type, Upload
from env.browser import capture, element, veil
from env.browser.act import PER_PRESS, act, answer, patience
from env.browser.navigate import BLANK, NO_PAGE, navigate, reason
from env.browser.pointer import css
from env.browser.session import Session, Tab, gone
from env.browser.settle import Verdict, activity, settle, stirred
from env.environment import EnvironmentBroken
from env.observation import Box, Observation, Receipt, changed, freeze

Clock = Callable[[], float]
Early: TypeAlias = "asyncio.Task[bytes | None] | None"
"""A picture that is on its way before it is known whether it will hold."""

AGAIN = 1.0  # seconds for a picture, before it is asked for again
SHORTLY = 0.05  # seconds after which a picture that failed may come
LOADING = 3.0  # seconds in which a start that answers may become complete
MARGIN = 1.0  # seconds in which a navigation that took too long is stopped and told
TRIES = 3  # looks at a page that becomes another one while it is looked at
CHOOSING = 1.0  # seconds in which a click on a file field has to open its file chooser


def deadline(session: Session, action: Action) -> float:
    """How many seconds acting may take, the navigation in it included where it is one."""
    if isinstance(action, Navigate | Back):
        return session.options.load_timeout + MARGIN
    usual = session.options.action_timeout
    if isinstance(action, Type):
        usual += session.options.secrets.longest(action.text) * PER_PRESS
    return patience(action, usual)


async def begin(session: Session, start: str, clock: Clock) -> Observation:
    """Open the first page and look; EnvironmentBroken("unreachable") where it cannot be opened."""
    session.began = clock()
    await session.open()
    return await resume(session, start, clock)


async def resume(session: Session, url: str, clock: Clock) -> Observation:
    """Open `url` in the current tab and look."""
    if url != BLANK:
        work = asyncio.ensure_future(_load(session, url))
        if await session.race(work, session.options.load_timeout + MARGIN):
            work.result()
        else:
            session.unfinished = work
    return await look(session, clock)


async def _load(session: Session, url: str) -> None:
    page, patient = session.current.page, session.options.load_timeout * 1000
    started = asyncio.get_running_loop().time()
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
    left = patient - (asyncio.get_running_loop().time() - started) * 1000
    try:
        await page.wait_for_load_state("load", timeout=min(max(left, 1), LOADING * 1000))
    except PlaywrightTimeout:
        session.give_up()  # it is there, if not complete


async def turn(session: Session, url: str, aside: Point, clock: Clock) -> float:
    """Open `url` in the current tab, the pointer at `aside`, and settle without seeing; the episode's time then.

    ActionError where the page cannot be opened, or opens a dialog.
    """
    await session.current.page.mouse.move(*css(session, aside))
    await navigate(session, url)
    if await settle(session) == "dialog":
        raise ActionError(f"url: {url!r} opens a dialog: {session.dialog}")
    return clock() - session.began


async def look(session: Session, clock: Clock) -> Observation:
    """Settle and see."""
    started = clock()
    settled = await _see(session, clock)
    return _observation(session, clock, {"settle": settled - started, "capture": clock() - settled}, None)


async def stir(session: Session, seconds: float, clock: Clock) -> Observation:
    """Wait for something to change, then settle and see."""
    await stirred(session, seconds)
    return await look(session, clock)


async def step(session: Session, action: Action, clock: Clock) -> Observation:
    """Act, settle and see; ActionError where it cannot be done, or where a dialog wants its answer."""
    if session.broken:
        raise EnvironmentBroken(session.broken.reason, session.broken.message, begun=False)
    before, url, moves = session.pixels, session.url, session.navigations
    dialog, files = session.dialog, len(session.downloads.files)
    window = session.current.name if len(session.tabs) > 1 else ""
    started = clock()
    session.target, session.evidence, session.chooser = "", (), None
    await _act(session, action)
    acted = clock()
    settled = await _see(session, clock)
    if isinstance(action, Click) and session.target.split(" ")[0] == "file":  # told a moment after the click
        await session.bell.until(lambda: session.chooser is not None, CHOOSING)
    count, box = changed(before, session.pixels)
    arrived = tuple(session.downloads.files[files:])
    receipt = Receipt(
        target=session.target,
        window=window,
        pixels_changed=count,
        changed_box=box,
        navigated=session.navigations != moves or session.url != url,
        dialog=session.dialog if session.dialog != dialog else _chooser(session, action),
        downloads=tuple(each.name for each in arrived),
        files=arrived,
        url=session.url,
        focus=session.focus,
        value=session.value,
        evidence=session.evidence,
    )
    timings = {"act": acted - started, "settle": settled - acted, "capture": clock() - settled}
    return _observation(session, clock, timings, receipt)


def _chooser(session: Session, action: Action) -> str:
    """The file chooser that a click has opened for nobody, and what answers it; empty where there is none."""
    if session.chooser is None or isinstance(action, Upload):
        return ""
    return "file chooser: " + ("use upload" if session.options.uploads else "nothing may be uploaded here")


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
        await session.check()
        # The action closed its own page: it was done, and another tab shows now.


async def _see(session: Session, clock: Clock) -> float:
    """Bring the session's picture and words up to date; the moment at which the page had settled."""
    end = clock() + session.options.settle_cap
    for left in reversed(range(TRIES)):
        verdict, early = await _rest(session)
        settled = clock()
        if verdict == "dialog":
            break
        tab = session.current
        try:
            await session.unless_dialog(_capture(session, tab, early), session.options.action_timeout)
        except PlaywrightError as error:
            if session.broken or not left or not (gone(error) or tab is not session.current):
                raise
            if gone(error):
                await session.check()
            continue
        if (tab is session.current and not session.busy()) or clock() >= end:
            break
    if session.downloads.pending:  # they do not change the picture
        await session.bell.until(lambda: not session.downloads.pending, session.options.settle_cap)
    return settled


async def _rest(session: Session) -> tuple[Verdict, Early]:
    """Wait until the page has settled, and meanwhile ask for its picture: it holds where nothing has moved since."""
    tab, asked = session.current, session.asked  # what is asked for may show when it comes, though nothing moves
    early, since = None, await activity(session)
    if since is not None:
        early = asyncio.ensure_future(_picture(session, tab))
        early.add_done_callback(lambda task: task.cancelled() or task.exception())  # taken note of, as it may fail
    verdict: Verdict = "loading"
    try:
        verdict = await settle(session, since)
    finally:
        if early and (verdict != "still" or session.current is not tab or session.asked != asked):
            early.cancel()
            early = None
    return verdict, early


async def _capture(session: Session, tab: Tab, early: Early) -> None:
    words = asyncio.ensure_future(element.look(session, tab))
    places = asyncio.ensure_future(_veiled(session, tab))
    try:
        png = await (early or _picture(session, tab))
        await words
        veiled = await places
    finally:
        words.cancel()
        places.cancel()
    moved = await _veiled(session, tab) if veiled else ()
    if veiled and (early or moved != veiled):  # an early picture was taken before anybody asked for the places
        png = await _picture(session, tab)
        veiled = veil.along(moved, await _veiled(session, tab))
    if png is None:
        session.png, session.veiled, session.pixels = b"", veiled, capture.blank(session.options)
    elif (png, veiled) != (session.png, session.veiled):
        pixels = veil.cover(capture.decode(png, session.options), veiled + session.options.boxes)
        session.png, session.veiled, session.pixels = png, veiled, freeze(pixels)


async def _veiled(session: Session, tab: Tab) -> tuple[Box, ...]:
    """The places to cover; those of the last look where the page does not say."""
    if not session.options.veil:
        return ()
    try:
        async with asyncio.timeout(element.STALLED if tab.stalled else element.PATIENCE):
            return await veil.find(session, tab)
    except TimeoutError:
        return session.veiled


async def _picture(session: Session, tab: Tab) -> bytes | None:
    """A PNG of `tab`, or None where there is nothing to draw.

    A picture that a navigation overtakes fails or never comes, and is asked for again.
    """
    asked: set[asyncio.Task[bytes]] = set()
    patience = AGAIN
    try:
        while True:
            asked.add(asyncio.ensure_future(capture.capture(tab.cdp)))
            done, asked = await asyncio.wait(asked, timeout=patience, return_when=asyncio.FIRST_COMPLETED)
            for one in done:
                error = one.exception()
                if error is None:
                    return one.result()
                if not isinstance(error, PlaywrightError) or session.broken or gone(error):
                    raise error
            if not done and await element.void(tab):
                return None
            if done:
                await session.linger(SHORTLY)
            patience *= 2
    finally:
        for one in asked:
            one.cancel()


def _observation(session: Session, clock: Clock, timings: dict[str, float], receipt: Receipt | None) -> Observation:
    refused, session.refused = tuple(session.refused), []
    return Observation(
        screenshot=session.pixels,
        url=session.url,
        title=session.current.title,
        tabs=session.names(),
        dialog=session.dialog,
        focus=session.focus,
        value=session.value,
        downloads=session.downloads.names,
        refused=refused,
        time=clock() - session.began,
        receipt=receipt,
        timings=MappingProxyType(timings),
    )
