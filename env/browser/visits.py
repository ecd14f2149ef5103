"""Where a tab is led by its person and not by its page: addresses typed, pages loaded again, steps back."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping

from playwright.async_api import Error as PlaywrightError

from env.browser.navigate import BLANK
from env.browser.session import Tab
from env.heard import Heard, Opened, Returned

BY_HAND = frozenset({"typed", "address_bar", "auto_bookmark", "generated", "keyword", "keyword_generated"})
"""How Chromium calls navigations that begin outside of pages."""

EARLY = "Not attached to an active page"
"""How it refuses to tell the history of a tab whose page is about to become another one."""


class Visits:
    """Follows the history of one tab.

    A page says that it has come (`Page.frameNavigated`) before the browser has put it into the tab's history; that it
    has is told by `Target.targetInfoChanged`.
    """

    def __init__(
        self, tab: Tab, tell: Callable[[Heard], None], spawn: Callable[[Coroutine[object, object, None]], None]
    ) -> None:
        self._tab, self._tell, self._spawn = tab, tell, spawn
        self._index, self._ids = 0, [0]
        self._frame = self._target = ""
        self._asked = False  # by the page itself
        self._come = [True]  # pages not yet found in the history, each whether the one before asked for it

    async def begin(self) -> None:
        """Follow it from here on; where it is by now, or is about to be, is not told."""
        cdp = self._tab.cdp
        self._frame = str((await cdp.send("Page.getFrameTree"))["frameTree"]["frame"]["id"])
        self._target = str((await cdp.send("Target.getTargetInfo"))["targetInfo"]["targetId"])
        cdp.on("Page.frameRequestedNavigation", self._requested)
        cdp.on("Page.frameNavigated", self._navigated)
        cdp.on("Target.targetInfoChanged", self._changed)
        await cdp.send("Target.setDiscoverTargets", {"discover": True, "filter": [{"type": "page"}]})
        await self._follow()

    async def _read(self) -> tuple[str, str]:
        """How the current page was come to, and its address."""
        history = await self._tab.cdp.send("Page.getNavigationHistory")
        entries, self._index = history["entries"], int(history["currentIndex"])
        self._ids = [int(entry["id"]) for entry in entries]
        now = entries[self._index]
        return str(now["transitionType"]), str(now["url"])

    def _requested(self, event: Mapping[str, object]) -> None:
        if event["frameId"] == self._frame and event.get("disposition", "currentTab") == "currentTab":
            self._asked = True

    def _navigated(self, event: Mapping[str, object]) -> None:
        frame = event["frame"]
        assert isinstance(frame, dict)
        if "parentId" not in frame:
            self._come.append(self._asked)
            self._asked = False
            self._spawn(self._follow())

    def _changed(self, event: Mapping[str, object]) -> None:
        info = event["targetInfo"]
        assert isinstance(info, dict)
        if self._come and info["targetId"] == self._target:
            self._spawn(self._follow())

    async def _follow(self) -> None:
        index, ids = self._index, self._ids
        try:
            how, url = await self._read()
        except PlaywrightError as error:
            if EARLY not in error.message:
                raise
            return  # it is asked again once the browser tells of a change
        if not self._come:  # another look has found them
            return
        asked = all(self._come)
        self._come.clear()
        if asked or url == BLANK:
            return
        here = self._ids[self._index]
        if here == ids[index]:
            self._tell(Opened(url, again=True))
        elif here in ids:
            self._tell(Returned() if self._index == index - 1 else Opened(url))
        elif how in BY_HAND:
            self._tell(Opened(url))
