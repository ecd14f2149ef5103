"""Hearing a person in every frame of every tab: our script tells by a binding of its own world, out of reach of pages.

Places of frames become places of the screenshot here.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from playwright.async_api import CDPSession, Frame
from playwright.async_api import Error as PlaywrightError
from pydantic import TypeAdapter

from actions.action import Point
from env.browser import pickers, script
from env.browser.pointer import shown
from env.browser.session import Session, Tab
from env.browser.told import TOLD, Quad, Told, heard
from env.browser.vault import Vault
from env.browser.visits import Visits
from env.heard import Answered, Heard, Switched

WORLD = "handeye"
PASSIVE = frozenset({"over", "rest"})
"""What changes nothing that a screen after an action has to wait for."""

PATIENCE = 1.0  # seconds in which a frame has to say where it is

_QUAD = TypeAdapter(tuple[float, float, float, float, float, float, float, float])


def source() -> str:
    """Our script, as it runs in its own world."""
    return f"({script.source('attend.js')}\n)({script.source('element.js')}\n)"


@dataclass
class Ear:
    """One protocol session: of a tab, or of a frame within it that has a process of its own."""

    tab: Tab
    cdp: CDPSession
    parent: Ear | None = None
    root: str = ""
    """The frame that it begins with."""
    worlds: dict[int, tuple[str, str]] = field(default_factory=dict)
    """Contexts of our script: the frame and its origin."""
    places: dict[str, Quad] = field(default_factory=dict)
    """Where frames were seen last."""


class Ears:
    """Everything that is heard of one session, in its order."""

    def __init__(self, session: Session, vault: Vault, learnt: Callable[[], None]) -> None:
        self._session, self._vault, self._learnt = session, vault, learnt
        self.heard: deque[tuple[Tab, Heard]] = deque()
        self.arrived = 0
        self._told: asyncio.Queue[tuple[Ear, int, str]] = asyncio.Queue()
        self._inner: dict[Frame, Ear] = {}
        self._serving = False
        self._untold = 0  # told by our script, and not yet heard

    async def attend(self, tab: Tab) -> None:
        """Hear what is done in `tab` from now on."""
        if not self._serving:
            self._serving = True
            self._session.spawn(self._serve())
        ear = Ear(tab, tab.cdp)
        visits = Visits(tab, lambda heard: self.note(tab, heard), self._session.spawn)
        await visits.begin()
        tab.cdp.on("Page.javascriptDialogClosed", lambda event: self._answered(tab, event))
        await self._inject(ear)
        tab.page.on("frameattached", lambda frame: self._session.spawn(self._enter(ear, frame)))
        tab.page.on("framenavigated", lambda frame: self._session.spawn(self._enter(ear, frame)))

    def note(self, tab: Tab, heard: Heard) -> None:
        """Take note of something that was done in `tab`."""
        self.arrived += 1
        self.heard.append((tab, heard))
        self._session.bell.ring()

    @property
    def idle(self) -> bool:
        """Whether all that was told has been taken."""
        return not (self._untold or self.heard)

    def take(self) -> Heard | None:
        """The next that was done; a tab that it is the first of has come to the front by it."""
        if not self.heard:
            return None
        tab, heard = self.heard[0]
        if tab is not self._session.current and tab in self._session.tabs:
            self._session.choose(tab)
            return Switched(self._session.tabs.index(tab))
        self.heard.popleft()
        return heard

    async def _inject(self, ear: Ear) -> None:
        cdp = ear.cdp
        cdp.on("Runtime.executionContextCreated", lambda event: _met(ear, event["context"]))
        cdp.on("Runtime.bindingCalled", lambda event: self._called(ear, event))
        await cdp.send("Runtime.enable")
        await cdp.send("Page.enable")
        await cdp.send("Runtime.addBinding", {"name": WORLD, "executionContextName": WORLD})
        first = {"source": source(), "worldName": WORLD, "runImmediately": True}
        await cdp.send("Page.addScriptToEvaluateOnNewDocument", first)
        # After ours, since a picker keeps what is done in it from everyone that listens later.
        await cdp.send("Page.addScriptToEvaluateOnNewDocument", {"source": pickers.source(), "runImmediately": True})
        tree = await cdp.send("Page.getFrameTree")
        ear.root = str(tree["frameTree"]["frame"]["id"])

    async def _enter(self, ear: Ear, frame: Frame) -> None:
        """Hear a frame that has a process of its own too; all others belong to their tab's session."""
        if frame is ear.tab.page.main_frame:
            return
        try:
            cdp = await self._session.context.new_cdp_session(frame)
        except PlaywrightError:
            self._inner.pop(frame, None)
            return
        above = frame.parent_frame
        while above is not None and above not in self._inner:
            above = above.parent_frame
        inner = self._inner[frame] = Ear(ear.tab, cdp, self._inner[above] if above else ear)
        try:
            await self._inject(inner)
        except PlaywrightError:  # it is gone again
            self._inner.pop(frame, None)

    def _called(self, ear: Ear, event: Mapping[str, object]) -> None:
        context = event["executionContextId"]
        assert isinstance(context, int)
        if event["name"] == WORLD and context in ear.worlds:
            self._untold += 1
            self._told.put_nowait((ear, context, str(event["payload"])))

    def _answered(self, tab: Tab, event: Mapping[str, object]) -> None:
        """A dialog was closed by the person; what it was given is told with it."""
        closed = next((dialog for dialog in self._session.dialogs if dialog.page is tab.page), None)
        if closed is None:
            return
        self._session.dialogs.remove(closed)
        accepted, said = bool(event["result"]), str(event.get("userInput", ""))
        changed = accepted and closed.type == "prompt" and said != closed.default_value
        self.note(tab, Answered(accepted, said if changed else None))

    async def _serve(self) -> None:
        """Read what our script tells, one after the other."""
        while True:
            await self._hear(*await self._told.get())
            self._untold -= 1  # by now it is among what was heard, so that `idle` never lies
            self._session.bell.ring()

    async def _hear(self, ear: Ear, context: int, payload: str) -> None:
        told = TOLD.validate_json(payload)
        if told.kind not in PASSIVE:
            self.arrived += 1
        frame, origin = ear.worlds[context]
        try:
            quads = await self._where(ear, frame, fresh=told.kind in ("down", "over", "rest", "wheel"))
        except (PlaywrightError, TimeoutError):
            return  # the frame went before anybody knew where it was
        for one in self._read(ear, told, quads, f"{frame} {context}", origin):
            self.heard.append((ear.tab, one))

    def _read(self, ear: Ear, told: Told, quads: tuple[Quad, ...], place: str, origin: str) -> tuple[Heard, ...]:
        if told.field.kind == "secret":
            self._vault.learn(told.field.named(place), told.value, (origin, ear.tab.page.url))
            self._learnt()

        def at(x: float, y: float) -> Point:
            wide, high = told.wide, told.high
            for quad in quads:
                x, y = quad.place(x / wide, y / high)
                wide, high = quad.wide, quad.high
            return shown(self._session, x, y)

        return heard(told, at, place)

    async def _where(self, ear: Ear, frame: str, *, fresh: bool) -> tuple[Quad, ...]:
        """How places of `frame` become places of the page: through each frame with a process of its own."""
        quads: list[Quad] = []
        at: Ear | None = ear
        while at is not None:
            owner = at.parent if frame == at.root else at
            if owner is None:
                break
            known = owner.places.get(frame)
            if fresh or known is None:
                try:
                    known = owner.places[frame] = await _quad(owner, frame)
                except (PlaywrightError, TimeoutError):
                    if known is None:
                        raise
            quads.append(known)
            frame, at = owner.root, owner
        return tuple(quads)


async def _quad(ear: Ear, frame: str) -> Quad:
    """Where the inside of a frame lies in the page of `ear`, and how large that is."""
    async with asyncio.timeout(PATIENCE):
        owner = await ear.cdp.send("DOM.getFrameOwner", {"frameId": frame})
        box = await ear.cdp.send("DOM.getBoxModel", {"backendNodeId": owner["backendNodeId"]})
        view = await ear.cdp.send("Page.getLayoutMetrics")
    inner = view["cssLayoutViewport"]
    corners = _QUAD.validate_python(box["model"]["content"])
    return Quad(corners, float(inner["clientWidth"]), float(inner["clientHeight"]))


def _met(ear: Ear, context: Mapping[str, object]) -> None:
    """Take note of a context of our script."""
    data, number = context["auxData"], context["id"]
    if context["name"] == WORLD and isinstance(data, dict) and isinstance(number, int):
        ear.worlds[number] = (str(data["frameId"]), str(context["origin"]))
