"""Looking at what an action would hit, with the page's own semantics: roles, forms, links and the words on buttons.

A page may do anything on any click; this finds what honest pages mean, and the network policy holds the others.
"""

from __future__ import annotations

import asyncio

from playwright.async_api import Error as PlaywrightError
from playwright.async_api import Frame, JSHandle
from pydantic import TypeAdapter

from actions.action import Action, Click, Drag, Key, Navigate, Point, Select, Type, Upload, points
from env import keys
from env.browser import element, evidence, script
from env.browser.pointer import css
from env.browser.session import Session
from env.browser.veil import CORNER
from env.foresight import Foresight, Risk
from env.network import origin

DEPTH = 8  # frames within each other
PATIENCE = 2.0  # seconds; a page that does not answer by then leaves open what is there

_RISKS = TypeAdapter(list[Risk])
_CORNER = TypeAdapter(tuple[float, float, float, float, float, float, float, float, float])


async def foresee(session: Session, action: Action) -> Foresight:
    """What `action` would do now; "unknown" where the page does not say in time."""
    if session.dialogs:
        return Foresight(session.dialog, session.url, _accepts(session, action))
    try:
        async with asyncio.timeout(PATIENCE):
            risks = await _risks(session, action)
            places = points(action)
            target = (await evidence.hit(session, css(session, places[0])))[0] if places else session.focus
    except (TimeoutError, PlaywrightError, script.ScriptError):
        if session.broken:
            raise
        return Foresight("", session.url, ("unknown",))
    return Foresight(target, session.url, tuple(dict.fromkeys(risks)))


def _accepts(session: Session, action: Action) -> tuple[Risk, ...]:
    """Accepting an alert says nothing; accepting anything else does."""
    enters = (isinstance(action, Key) and keys.chord(action.keys) == ["Enter"]) or (
        isinstance(action, Type) and action.text.endswith("\n")
    )
    return ("dialog",) if enters and session.dialogs[0].type != "alert" else ()


async def _risks(session: Session, action: Action) -> list[Risk]:
    match action:
        case Upload():
            return ["upload"]
        case Navigate():
            here, there = origin(session.url), origin(action.url)
            return ["origin"] if here is not None and here != there else []
        case Click() | Select():
            return await _at(session, action.at)
        case Drag():
            return await _at(session, action.path[-1])
        case Type():
            return await _typed(session, action)
        case Key():
            return await _keys(session, keys.chord(action.keys))
        case _:
            return []


async def _typed(session: Session, action: Type) -> list[Risk]:
    """A line break is the enter key, and a blank on a button presses it; a tab before them leads who knows where."""
    risks = await _at(session, action.at) if action.at else []
    line, presses, _ = action.text.partition("\n")
    if presses and "\t" in line:
        return [*risks, "unknown"]
    if presses:
        risks += await (_at(session, action.at, "entered") if action.at else _focused(session, "entered"))
    if " " in action.text and not action.at:
        risks += await _focused(session, "pressed")
    return risks


async def _keys(session: Session, names: list[str]) -> list[Risk]:
    questions = {"Enter": "entered", "NumpadEnter": "entered", " ": "pressed", "Space": "pressed", "Delete": "loose"}
    asked = [questions[name] for name in names if name in questions]
    if "Enter" in names and {"Control", "Meta"} & set(names):  # many pages send by it what enter alone does not
        return ["submit"]
    return [risk for question in asked for risk in await _focused(session, question)]


async def _at(session: Session, at: Point | None, question: str = "hit") -> list[Risk]:
    x, y = await element.laid(session, *css(session, at))
    frame = session.current.page.main_frame
    for _ in range(DEPTH):
        found = (await _handle(frame, "deep", x, y)).as_element()
        inner = await found.content_frame() if found else None
        if found is None or inner is None:
            break
        left, top, _, _, inset, down, across, high, turned = _CORNER.validate_python(await found.evaluate(CORNER))
        if turned or not across or not high:
            return ["unknown"]
        frame, x, y = inner, (x - left - inset) / across, (y - top - down) / high
    return _RISKS.validate_python(await frame.evaluate(_call(question), [x, y]))


async def _focused(session: Session, question: str) -> list[Risk]:
    frame = session.current.page.main_frame
    for _ in range(DEPTH):
        found = (await _handle(frame, "active")).as_element()
        inner = await found.content_frame() if found else None
        if inner is None:
            break
        frame = inner
    return _RISKS.validate_python(await frame.evaluate(_call(question), []))


async def _handle(frame: Frame, question: str, *place: float) -> JSHandle:
    return await frame.evaluate_handle(_call(question), list(place))


def _call(question: str) -> str:
    return f"(args) => ({script.source('foresee.js')}\n).{question}(...args)"
