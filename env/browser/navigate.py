"""Opening addresses and going back, so that what fails leaves the page as it was."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from playwright.async_api import Error as PlaywrightError
from playwright.async_api import TimeoutError as PlaywrightTimeout

from actions.action import ActionError
from env.browser import intercept
from env.browser.intercept import answered, pause
from env.browser.session import Session
from env.network import Network
from env.untrusted import page as written

BLANK = "about:blank"
NO_PAGE = "the server sent no page"
ANSWERED = {"urlPattern": "*", "resourceType": "Document", "requestStage": "Response"}
WEB = frozenset({"http", "https"})


def address(url: str, *, files: bool) -> str:
    """`url` itself where it is one that may be opened; otherwise a ValueError that says why not."""
    parts = urlsplit(url.strip())
    if url.strip() == BLANK:
        return BLANK
    if parts.scheme in WEB and parts.hostname:
        return url.strip()
    if parts.scheme == "file" and files:
        return url.strip()
    if not re.match(r"[a-z][a-z0-9+-]*:", url.strip(), re.IGNORECASE) or re.match(r"[\w.-]+:\d", url.strip()):
        raise ValueError(f"{url!r} has no scheme; write it out, as in https://example.com")
    raise ValueError(f"{url!r} may not be opened; only http:// and https:// addresses and about:blank may")


def admitted(url: str, network: Network | None) -> str:
    """`url` itself where an episode may start there; otherwise a ValueError that says why not."""
    start = address(url, files=True)
    if network is not None and not intercept.allowed(network, start):
        raise ValueError(f"{start!r} is not among the origins that may be spoken to: {network}")
    return start


class Guard:
    """While entered, a navigation of the current tab that fails leaves the page on which it began.

    Chromium would show an error page instead, and the page before would be lost.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._cdp = session.current.cdp
        self.reason = ""
        """Why the navigation failed, in the protocol's words; empty where it did not."""

    async def __aenter__(self) -> Guard:
        self._cdp.on("Fetch.requestPaused", self._paused)
        await pause(self._cdp, self._session.options.network, ANSWERED)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._cdp.remove_listener("Fetch.requestPaused", self._paused)
        await pause(self._cdp, self._session.options.network)

    def _paused(self, event: Mapping[str, object]) -> None:
        if not answered(event):
            return
        request = {"requestId": str(event["requestId"])}
        if event.get("responseErrorReason"):
            self.reason = str(event["responseErrorReason"])
            self._session.spawn(self._send("Fetch.failRequest", {**request, "errorReason": "Aborted"}))
        else:
            self._session.spawn(self._send("Fetch.continueRequest", request))

    async def _send(self, method: str, params: dict[str, str]) -> None:
        await self._cdp.send(method, params)


async def navigate(session: Session, url: str) -> None:
    """Open `url` in the current tab; ActionError with the reason where that fails, the page unchanged."""
    try:
        target = address(url, files=session.options.files)
    except ValueError as error:
        raise ActionError(f"url: {error}") from error
    network = session.options.network
    if network is not None and not intercept.allowed(network, target):
        raise ActionError(f"url: refused: {url!r} is not among the origins that may be spoken to: {network}")
    page, saved = session.current.page, len(session.downloads.names)
    try:
        async with Guard(session) as guard:
            await page.goto(target, wait_until="commit", timeout=session.options.load_timeout * 1000)
    except PlaywrightTimeout as error:
        await session.current.cdp.send("Page.stopLoading")
        raise ActionError(f"url: {url!r} did not answer within {session.options.load_timeout:g} s") from error
    except PlaywrightError as error:
        if page.is_closed() or session.broken:
            raise
        if guard.reason:
            raise ActionError(f"url: {url!r} cannot be opened: {_words(guard.reason)}") from error
        if session.refused and reason(error) == NO_PAGE:
            raise ActionError(f"url: refused: {url!r} leads to {written(session.refused[-1])}") from error
        if "Download is starting" not in error.message and len(session.downloads.names) == saved:
            raise ActionError(f"url: {url!r} cannot be opened: {reason(error)}") from error


async def back(session: Session) -> None:
    """Go back one page; ActionError where there is none."""
    history = await session.current.cdp.send("Page.getNavigationHistory")
    index = history["currentIndex"]
    if index == 0 or (index == 1 and history["entries"][0]["url"] == BLANK):
        raise ActionError("back: this tab has no earlier page")
    try:
        await session.current.page.go_back(wait_until="commit", timeout=session.options.load_timeout * 1000)
    except PlaywrightTimeout as error:
        await session.current.cdp.send("Page.stopLoading")
        raise ActionError("back: the earlier page did not answer") from error


def reason(error: PlaywrightError) -> str:
    """The network's own name of what went wrong, or the first line of the message."""
    named = re.search(r"net::(ERR_\w+)", error.message)
    if named and named[1] == "ERR_ABORTED":
        return NO_PAGE
    if named and named[1] == "ERR_INVALID_AUTH_CREDENTIALS":
        return "the server wants a name and a password that this browser was not given"
    return named[1] if named else error.message.splitlines()[0]


def _words(name: str) -> str:
    """'connection refused' for ConnectionRefused."""
    return re.sub(r"(?<!^)([A-Z])", r" \1", name).lower()
