"""A browser in which a person acts, and we look on."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace

from env.browser.browser import DEFAULTS, Browser
from env.browser.downloads import Downloads
from env.browser.ears import Ears
from env.browser.options import BrowserOptions
from env.browser.session import Session
from env.browser.vault import Vault
from env.deed import Deed
from env.environment import EnvironmentBroken, Task
from env.heard import Field, Heard
from env.observation import Observation
from env.onlook import Mark, Onlooker
from env.secrets import Secrets

WAKE = 5.0  # seconds beyond its time that waiting for a person may take to answer


class AttendedBrowser(Browser):
    """A Chromium window of a person's own; what they do in it is told as deeds.

    What is typed into fields that hide it becomes a secret of this browser: see `secrets`.
    """

    def __init__(self, options: BrowserOptions = DEFAULTS, *, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(replace(options, attended=True), clock=clock)
        self._vault = Vault(options.secrets.known)
        self._ears: Ears | None = None
        self._onlooker: Onlooker | None = None

    def reset(self, task: Task) -> Observation:
        """Open `task.start`, from where on the person acts."""
        first = super().reset(task)
        self._heard().heard.clear()
        self._onlooker = Onlooker(self, first, self._clock)
        return first

    def deed(self, seconds: float) -> Deed | None:
        """The next deed; None where `seconds` pass without one. An open one may come again, as it is by then."""
        return self._looking_on().deed(seconds)

    def last(self) -> Deed | None:
        """The deed that was still open, ended."""
        return self._looking_on().last(alive=not self.ended and self._broken is None)

    def pause(self, *, on: bool) -> None:
        """Take no notice of the person from here on, or take notice again."""
        self._looking_on().pause(on=on)

    @property
    def rested(self) -> bool:
        """Whether the screen was seen at rest after all that was done."""
        return self._heard().idle and self._looking_on().rested

    @property
    def shown(self) -> Observation:
        """The screen after all deeds so far."""
        return self._looking_on().shown

    @property
    def ended(self) -> bool:
        """Whether the person has closed the window; a page that crashed is none of theirs."""
        return self._session is not None and self._session.ended

    @property
    def secrets(self) -> Secrets:
        """What was typed into fields that hide it, so far."""
        return self._vault.secrets

    @property
    def bound(self) -> Mapping[str, tuple[str, ...]]:
        """What stands for them in actions, and the origins that each was typed into."""
        return self._vault.bound

    @property
    def arrived(self) -> int:
        """How much has been done so far, whether or not it has been taken."""
        return self._heard().arrived

    def take(self) -> Heard | None:
        """The next that was done; None where there is nothing new."""
        return self._heard().take()

    def wait(self, seconds: float) -> bool:
        """Wait until there is something to take, or the window is closed."""
        return self._call(self._woken(self._open(), seconds), seconds + WAKE)

    def mark(self) -> Mark:
        """Where the current tab stands."""
        session = self._session
        assert session is not None
        window = session.current.name if len(session.tabs) > 1 else ""
        return Mark(session.navigations, tuple(session.downloads.files), window)

    def name(self, field: Field) -> str:
        """What stands for the secret in `field`."""
        return self._vault.name(field)

    async def _woken(self, session: Session, seconds: float) -> bool:
        ears = self._heard()
        woken = await session.bell.until(lambda: bool(ears.heard or session.ended or session.broken), seconds)
        if session.broken and not session.ended:
            raise session.broken
        return woken

    def _heard(self) -> Ears:
        if self._ears is None:
            raise EnvironmentBroken("closed", "no page is open yet; reset first")
        return self._ears

    def _looking_on(self) -> Onlooker:
        if self._onlooker is None:
            raise EnvironmentBroken("closed", "no page is open yet; reset first")
        return self._onlooker

    async def _opened(self, files: Downloads) -> Session:
        session = await super()._opened(files)
        self._ears = Ears(session, self._vault, self._learnt)
        session.welcome = self._ears.attend
        return session

    def _learnt(self) -> None:
        """Hide every word that is a secret by now: in pictures, and in all that is said."""
        session, secrets = self._session, self._vault.secrets
        if session is not None:
            self.options = session.options = replace(self.options, secrets=secrets)
            session.typed = list(secrets.known)
