"""A page to be shown how it is used, and hands that use it as a person does: by events that the browser trusts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path

from playwright.async_api import Error as PlaywrightError
from playwright.async_api import Page

from actions import Point
from agent.attend import PERSON, UNLIMITED, attend
from agent.expect import Check
from agent.manifest import describe
from agent.outcome import Result
from agent.perform import Job
from agent.record import Recorder
from agent.schema import EnvironmentEntry
from env import BrowserOptions, Task
from env.browser.attended import AttendedBrowser

SIZE = (644, 480)
ENTRY = EnvironmentEntry(kind="browser", width=SIZE[0], height=SIZE[1])
WORD = "Tr0ub4dor-x9"

PLAIN = """<!doctype html><title>Plain</title><style>* { position: absolute; margin: 0; box-sizing: border-box }
  body, html { position: static } input, select, button, a { height: 30px; width: 200px; left: 20px }
  #menu { left: 400px; top: 10px; width: 100px; height: 30px; background: #ddd }
  #menu ul { display: none; top: 30px; width: 160px; height: 60px; background: #eee; padding: 0; list-style: none }
  #menu:hover ul { display: block } #menu li { position: static; height: 30px }
  #box { left: 240px; top: 100px; width: 120px; height: 100px; overflow: auto; will-change: transform }
  #box div { height: 600px; width: 50px; background: red; border-bottom: 420px solid blue; position: static }
  #pad { left: 400px; top: 150px; width: 200px; height: 100px; background: #fed }
  iframe { left: 400px; top: 280px; width: 200px; height: 120px; border: 4px solid }</style>
<body><script>
  window.log = []; window.path = [];
  const tell = (what) => log.push(what);
</script>
<form onsubmit="tell('sent'); document.title = 'Sent'; return false">
<input id=name name=name style="top:10px"><input id=key name=pass type=password style="top:50px"
  oninput="echo.textContent = 'You typed ' + this.value">
<input id=mark type=checkbox style="top:98px;width:13px;height:13px">
<select id=city style="top:130px" onchange="tell(this.value)">
<option>Berlin</option><option>Paris</option><option>Rome</option></select>
<input id=note name=note value="old words" style="top:170px"><button hidden></button></form>
<textarea id=lines style="left:20px;top:210px;width:200px;height:60px"></textarea>
<p id=echo style="left:20px;top:290px;width:360px;height:20px"></p>
<div id=box><div></div></div>
<div id=menu>Menu<ul><li onclick="tell('one')">One</li><li onclick="tell('two')">Two</li></ul></div>
<div id=pad onmousedown="path = [[event.clientX, event.clientY]]" onmouseup="path.push([event.clientX, event.clientY])"
  ondblclick="tell('double')" oncontextmenu="tell('context ' + event.ctrlKey); return false"></div>
<button id=ask style="top:330px" onclick="tell(confirm('Sure?')); tell(prompt('Who?', 'nobody'))">ask</button>
<a id=more href="/more" target=_blank style="top:370px">more</a><div id=host style="left:20px;top:410px"></div>
<iframe src="/inner"></iframe>
<script>
  host.attachShadow({mode: 'open'}).innerHTML = '<input style="width:200px;height:30px">';
  window.state = () => JSON.stringify([document.getElementById('name').value, key.value.length, mark.checked,
    city.value, document.getElementById('note').value, lines.value, box.scrollTop, path, log, scrollY,
    host.shadowRoot.firstChild.value, frames[0].document.querySelector('input').value, document.activeElement.id]);
