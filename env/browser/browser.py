"""The browser as an environment: how it is reset, how a step runs, and how it ends."""

from __future__ import annotations

import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from playwright.async_api import Browser as Chromium
from playwright.async_api import Error as PlaywrightError
from playwright.async_api import Playwright, async_playwright

from actions.action import Action, Point
from actions.frame import Frame
from actions.space import KINDS, ActionSpace
from env.browser import capture, episode, evidence, foresee, script, storage
from env.browser.device import equip
from env.browser.discreet import hush, quiet, scrub, still
from env.browser.downloads import Downloads
from env.browser.gate import Gate, through
from env.browser.launch import fresh, launch
from env.browser.navigate import BLANK, admitted
from env.browser.options import BrowserOptions
from env.browser.pointer import css
from env.browser.script import Json
from env.browser.session import Session, gone
from env.browser.worker import Worker
from env.environment import EnvironmentBroken, Recovery, Task
from env.foresight import Foresight
from env.observation import Download, Evidence, Observation
from env.process import Ownership
from env.recover import told

T = TypeVar("T")

DEFAULTS = BrowserOptions()
SLACK = 1.0  # seconds beyond the sum of its parts that a whole call may take
RENEWAL = 2.0  # seconds in which a browser that still answers opens a fresh page
LEAST = 3.0  # seconds for going on after an action that took all there were
CLOSING = 5.0  # seconds for a polite end; then the processes are killed
ENDING = 1.5  # seconds for the end of a browser that has been killed
SAME = "This is a fresh page in the same browser; what was typed or scrolled on the last one is gone."
NEW = "This is a page in a new browser; logins, other tabs and what was typed or scrolled are gone."


