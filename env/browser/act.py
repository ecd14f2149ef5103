"""Carrying actions out in the browser."""

from __future__ import annotations

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
    Scroll,
    Select,
    Tab,
    Type,
    Upload,
    Wait,
)
from env import keys
from env.browser import veil
from env.browser.element import choose
from env.browser.entrust import entrust, holds, keep, meant
from env.browser.evidence import hit
from env.browser.navigate import back, navigate
from env.browser.pointer import css, held, point
from env.browser.session import Session
from env.untrusted import page as written

COPIES = frozenset({"Control+c", "Control+x", "Control+Insert", "Shift+Delete", "Meta+c", "Meta+x"})
CHOOSER = 2.0  # seconds in which a click has to open its file chooser
PER_PRESS = 0.05  # seconds that a press of one key may take, generously


def patience(action: Action, usual: float) -> float:
    """How many seconds `action` may take at most."""
    if isinstance(action, Wait):
        return usual + action.seconds
    if isinstance(action, Type):
        return usual + PER_PRESS * len(action.text)
    if isinstance(action, Click | Key):
        return usual + (PER_PRESS + action.hold) * action.count
    return usual


async def act(session: Session, action: Action) -> None:
    """Do `action` on the current tab, and note its target. ActionError where it cannot be done."""
    match action:
        case Click() | Move() | Scroll() | Drag():
            await point(session, action)
        case Type():
            await _enter(session, action)
        case Key():
            await _chord(session, action)
        case Wait():
            await session.linger(action.seconds)
        case Navigate():
            await navigate(session, action.url)
        case Back():
            await back(session)
        case Tab():
            await _tab(session, action.index)
        case Select():
            place = css(session, action.at)
            _, session.evidence = await hit(session, place)
            session.target = await choose(session, *place, action.label)
        case Upload():
            await _upload(session, action)
        case Answer() | AskUser() | Finish():
            raise ActionError(f"{action.kind}: is said to the user, not done to the screen")


async def _chord(session: Session, action: Key) -> None:
    """Press the keys; ActionError where that would copy a secret."""
    session.target, names = session.focus, keys.chord(action.keys)
    if session.typed and COPIES & {"+".join(names)} and await holds(session):
        raise ActionError(f"keys: {'+'.join(action.keys)} would copy a secret, which stays where it was typed")
    for _ in range(action.count):
        async with held(session, names):
            await session.linger(action.hold)


async def _enter(session: Session, action: Type) -> None:
    """Type, after a click where the action names a place, and over what stands there where it asks for that."""
    pieces = list(session.options.secrets.pieces(action.text))
    for piece in pieces:  # an ActionError for what cannot be typed, before anything is clicked
        if isinstance(piece, str):
            keys.runs(piece)
        else:
            meant(piece, session.url)
    session.target = session.focus
    if action.at is not None:
        await point(session, Click(at=action.at))
    for piece in pieces:  # and before anything is cleared
        if not isinstance(piece, str):
            await entrust(session, piece)
    if action.replace:
        await session.current.page.keyboard.press("ControlOrMeta+a")
        await session.current.page.keyboard.press("Delete")
    await _type(session, action.text)


async def _type(session: Session, text: str) -> None:
    """Type `text`, and for the name of a secret the secret itself, where the page may have it."""
    for piece in session.options.secrets.pieces(text):
        if isinstance(piece, str):
            await _press(session, piece)
            continue
        for character in piece.value:
            frame = await entrust(session, piece)
            await keep(session, frame, piece)
            await _press(session, character)
        # Whatever comes next may lead to a page that says nothing, and the picture of this one is to be covered then.
        session.veiled = await veil.find(session, session.current)
        session.png = b""  # what was decoded of the last picture knew nothing of these places


async def _press(session: Session, text: str) -> None:
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
        known = "; ".join(f"{number}: {written(name)}" for number, name in enumerate(session.names()))
        raise ActionError(f"index: there is no tab {index}; open are {known}")
    await session.show(session.tabs[index])


async def _upload(session: Session, action: Upload) -> None:
    files = [allowed(session.options.uploads, name) for name in action.files]
    page, session.chooser = session.current.page, None
    await point(session, Click(at=action.at))
    if not await session.bell.until(lambda: session.chooser is not None, CHOOSER) or session.chooser is None:
        raise ActionError(f"at: the click on {written(session.target or 'this place')} opened no file chooser")
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
    if isinstance(action, Type) and session.options.secrets.asked(action.text):
        raise ActionError("text: a secret is typed into pages alone, and here a dialog is open")
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
            f"{action.kind}: a dialog is open ({written(session.dialog)}) and has to be answered first: "
            f"press enter to accept, escape to dismiss{also}"
        )
    said = session.answer if session.answer is not None else dialog.default_value
    session.dialogs.remove(dialog)
    session.answer = None
    if names == ["Enter"]:
        await dialog.accept(said if dialog.type == "prompt" else None)
    else:
        await dialog.dismiss()