</script>"""
INNER = """<body style="margin:0"><input style="position:absolute;left:10px;top:10px;width:150px;height:30px">
  <button style="position:absolute;left:10px;top:60px" onclick="this.textContent = 'pressed'">in</button>"""
MORE = """<title>More</title><body style="margin:0"><button style="width:200px;height:40px"
  onclick="document.title = 'Clicked'">more</button>"""
PAGES = {"/": PLAIN, "/inner": INNER, "/more": MORE}

Show = Callable[["Hands"], Coroutine[object, object, None]]


class Hands:
    """A person's hands on an attended browser: patient ones, that look before they go on."""

    def __init__(self, env: AttendedBrowser) -> None:
        self._env = env
        self.asked = 0
        """How often it was asked whether to go on, which is between two things that are kept."""

    @property
    def arrived(self) -> int:
        """How much has been heard."""
        return self._env.arrived

    @property
    def page(self) -> Page:
        """The tab that is in front."""
        session = self._env._session
        assert session is not None
        return session.current.page

    async def rest(self, before: int = -1) -> None:
        """Wait until the screen has been seen at rest."""
        with suppress(TimeoutError, PlaywrightError):  # a dialog holds the page up, or it becomes another one
            async with asyncio.timeout(0.5):
                await self.page.evaluate("new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")
        while self._env.arrived <= before or not self._env.rested:
            await asyncio.sleep(0.02)

    async def kept(self) -> None:
        """Wait until the last that was done has ended, is on disk, and has been judged."""
        while self._env._looking_on()._draft is not None:
            await asyncio.sleep(0.02)
        asked = self.asked
        while self.asked == asked:
            await asyncio.sleep(0.02)

    async def click(self, x: int, y: int, **how: object) -> None:
        """Click there and watch what comes of it."""
        before = self._env.arrived
        work = asyncio.ensure_future(self.page.mouse.click(x, y, **how))  # type: ignore[arg-type]
        await asyncio.wait({work}, timeout=1)  # a dialog that it opens would hold it up
        await self.rest(before)

    async def hover(self, x: int, y: int) -> None:
        """Go there and rest until that has been seen."""
        await self.page.mouse.move(x, y, steps=3)
        while self._env._looking_on().pointed != Point(x=x, y=y):
            await asyncio.sleep(0.02)
        await self.rest()

    async def answer(self, *, accept: bool, text: str = "") -> None:
        """Answer the dialog that is open, past the driver, as in its own window."""
        before, session = self._env.arrived, self._env._session
        assert session is not None
        said = {"accept": accept, "promptText": text}
        await session.current.cdp.send("Page.handleJavaScriptDialog", said)
        await self.rest(before)

    async def address(self, url: str) -> None:
        """Type an address into the bar that pages are not told of."""
        before, session = self._env.arrived, self._env._session
        assert session is not None
        await session.current.cdp.send("Page.navigate", {"url": url, "transitionType": "typed"})
        await self.rest(before)

    async def back(self) -> None:
        """Press the browser's own button."""
        before, session = self._env.arrived, self._env._session
        assert session is not None
        history = await session.current.cdp.send("Page.getNavigationHistory")
        entry = history["entries"][history["currentIndex"] - 1]["id"]
        await session.current.cdp.send("Page.navigateToHistoryEntry", {"entryId": entry})
        await self.rest(before)

    async def bring(self, number: int, x: int, y: int) -> None:
        """Bring another tab to the front and point somewhere in it."""
        session = self._env._session
        assert session is not None
        page = session.tabs[number].page
        await page.bring_to_front()
        await page.mouse.move(x, y, steps=3)
        while session.current.page is not page:
            await asyncio.sleep(0.02)
        await self.rest()

    async def press(self, *keys: str) -> None:
        """Press keys, one after the other and without a pause."""
        before = self._env.arrived
        for key in keys:
            await self.page.keyboard.press(key)
        await self.rest(before)

    async def type(self, text: str) -> None:
        """Type a text, and look at it."""
        before = self._env.arrived
        await self.page.keyboard.type(text)
        await self.rest(before)

    async def wheel(self, x: int, y: int, *turns: int) -> None:
        """Turn the wheel at a place."""
        before = self._env.arrived
        await self.page.mouse.move(x, y)
        for turn in turns:
            await self.page.mouse.wheel(0, turn)
        await self.rest(before)

    async def drag(self, *places: tuple[int, int]) -> None:
        """Drag along places."""
        before, mouse = self._env.arrived, self.page.mouse
        await mouse.move(*places[0])
        await mouse.down()
        for place in places[1:]:
            await mouse.move(*place, steps=4)
        await mouse.up()
        await self.rest(before)


def demonstrate(
    folder: Path, url: str, show: Show, *, expect: Sequence[Check] = (), options: BrowserOptions | None = None
) -> tuple[Result, object]:
    """What `show` does, recorded in `folder`; and the page's own state at its end."""
    job = Job(Task("show", url), UNLIMITED, tuple(expect))
    with (
        AttendedBrowser(options or BrowserOptions(size=SIZE)) as env,
        Recorder(folder, describe(job, PERSON, ENTRY, name="test")) as record,
    ):
        done: list[Future[None]] = []
        state: list[object] = []
        hands = Hands(env)

        def stop() -> str:
            hands.asked += 1
            if not done:
                done.append(asyncio.run_coroutine_threadsafe(show(hands), env._worker._loop))
            if not done[0].done():
                return ""
            done[0].result()
            if not env.rested:
                return ""
            if not state and not env.ended:
                state.append(env.evaluate("window.state ? state() : document.title"))
            return "shown"

        result = attend(env, record, job, stop=stop)
        if done:
            done[0].cancel()
    return result, state[0] if state else None
