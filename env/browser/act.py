"""Carrying actions out with the browser's mouse and keyboard."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from playwright.async_api import Error as PlaywrightError

from actions.action import (
    Action,
    ActionError,
    Answer,
    AskUser,
    Back,
    Click,
    Drag,
    Finish,
    Key,
    Move,
    Navigate,
    Point,
    Scroll,
    Select,
    Tab,
    Type,
    Upload,
    Wait,
)
from env import keys
from env.browser.element import choose, hit
from env.browser.navigate import back, navigate
from env.browser.session import Session

STEPS = 4  # mouse moves on each leg of a drag: pages start one only after a few
CHOOSER = 2.0  # seconds in which a click has to open its file chooser
PER_CHARACTER = 0.05  # seconds that typing may take, generously


def patience(action: Action, usual: float) -> float:
    """How many seconds `action` may take at most."""
    if isinstance(action, Wait):
        return usual + action.seconds
    if isinstance(action, Type):
        return usual + PER_CHARACTER * len(action.text)
    return usual


async def act(session: Session, action: Action) -> None:
    """Do `action` on the current tab, and note its target. ActionError where it cannot be done."""
    match action:
        case Click() | Move() | Scroll() | Drag():
            await _point(session, action)
        case Type():
            session.target = session.focus
            await _type(session, action.text)
        case Key():
            session.target = session.focus
            await press(session, keys.chord(action.keys))
        case Wait():
            await session.bell.until(lambda: bool(session.dialogs or session.broken), action.seconds)
        case Navigate():
            await navigate(session, action.url)
        case Back():
            await back(session)
        case Tab():
            await _tab(session, action.index)
        case Select():
            session.target = await choose(session, *css(session, action.at), action.label)
        case Upload():
            await _upload(session, action)
        case Answer() | AskUser() | Finish():
            raise ActionError(f"{action.kind}: is said to the user, not done to the screen")


def css(session: Session, point: Point | None) -> tuple[float, float]:
    """A pixel of the screenshot as CSS pixels; None is where the pointer is. The one place that divides."""
    if point is None:
        return session.pointer
    scale = session.options.device_scale_factor
    return point.x / scale, point.y / scale


async def _point(session: Session, action: Click | Move | Scroll | Drag) -> None:
    """What the pointer does."""
    mouse = session.current.page.mouse
    path = action.path if isinstance(action, Drag) else (action.at,)
    places = [css(session, point) for point in path]
    if len(places) == 1 and isinstance(action, Drag):
        places.insert(0, session.pointer)
    x, y = places[0]
    session.target = await hit(session, x, y)
    session.pointer = places[-1]
    match action:
        case Click():
            async with held(session, [keys.MODIFIERS[name] for name in action.modifiers]):
                await mouse.click(x, y, button=action.button, click_count=action.count)
        case Move():
            await mouse.move(x, y)
        case Scroll():
            await mouse.move(x, y)
            scale = session.options.device_scale_factor
            await mouse.wheel(action.dx / scale, action.dy / scale)
        case Drag():
            await _drag(session, places)


async def _drag(session: Session, places: Sequence[tuple[float, float]]) -> None:
    mouse = session.current.page.mouse
    await mouse.move(*places[0])
    await mouse.down()
    try:
        for x, y in places[1:]:
            await mouse.move(x, y, steps=STEPS)
    finally:
        await mouse.up()


@asynccontextmanager
async def held(session: Session, names: Sequence[str]) -> AsyncIterator[None]:
    """The keys `names` are down while entered, pressed in order and released in reverse whatever happens."""
    keyboard = session.current.page.keyboard
    down: list[str] = []
    try:
        for name in names:
            down.append(name)
            await keyboard.down(name)
        yield
    finally:
        for name in reversed(down):
            await keyboard.up(name)


async def press(session: Session, names: Sequence[str]) -> None:
    """Press `names` in order and release them in reverse."""
    async with held(session, names):
        pass


async def _type(session: Session, text: str) -> None:
    keyboard, cdp = session.current.page.keyboard, session.current.cdp
    for typed, run in keys.runs(text):
        if not typed:
            # Playwright would insert these at the selection, which need not be where the focus is.
            for character in run:
                for kind in ("keyDown", "keyUp"):
                    event = {"type": kind, "key": character, "text": character if kind == "keyDown" else ""}
                    await cdp.send("Input.dispatchKeyEvent", event)
            continue
        for place, line in enumerate(run.split("\t")):
            if place:
                await keyboard.press("Tab")
            await keyboard.type(line)


async def _tab(session: Session, index: int) -> None:
    if index >= len(session.tabs):
        known = "; ".join(f"{number}: {name}" for number, name in enumerate(session.names()))
        raise ActionError(f"index: there is no tab {index}; open are {known}")
    await session.show(session.tabs[index])


async def _upload(session: Session, action: Upload) -> None:
    files = [allowed(session.options.uploads, name) for name in action.files]
    page, place = session.current.page, css(session, action.at)
    session.target = await hit(session, *place)
    session.pointer, session.chooser = place, None
    await page.mouse.click(*place)
    if not await session.bell.until(lambda: session.chooser is not None, CHOOSER) or session.chooser is None:
        raise ActionError(f"at: the click on {session.target or 'this place'} opened no file chooser")
    try:
        await session.chooser.set_files(files)
    except PlaywrightError as error:
        if page.is_closed() or session.broken:
            raise
        raise ActionError(f"files: {error.message.splitlines()[0]}") from error


def allowed(folder: Path | None, name: str) -> Path:
    """The file `name` inside `folder`; ActionError for anything else, since the name is a model's word."""
    if folder is None:
        raise ActionError("files: nothing may be uploaded here; the browser was given no uploads folder")
    root = folder.resolve()
    path = (root / name).resolve()
    if not path.is_relative_to(root) or not path.is_file():
        known = ", ".join(sorted(entry.name for entry in root.iterdir() if entry.is_file()))
        raise ActionError(f"files: {name!r} is not among the files that may be uploaded: {known or 'none'}")
    return path


async def answer(session: Session, action: Action) -> None:
    """Answer the dialog that is open: enter accepts, escape dismisses, text fills a prompt."""
    dialog = session.dialogs[0]
    if isinstance(action, Type) and dialog.type == "prompt":
        keys.runs(action.text)
        session.answer = action.text.rstrip("\n")
        if not action.text.endswith("\n"):
            session.focus = f'dialog "{session.answer}"'
            return
        names = ["Enter"]
    else:
        names = keys.chord(action.keys) if isinstance(action, Key) else []
    if names not in (["Enter"], ["Escape"]):
        also = " or type the text" if dialog.type == "prompt" else ""
        raise ActionError(
            f"{action.kind}: a dialog is open ({session.dialog}) and has to be answered first: "
            f"press enter to accept, escape to dismiss{also}"
        )
    said = session.answer if session.answer is not None else dialog.default_value
    session.dialogs.remove(dialog)
    session.answer = None
    if names == ["Enter"]:
        await dialog.accept(said if dialog.type == "prompt" else None)
    else:
        await dialog.dismiss()
