"""Where a tab is led by its person and not by its page: addresses typed, pages loaded again, steps back."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping

from env.browser.navigate import BLANK
from env.browser.session import Tab
from env.heard import Heard, Opened, Returned

BY_HAND = frozenset({"typed", "address_bar", "auto_bookmark", "generated", "keyword", "keyword_generated"})
"""How Chromium calls navigations that begin outside of pages."""


class Visits:
    """Follows the history of one tab."""

    def __init__(
        self, tab: Tab, tell: Callable[[Heard], None], spawn: Callable[[Coroutine[object, object, None]], None]
    ) -> None:
        self._tab, self._tell, self._spawn = tab, tell, spawn
        self._index, self._ids = 0, [0]
        self._frame = ""
        self._asked = False  # by the page itself

    async def begin(self) -> None:
        """Follow it from here on."""
        await self._read()
        tree = await self._tab.cdp.send("Page.getFrameTree")
        self._frame = str(tree["frameTree"]["frame"]["id"])
        self._tab.cdp.on("Page.frameRequestedNavigation", self._requested)
        self._tab.cdp.on("Page.frameNavigated", self._navigated)

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
            self._spawn(self._follow())

    async def _follow(self) -> None:
        index, ids, asked = self._index, self._ids, self._asked
        self._asked = False
        how, url = await self._read()
        if asked or url == BLANK:
            return
        here = self._ids[self._index]
        if here == ids[index]:
            self._tell(Opened(url, again=True))
        elif here in ids:
            self._tell(Returned() if self._index == index - 1 else Opened(url))
        elif how in BY_HAND:
            self._tell(Opened(url))
