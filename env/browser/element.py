"""What lies at a place of the page, asked of the page itself."""

from __future__ import annotations

import asyncio

from playwright.async_api import Error as PlaywrightError
from pydantic import TypeAdapter

from actions.action import ActionError
from env.browser import script
from env.browser.session import Session, Tab
from env.observation import Value
from env.untrusted import page

PATIENCE = 1.0  # seconds; a page that does not answer by then gets its action all the same
STALLED = 0.1  # seconds for a page that has not answered before
LONGEST = 80  # characters of an option that are told
DEPTH = 4  # frames of other origins within each other

CHOOSE = """(x, y, label) => {
  const element = %s;
  return element.closed(x, y) ? null : element.choose(x, y, label);
}"""

CORNER = """frame => {
  const box = frame.getBoundingClientRect();
  return [box.left + frame.clientLeft, box.top + frame.clientTop];
}"""

_PLACE = TypeAdapter(tuple[float, float])
_VALUE: TypeAdapter[Value] = TypeAdapter(Value)


async def scale(session: Session) -> float:
    """How large the page is shown: a phone shows one that was not made for it at less than 1.

    The browser counts places of its input in CSS pixels of the page, and not in those of the window.
    """
    try:
        async with asyncio.timeout(waiting(session.current)):
            said = await script.evaluate(session.current.cdp, "() => window.visualViewport.scale")
    except (TimeoutError, PlaywrightError, script.ScriptError):
        return 1.0
    return said if isinstance(said, int | float) and said > 0 else 1.0


async def look(session: Session, tab: Tab) -> None:
    """Refresh the title of `tab` and the words for what has the focus, where the page says it in time."""
    try:
        async with asyncio.timeout(waiting(tab)):
            seen = await script.evaluate(tab.cdp, f"{script.source('element.js')}.look")
    except (TimeoutError, PlaywrightError, script.ScriptError):
        return
    if isinstance(seen, dict):
        tab.title, session.focus = str(seen["title"]), str(seen["focus"])
        session.value = _VALUE.validate_python(seen["value"])


async def void(tab: Tab) -> bool:
    """Whether the document of `tab` is empty, as after a server that died early: the browser never draws that."""
    try:
        async with asyncio.timeout(waiting(tab)):
            return bool(await script.evaluate(tab.cdp, "() => !document.documentElement"))
    except (TimeoutError, PlaywrightError, script.ScriptError):
        return False


async def choose(session: Session, x: float, y: float, label: str) -> str:
    """Choose the option `label` of the list at a place in CSS pixels; what the list is called."""
    said = await _chosen(session, x, y, label)
    assert isinstance(said, dict)
    if said.get("chosen"):
        return str(said["found"])
    options = said["options"]
    if not isinstance(options, list):
        raise ActionError(f"at: there is no drop-down list at this place but {page(str(said['found']))}")
    list_, known = page(str(said["found"])), ", ".join(page(str(option), LONGEST) for option in options[:30])
    raise ActionError(f"label: {list_} has no option {label!r} that can be chosen; it has {known}")


def waiting(tab: Tab) -> float:
    """How many seconds a page may take to answer a question."""
    return STALLED if tab.stalled else PATIENCE


async def laid(session: Session, x: float, y: float) -> tuple[float, float]:
    """A place of the window as one of the page's layout: on a phone a page may be shown larger or smaller."""
    if not session.options.mobile:
        return x, y
    said = await script.evaluate(session.current.cdp, f"{script.source('element.js')}.layout", x, y)
    return _PLACE.validate_python(said)


async def _chosen(session: Session, x: float, y: float, label: str) -> script.Json:
    """What comes of choosing in the main frame, and where another origin's frame covers the place, in that frame."""
    source = script.source("element.js")
    cdp, frame = session.current.cdp, session.current.page.main_frame
    x, y = await laid(session, x, y)
    said = await script.evaluate(cdp, CHOOSE % source, x, y, label)
    if said is not None:
        return said
    for _ in range(DEPTH):
        found = await frame.evaluate_handle("([x, y]) => document.elementFromPoint(x, y)", [x, y])
        element = found.as_element()
        inner = await element.content_frame() if element else None
        if element is None or inner is None:
            break
        left, top = await element.evaluate(CORNER)
        frame, x, y = inner, x - left, y - top
    answer: script.Json = await frame.evaluate(f"(args) => ({source}\n).choose(...args)", [x, y, label])
    return answer