class Browser:
    """A Chromium to act on, driven from a thread of its own, so that it works beside a running event loop.

    It starts with the first `reset`. A call that hangs ends with `EnvironmentBroken("timeout")`, and the next
    `reset` brings a new browser. However this process ends, no browser process is left. ValueError for a device that
    Playwright does not know, and for a storage that cannot be read.
    """

    def __init__(self, options: BrowserOptions = DEFAULTS, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.options = equip(options)
        if options.storage_state is not None:
            storage.read(options.storage_state)
        self._clock = clock
        self._ownership = Ownership()
        self._worker = Worker()
        self._playwright: Playwright | None = None
        self._chromium: Chromium | None = None
        self._session: Session | None = None
        self._gate: Gate | None = None
        self._broken: EnvironmentBroken | None = None
        self._place = ""  # the address that was seen last in this episode
        self._since = 0.0  # when the call that is under way, or broke, began
        self._closed = False
        self._episodes = 0

    @property
    def space(self) -> ActionSpace:
        """Everything a browser can do: uploads where there is a folder for them, moving where there is a mouse."""
        missing = (("upload", not self.options.uploads), ("move", self.options.touch))
        return ActionSpace(frozenset(KINDS) - {kind for kind, lacks in missing if lacks})

    @property
    def marker(self) -> str:
        """The argument that every browser process of this object carries, and no other process."""
        return self._ownership.marker

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of every screenshot in pixels."""
        return capture.shown(self.options)

    @property
    def downloads(self) -> Path:
        """The folder with the files of this episode, which lasts until `close`."""
        return self._ownership.folder / str(self._episodes)

    @property
    def url(self) -> str:
        """The address of the current tab."""
        return self.options.secrets.scrub(self._open().url)

    def reset(self, task: Task) -> Observation:
        """Open `task.start` in a fresh context: no cookies, no tabs and no files of earlier episodes.

        ValueError for an address that is neither http, https, file nor about:blank, or outside the options' network.
        """
        self._alive()
        start = admitted(task.start or BLANK, self.options.network)
        options = self.options
        if self._broken is None:
            self._leave()
        if self._broken is not None:
            self._discard()
        self._session, self._place = None, ""
        seconds = options.start_timeout + options.load_timeout + self._looking
        return self._seen(self._reset(start), seconds)

    def step(self, action: Action) -> Observation:
        """Carry out `action`, wait until the page has settled, and look.

        While a dialog is open, only its answer is possible: enter, escape, or text for a prompt.
        """
        session = self._open()
        self.space.check(action)
        Frame(*self.size, *self.size).check(action)
        seconds = episode.deadline(session, action) + self.options.settle_cap + SLACK
        return self._seen(episode.step(session, action, self._clock), seconds)

    def turn(self, url: str, aside: Point) -> float:
        """Open `url` in the current tab of this episode, the pointer at `aside`, and wait until it has settled.

        No picture is taken; what comes back is the episode's time then. ActionError where the page cannot be opened,
        or opens a dialog.
        """
        seconds = self.options.load_timeout + episode.MARGIN + self.options.settle_cap + SLACK
        return self._call(episode.turn(self._open(), url, aside, self._clock), seconds)

    def look(self) -> Observation:
        """What the page shows once it has settled, without acting on it."""
        session = self._open()
        return self._seen(episode.look(session, self._clock), self._looking)

    def received(self) -> tuple[Download, ...]:
        """The files of this episode, in the order of their arrival."""
        return tuple(self._open().downloads.files)

    def recover(self) -> Recovery:
        """Go on in the same episode after a crash or a timeout: on a fresh page at the address that was seen last.

        Where the browser still answers, it is kept, with its logins and its other tabs. Nothing is done again, and the
        address is opened as a link would be.
        """
        self._alive()
        broken, session = self._broken, self._session
        if broken is None or session is None or not self._place:
            raise EnvironmentBroken("closed", "there is no episode that broke; reset first")
        end, self._broken = max(self._since + self.options.bound, self._clock() + LEAST), None
        try:
            same = self._renew(session)
            if not same:
                self._discard()
                self._call(self._restart(session), end - self._clock())
            work = episode.resume(self._open(), self._place, self._clock)
            return Recovery(self._seen(work, end - self._clock()), told(broken, SAME if same else NEW))
        except EnvironmentBroken as again:
            self._broken = again
            raise

    def _renew(self, session: Session) -> bool:
        """Whether the browser could put a fresh page in the place of the one that broke."""
        try:
            self._call(session.renew(), RENEWAL)
        except EnvironmentBroken:
            return False
        return True

    def foresee(self, action: Action) -> Foresight:
        """What `action` would hit, and whether that could be undone; nothing is done."""
        session, secrets = self._open(), self.options.secrets
        self.space.check(action)
        Frame(*self.size, *self.size).check(action)
        try:
            seen = self._call(foresee.foresee(session, action), self.options.action_timeout)
        except EnvironmentBroken as broken:
            self._broken = EnvironmentBroken(broken.reason, broken.message, begun=False)
            raise self._broken from broken
        return replace(seen, target=secrets.scrub(seen.target), url=secrets.scrub(seen.url))

    def lies(self, places: Sequence[Point]) -> tuple[Evidence, ...]:
        """What lies at each of these pixels of the screenshot now; empty where the page does not say in time."""
        session = self._open()
        if session.dialogs or not places:
            return ()
        work = evidence.hit(session, *(css(session, place) for place in places))
        return quiet(self._call(work, self.options.action_timeout)[1], self.options.secrets)

    def named(self, *, beyond: bool = False) -> tuple[Evidence, ...]:
        """All that can be named in every frame, in the pixels of the screenshot; nothing while a dialog is open."""
        session = self._open()
        work = evidence.named(session, beyond=beyond)
        return quiet(self._call(work, self.options.action_timeout), self.options.secrets)

    def stir(self, seconds: float) -> Observation:
        """What the page shows once something of it has changed and it has settled; at the latest after so long."""
        session = self._open()
        return self._seen(episode.stir(session, seconds, self._clock), seconds + self._looking)

    def evaluate(self, script_text: str, arg: Json = None) -> Json:
        """What a script of ours gives in the current page: an expression, or a function called with `arg`.

        ScriptError where it throws. Never hand in what a page or a model wrote.
        """
        session = self._open()
        if session.dialogs:
            raise EnvironmentBroken("timeout", f"no script can run while a dialog is open: {session.dialog}")
        work = script.evaluate(session.current.cdp, script_text, arg)
        return self._call(work, self.options.action_timeout)

    def page_text(self) -> str:
        """The visible text of the current page."""
        return self.options.secrets.scrub(str(self.evaluate("() => document.body?.innerText ?? ''")))

    def storage_state(self, path: Path | None = None) -> Mapping[str, object]:
        """The cookies and the local storage of this episode, for `BrowserOptions.storage_state`; kept at `path` too."""
        session = self._open()
        if session.dialogs:
            raise EnvironmentBroken("timeout", f"no page tells its storage while a dialog is open: {session.dialog}")
        found = self._call(session.context.storage_state(), self.options.action_timeout)
        kept = storage.Storage.model_validate(found)
        if path is not None:
            storage.keep(kept, path)
        return kept.model_dump(by_alias=True)

    def close(self) -> None:
        """End the browser and everything else this object started; a second call does nothing."""
        if self._closed:
            return
        self._closed = True
        try:
            if self._broken is not None:
                self._ownership.kill()
            self._end(CLOSING)
            self._stop(CLOSING)
        finally:
            self._ownership.close()
            self._worker.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def _looking(self) -> float:
        return self.options.settle_cap * 2 + self.options.action_timeout + SLACK

    def _alive(self) -> None:
        if self._closed:
            raise EnvironmentBroken("closed", "this browser was closed")

    def _open(self) -> Session:
        self._alive()
        if self._broken is not None:
            known = self._broken
            raise EnvironmentBroken(known.reason, f"{known.message}; reset first", begun=False) from known
        if self._session is None:
            raise EnvironmentBroken("closed", "no page is open yet; reset first")
        return self._session

    def _seen(self, work: Coroutine[object, object, Observation], seconds: float) -> Observation:
        """The observation that `work` gives, without secrets; its address, with them, is the last one seen."""
        self._since = self._clock()
        seen = self._call(work, seconds)
        self._place = seen.url
        return scrub(seen, self.options.secrets)

    def _call(self, work: Coroutine[object, object, T], seconds: float) -> T:
        """The result of `work`; whatever the browser breaks with becomes EnvironmentBroken; no error tells a secret."""
        quiet: EnvironmentBroken | ValueError
        try:
            return self._run(work, seconds)
        except EnvironmentBroken as broken:
            quiet = self._broken = still(broken, self.options.secrets)
        except ValueError as mistake:
            quiet = hush(mistake, self.options.secrets)
        raise quiet

    def _run(self, work: Coroutine[object, object, T], seconds: float) -> T:
        try:
            return self._worker.run(work, seconds)
        except TimeoutError as late:
            raise EnvironmentBroken("timeout", str(late) or f"no answer within {seconds:g} s") from late
        except PlaywrightError as error:
            known = self._session.broken if self._session else None
            message = error.message.strip().splitlines()[0]
            raise known or EnvironmentBroken("crash", f"the browser failed: {message}") from error

    def _leave(self) -> None:
        """End the last episode; a browser that fails at it, because it hangs or died meanwhile, counts as broken."""
        if self._session is None:
            return
        with suppress(EnvironmentBroken):  # `_call` has noted it
            self._call(self._session.close(), self.options.action_timeout)
        self._session = None

    def _discard(self) -> None:
        """Leave a broken browser behind; where even the loop is stuck, that and the driver too.

        A driver that goes on removes the browser's temporary profile; one that is killed does not.
        """
        self._ownership.kill()
        if not self._end(ENDING):
            self._stop(ENDING)
        self._session = self._broken = None

    def _end(self, seconds: float) -> bool:
        """Whether the browser ended as it was asked to; what is left of one that did not is killed, with its driver."""
        chromium, self._chromium = self._chromium, None
        try:
            if chromium is not None:
                self._worker.run(chromium.close(), seconds)
        except (TimeoutError, PlaywrightError):
            self._ownership.kill(drivers=True)
            return False
        return True

    def _stop(self, seconds: float) -> None:
        """End the driver and the gate; where even the loop is stuck, leave that behind too."""
        playwright, self._playwright = self._playwright, None
        gate, self._gate = self._gate, None
        try:
            self._worker.run(_last(playwright, gate), seconds)
        except (TimeoutError, PlaywrightError):
            self._ownership.kill(drivers=True)
            self._worker.close()
            self._worker = Worker()

    async def _reset(self, start: str) -> Observation:
        self._episodes += 1
        self._session = await self._begin(Downloads(self.downloads))
        return await episode.begin(self._session, start, self._clock)

    async def _restart(self, last: Session) -> None:
        """An episode that goes on in another browser, with the files and the clock of `last`."""
        self._session = await self._begin(last.downloads)
        self._session.inherit(last)
        await self._session.open()

    async def _begin(self, files: Downloads) -> Session:
        """A fresh context; where the browser or its driver died unnoticed, in new ones."""
        try:
            return await self._opened(files)
        except (PlaywrightError, EnvironmentBroken) as error:
            if not gone(error):
                raise
        self._ownership.kill(drivers=True)
        self._chromium = self._playwright = None
        return await self._opened(files)

    async def _opened(self, files: Downloads) -> Session:
        if self._playwright is None:
            self._playwright = await async_playwright().start()
        if self._chromium is None:
            self._chromium = await launch(self._playwright, self.options, self._ownership, await self._way())
        session = Session(await fresh(self._chromium, self.options), self.options, files)
        self._chromium.once("disconnected", session.lose)
        return session

    async def _way(self) -> Sequence[str]:
        """The flags that lead every request by our gate, where the options say which may pass."""
        if self._gate is not None:
            self._gate.close()
        if self.options.network is None:
            return ()
        self._gate = Gate(self.options.network, self._refused, through(self.options.proxy))
        return await self._gate.open()

    def _refused(self, request: str) -> None:
        if self._session is not None:
            self._session.refuse(request)


async def _last(playwright: Playwright | None, gate: Gate | None) -> None:
    """End what led to a browser that has ended."""
    if gate is not None:
        gate.close()
    if playwright is not None:
        await playwright.stop()
