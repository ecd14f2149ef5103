"""Typing a secret: only into pages that it is meant for, looked at before every single character."""

from __future__ import annotations

from playwright.async_api import Error as PlaywrightError
from playwright.async_api import Frame

from actions.action import ActionError
from env.browser.session import Session
from env.browser.veil import STATE
from env.secrets import Secret
from env.untrusted import page

DEPTH = 8  # frames within each other
ACTIVE = f"() => {STATE}?.active() ?? document.activeElement"
HOLDS = f"() => document.hasFocus() && Boolean({STATE}?.holds())"
KEEP = f"() => {STATE}?.keep()"


def meant(secret: Secret, url: str) -> None:
    """ActionError where a page at `url` may not have the secret."""
    if not secret.origins.allows(url):
        raise ActionError(f"text: {secret} is only typed into pages of {secret.origins}, and this one is {page(url)}")


async def entrust(session: Session, secret: Secret) -> Frame:
    """The frame that has the focus. ActionError where it, or a frame around it, is not of the secret's origins.

    A frame of another origin around it could have put it under something else. Each frame is asked for the next one
    only once its own origin is known, so that none can lie about it.
    """
    frame = session.current.page.main_frame
    for _ in range(DEPTH):
        meant(secret, frame.url)
        try:
            element = (await frame.evaluate_handle(ACTIVE)).as_element()
            inner = await element.content_frame() if element else None
        except PlaywrightError as error:
            if session.broken or session.current.page.is_closed():
                raise
            raise ActionError(f"text: the page changed while {secret} was typed; look at it again") from error
        if inner is None:
            return frame
        frame = inner
    raise ActionError(f"text: the focus is in a frame more than {DEPTH} deep, and {secret} is not typed there")


async def holds(session: Session) -> bool:
    """Whether the focus is on what is covered, in any frame; it may not be copied to where it would not be."""
    for frame in session.current.page.frames:
        try:
            if await frame.evaluate(HOLDS):
                return True
        except PlaywrightError:
            if session.broken or session.current.page.is_closed():
                raise
    return False


async def keep(session: Session, frame: Frame, secret: Secret) -> None:
    """Cover the field that has the focus from now on, and `secret` wherever this page shows it."""
    if secret not in session.typed:
        session.typed.append(secret)
    try:
        await frame.evaluate(KEEP)
    except PlaywrightError:
        if session.broken or session.current.page.is_closed():
            raise
