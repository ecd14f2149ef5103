"""One episode in the browser: its tabs, and what happens to them without being asked.

Everything here lives in the worker's loop. Events change plain fields and ring the bell; whoever waits, waits for
a condition on these fields.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import TypeVar

from playwright.async_api import BrowserContext, CDPSession, Dialog, Download, FileChooser, Page, Request
from playwright.async_api import Error as PlaywrightError

from env.browser import capture, intercept
from env.browser.downloads import Downloads
from env.browser.options import BrowserOptions
from env.browser.worker import Bell
from env.environment import EnvironmentBroken
from env.observation import Box, Evidence, Image, Value
from env.secrets import Secret
from env.untrusted import page as written

T = TypeVar("T")

STREAMS = frozenset({"websocket", "eventsource", "media", "ping", "other"})
"""Requests that are no part of loading a page."""

ASIDE = {"left": 10, "top": 10}
"""Where a window that nobody sees stands on its display, in pixels: a full Chromium puts it there by itself."""

MOST = 100
"""Requests turned away that are noted from one look to the next."""


class Tab:
    """A page, its protocol session, and the last known title."""

    def __init__(self, page: Page, cdp: CDPSession) -> None:
        self.page = page
        self.cdp = cdp
        self.title = ""
        self.loading: set[str] = set()  # frames on their way to another document
        self.stalled = False  # it answered no script in time, as while a dead server is waited for

    @property
    def name(self) -> str:
        """'title — url'."""
        return f"{self.title} — {self.page.url}"


class Session:
    """The tabs of one browser context and their pending business."""

    def __init__(self, context: BrowserContext, options: BrowserOptions, downloads: Downloads) -> None:
        self.context = context
        self.options = options
        self.downloads = downloads
        self.bell = Bell()
        self.tabs: list[Tab] = []
        self.dialogs: list[Dialog] = []
        self.chooser: FileChooser | None = None  # opened by the last click on a file field
        self.answer: str | None = None  # typed into a prompt, not yet accepted
        self.unfinished: asyncio.Task[object] | None = None  # the action that a dialog holds up
        self.broken: EnvironmentBroken | None = None
        self.began = 0.0
        self.navigations = 0
        self.asked = 0  # requests, those of streams left out
        self.refused: list[str] = []  # requests turned away since the last look, each once
        self.typed: list[Secret] = []
        self.veiled: tuple[Box, ...] = ()  # places that are covered in the pixels
        self.target = ""  # what the last action was done to
        self.evidence: tuple[Evidence, ...] = ()  # of what lay at each of its places
        self.pointer = (0.0, 0.0)  # CSS pixels
        self.focus = ""
        self.value: Value = ""  # the kind that the focus holds
        self.png = b""
        self.pixels: Image = capture.blank(options)
        self.welcome: Callable[[Tab], Coroutine[object, object, None]] | None = (
            None  # told of each tab before it is one
        )
        self.ended = False  # the person has closed the last window
        self._current: Tab | None = None
        self._opening: list[Page] = []  # pages known, not yet a tab
        self._announced = 0  # windows that a page has opened, not yet a page
        self._requests: set[Request] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._listen()

    def _listen(self) -> None:
        self.context.on("page", self._on_page)
        self.context.on("dialog", self._on_dialog)
        self.context.on("request", self._on_request)
        self.context.on("requestfinished", self._on_request_end)
        self.context.on("requestfailed", self._on_request_end)

    @property
    def current(self) -> Tab:
        """The tab that is looked at and acted on."""
        if self._current is None:
            raise EnvironmentBroken("crash", "every page of the browser is gone")
        return self._current

    @property
    def url(self) -> str:
        """The address of the current tab."""
        return self.current.page.url

    def names(self) -> tuple[str, ...]:
        """Each tab as 'title — url'."""
        return tuple(tab.name for tab in self.tabs)

    @property
    def dialog(self) -> str:
        """The dialog that waits for an answer, as 'confirm: text'."""
        return f"{self.dialogs[0].type}: {self.dialogs[0].message}" if self.dialogs else ""

    def busy(self) -> bool:
        """Whether something is known to be on its way to the current tab."""
        return bool(
            self._announced
            or self._opening
            or self._requests
            or self.downloads.pending
            or self._current is None
            or self._current.loading
        )

    def give_up(self) -> None:
        """Stop waiting for what has been on its way for too long; it may still arrive."""
        self._announced = 0
        self._requests.clear()
        self.downloads.pending = 0
        for tab in self.tabs:
            tab.loading.clear()

    async def race(self, work: asyncio.Task[T], seconds: float) -> bool:
        """Wait for `work` until a dialog opens; whether it has ended. TimeoutError after `seconds`."""
        work.add_done_callback(self._ended)
        await self.bell.until(lambda: work.done() or bool(self.dialogs or self.broken), seconds)
        if self.broken:
            work.cancel()
            raise self.broken
        if not work.done() and not self.dialogs:
            work.cancel()
            raise TimeoutError(f"no answer from the page within {seconds:g} s")
        return work.done()

    def _ended(self, work: asyncio.Task[T]) -> None:
        if not work.cancelled():
            work.exception()  # taken note of, so that an action given up is not reported as forgotten
        self.bell.ring()

    async def linger(self, seconds: float) -> None:
        """Let time pass, until a dialog opens."""
        if seconds:
            await self.bell.until(lambda: bool(self.dialogs or self.broken), seconds)

    async def unless_dialog(self, work: Coroutine[object, object, T], seconds: float) -> T | None:
        """The result of `work`, or None where a dialog opened first. TimeoutError after `seconds`."""
        task: asyncio.Task[T] = asyncio.ensure_future(work)
        if await self.race(task, seconds):
            return task.result()
        task.cancel()
        return None

    async def open(self) -> Tab:
        """A new empty tab, made the current one."""
        page = await self.context.new_page()
        await self.bell.until(lambda: page not in self._opening, self.options.action_timeout)
        return self.current

    async def renew(self) -> None:
        """Put a new empty tab in the place of the current one, which has crashed or hangs."""
        lost, self.broken = self._current, None
        self.drop()
        self.give_up()
        page = await self.context.new_page()
        await self.bell.until(lambda: page not in self._opening, self.options.action_timeout)
        self._current = next((tab for tab in self.tabs if tab.page is page), self._current)
        if lost is not None:
            self.tabs = [tab for tab in self.tabs if tab is not lost]
            self.spawn(lost.page.close())

    def inherit(self, last: Session) -> None:
        """Go on where `last` was: its clock, what is still to be told, and what stays hidden."""
        self.began, self.navigations, self.refused = last.began, last.navigations, last.refused
        self.typed, self.veiled = last.typed, last.veiled

    def drop(self) -> None:
        """Forget what waits for an answer: dialogs, and the action that one of them held up."""
        self.dialogs.clear()
        if self.unfinished is not None:
            self.unfinished.cancel()
        self.unfinished = None

    async def check(self) -> None:
        """EnvironmentBroken where the browser itself is gone, and not just a page of it.

        A driver that was killed says nothing: whatever is asked of it from then on fails.
        """
        try:
            await self.context.cookies([])
        except PlaywrightError as error:
            if gone(error):
                self.lose()
        if self.broken:
            raise self.broken

    async def show(self, tab: Tab) -> None:
        """Make `tab` the current one."""
        self._current = tab
        await tab.page.bring_to_front()

    def choose(self, tab: Tab) -> None:
        """Take `tab` for the current one, as a person has brought it to the front."""
        self._current = tab

    async def close(self) -> None:
        """End the context and everything that still waits in it."""
        for task in [*self._tasks, *([self.unfinished] if self.unfinished else [])]:
            task.cancel()
        await self.context.close()

    def spawn(self, work: Coroutine[object, object, None]) -> None:
        """Do `work` beside everything else; it ends with the session."""
        task = asyncio.ensure_future(self._guard(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _guard(self, work: Coroutine[object, object, None]) -> None:
        try:
            await work
        except PlaywrightError as error:
            if not (self.broken or gone(error)):
                self.broken = EnvironmentBroken("crash", f"the browser failed beside an action: {error.message}")
        finally:
            self.bell.ring()

    def _on_page(self, page: Page) -> None:
        self._announced = max(self._announced - 1, 0)
        self._opening.append(page)
        page.on("close", self._on_close)
        page.on("crash", self._on_crash)
        page.on("download", self._on_download)
        if not self.options.attended:  # whoever listens to it is the one who has to choose
            page.on("filechooser", self._on_chooser)
        page.on("framenavigated", lambda frame: self._on_navigated() if frame is page.main_frame else None)
        self.spawn(self._adopt(page))

    async def _adopt(self, page: Page) -> None:
        try:
            tab = Tab(page, await self.context.new_cdp_session(page))
            self._follow(tab)
            await tab.cdp.send("Page.enable")
            if not self.options.headed:
                await _put_aside(tab.cdp)
            if self.welcome is not None:
                await self.welcome(tab)
            await intercept.follow(tab.cdp, self.options.network, self.refuse, self.spawn)
            width, height = self.options.size
            if page.viewport_size != {"width": width, "height": height}:
                await page.set_viewport_size({"width": width, "height": height})
            # A capture has the scale of its own protocol session, and Playwright has set that of another one.
            scale = self.options.device_scale_factor
            metrics = {"width": width, "height": height, "deviceScaleFactor": scale, "mobile": self.options.mobile}
            whole = self.options.screen or self.options.size
            metrics |= {"screenWidth": whole[0], "screenHeight": whole[1]}
            await tab.cdp.send("Emulation.setDeviceMetricsOverride", metrics)
            if not page.is_closed():
                self.tabs.append(tab)
                self._current = tab
        finally:
            self._opening.remove(page)

    def _follow(self, tab: Tab) -> None:
        """Keep count of the tab's frames that load, and of the windows it opens."""

        def started(event: dict[str, object]) -> None:
            if event.get("disposition", "currentTab") == "currentTab":
                tab.loading.add(str(event["frameId"]))

        def stopped(event: dict[str, object]) -> None:
            tab.loading.discard(str(event["frameId"]))
            self.bell.ring()

        def opened(_: dict[str, object]) -> None:
            self._announced += 1

        tab.cdp.on("Page.frameRequestedNavigation", started)
        tab.cdp.on("Page.frameStartedLoading", started)
        tab.cdp.on("Page.frameStoppedLoading", stopped)
        tab.cdp.on("Page.frameDetached", stopped)
        tab.cdp.on("Page.windowOpen", opened)

    def _on_navigated(self) -> None:
        self.navigations += 1
        self.bell.ring()

    def _on_close(self, page: Page) -> None:
        self.tabs = [tab for tab in self.tabs if tab.page is not page]
        self.dialogs = [dialog for dialog in self.dialogs if dialog.page is not page]
        self._requests.clear()
        if self._current is not None and self._current.page is page:
            self._current = None
            self.navigations += 1
            if self.tabs:
                self.spawn(self.show(self.tabs[-1]))
            elif self.options.attended:
                self.ended = True
            else:
                self.spawn(self._refill())
        self.bell.ring()

    async def _refill(self) -> None:
        await self.context.new_page()

    def lose(self, *_: object) -> None:
        """The browser itself is gone."""
        self.broken = self.broken or EnvironmentBroken("crash", "the browser ended")
        self.ended = self.options.attended
        self.bell.ring()

    def refuse(self, request: str) -> None:
        """Note a request that was turned away."""
        if request not in self.refused and len(self.refused) < MOST:
            self.refused.append(request)
        self._announced = 0  # a window that was to show it never comes
        self.bell.ring()

    def _on_crash(self, page: Page) -> None:
        if self._current is None or self._current.page is page:
            self.broken = self.broken or EnvironmentBroken("crash", f"the page {written(page.url)} crashed")
        else:  # one in the background is closed by it, as a person would
            self.spawn(page.close())
        self.bell.ring()

    def _on_dialog(self, dialog: Dialog) -> None:
        self.dialogs.append(dialog)
        self.answer = None
        for tab in self.tabs:
            if tab.page is dialog.page:
                self._current = tab
        self.bell.ring()

    def _on_download(self, download: Download) -> None:
        if self.options.downloads:
            self.spawn(self.downloads.save(download))
        else:
            self.refuse(f"download {download.suggested_filename}")

    def _on_chooser(self, chooser: FileChooser) -> None:
        self.chooser = chooser
        self.bell.ring()

    def _on_request(self, request: Request) -> None:
        if request.resource_type not in STREAMS:
            self._requests.add(request)
            self.asked += 1

    def _on_request_end(self, request: Request) -> None:
        self._requests.discard(request)
        self.bell.ring()


def gone(error: PlaywrightError | EnvironmentBroken) -> bool:
    """Whether `error` only says that what was asked, a page or all of the browser, has closed meanwhile."""
    return "has been closed" in error.message or "Target closed" in error.message


async def _put_aside(cdp: CDPSession) -> None:
    """Move a window out from under the pointer.

    A headless shell takes the pointer to rest at (0, 0) of its display, where it also puts its windows: every page
    would be told of a pointer over its first pixel, even on a phone, and be drawn with it.
    """
    with suppress(PlaywrightError):  # a window that is being closed is no longer known
        window = await cdp.send("Browser.getWindowForTarget")
        if (window["bounds"].get("left"), window["bounds"].get("top")) == (0, 0):
            await cdp.send("Browser.setWindowBounds", {"windowId": window["windowId"], "bounds": ASIDE})
