"""Build an environment from its description, and serve the pages it needs."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote

from agent.place import Place
from agent.schema import EnvironmentEntry
from agent.script import Loaded
from agent.site import Site
from env import Browser, BrowserOptions, Desktop, DesktopOptions, Environment, MiniWoB, Screens


class StageError(ValueError):
    """An environment that cannot be built as described: nothing was started."""


@dataclass(frozen=True)
class Stage:
    """An environment, its description for the record, and where its pages are served."""

    env: Environment
    entry: EnvironmentEntry

    @property
    def origin(self) -> str:
        """Where the pages are served; empty where none are."""
        return self.entry.origin or ""


@contextmanager
def open_stage(entry: EnvironmentEntry, *, headed: bool = False, access: Place | None = None) -> Iterator[Stage]:
    """The environment of a script or a record, until the with-block ends.

    `access` is where a script says what no record keeps. Raises `StageError` where that is missing.
    """
    if entry.site is None:
        with build(entry, headed=headed, access=access) as env:
            yield Stage(env, entry)
        return
    try:
        site = Site(Path(entry.site))
    except FileNotFoundError as error:
        raise StageError(str(error)) from error
    with site, build(entry, headed=headed, access=access) as env:
        yield Stage(env, entry.model_copy(update={"origin": site.origin}))


def build(entry: EnvironmentEntry, *, headed: bool = False, access: Place | None = None) -> Environment:
    """The bare environment."""
    match entry.kind:
        case "browser":
            try:
                return Browser(options(entry, headed=headed, access=access))
            except StageError:
                raise
            except ValueError as error:
                raise StageError(f"environment.{error}") from error
        case "miniwob":
            from env.miniwob import OPTIONS

            return MiniWoB(options=replace(OPTIONS, headed=headed))
        case "screens":
            return Screens()
        case "desktop":
            return Desktop(_desktop(entry))
        case "custom":
            raise StageError("the run used an environment of its caller's own; only that program can replay it")


def options(entry: EnvironmentEntry, *, headed: bool = False, access: Place | None = None) -> BrowserOptions:
    """How the browser of a script or a record is started."""
    from env.browser import Geolocation

    if entry.withheld and access is None:
        raise StageError(f"the run had {', '.join(entry.withheld)}, which no record keeps; run its script instead")
    usual = BrowserOptions()
    size = (entry.width, entry.height) if entry.width and entry.height else usual.size
    found = BrowserOptions(
        size=size,
        device=entry.device or "",
        headed=headed,
        locale=entry.locale or usual.locale,
        timezone=entry.timezone or usual.timezone,
        color_scheme=entry.color_scheme or usual.color_scheme,
        geolocation=Geolocation(*entry.geolocation) if entry.geolocation else None,
        permissions=entry.permissions,
        storage_state=Path(entry.storage_state) if entry.storage_state else None,
    )
    if access is None:
        return found
    return replace(
        found,
        headers=access.headers,
        credentials=access.credentials.checked() if access.credentials else None,
        proxy=access.proxy.checked() if access.proxy else None,
    )


def admit(entry: EnvironmentEntry, start: str) -> None:
    """Raise `StageError` where this kind of environment has no such start; nothing is opened for it."""
    if entry.kind == "browser":
        from env.browser.navigate import BLANK, address

        try:
            address(start or BLANK, files=True)
        except ValueError as error:
            raise StageError(str(error)) from error
        return
    known = starts(entry)
    if known and start not in known:
        raise StageError(f"{start!r}: {entry.kind} has {', '.join(sorted(known))}")


def starts(entry: EnvironmentEntry) -> frozenset[str]:
    """The names of all that may be started from; empty where anything may."""
    if entry.kind == "miniwob":
        from env.miniwob.site import page_names

        return page_names()
    if entry.kind == "screens":
        from env.screens import SIGN_IN

        return frozenset(screen.name for screen in SIGN_IN.screens)
    return frozenset()


def ready(loaded: Loaded) -> EnvironmentEntry:
    """The environment that a script asks for, as records describe it; `StageError` where it cannot be started."""
    place = loaded.script.environment
    if place.kind == "desktop":
        return _desk(loaded)
    found = _browser(loaded, place) if place.kind == "browser" else EnvironmentEntry(kind=place.kind)
    if found.site is None:
        try:
            admit(found, loaded.script.start)
        except StageError as error:
            raise StageError(f"{loaded.path}:{loaded.line}: start: {error}") from error
    return found


def _desk(loaded: Loaded) -> EnvironmentEntry:
    """The desktop that a script asks for, where its program is there."""
    place, folder = loaded.script.environment, loaded.path.parent.resolve()
    name = place.program[0]
    if not (folder / name).is_file() if "/" in name else shutil.which(name) is None:
        raise StageError(f"{loaded.path}: environment.program: there is no program {name!r}")
    return EnvironmentEntry(
        kind="desktop",
        width=place.width,
        height=place.height,
        program=place.program,
        folder=str(folder),
        window_manager=place.window_manager,
    )


def _desktop(entry: EnvironmentEntry) -> DesktopOptions:
    usual = DesktopOptions()
    return replace(
        usual,
        size=(entry.width or usual.size[0], entry.height or usual.size[1]),
        program=entry.program,
        folder=Path(entry.folder) if entry.folder else None,
        window_manager=entry.window_manager,
    )


def _browser(loaded: Loaded, place: Place) -> EnvironmentEntry:
    """The browser that a script asks for; what holds secrets is named and not kept."""
    spot = place.geolocation
    own = place.model_fields_set
    return EnvironmentEntry(
        kind="browser",
        width=None if place.device else place.width,
        height=None if place.device else place.height,
        device=_device(loaded, place.device) if place.device else None,
        locale=place.locale if "locale" in own else None,
        timezone=place.timezone if "timezone" in own else None,
        color_scheme=place.color_scheme if "color_scheme" in own else None,
        geolocation=(spot.latitude, spot.longitude, spot.accuracy) if spot else None,
        permissions=place.permissions,
        storage_state=_storage(loaded, place.storage_state) if place.storage_state else None,
        withheld=tuple(name for name in ("credentials", "headers", "proxy") if name in own),
        site=str(loaded.page.parent) if loaded.page else None,
    )


def _storage(loaded: Loaded, name: str) -> str:
    """The whole path of a storage beside the script, where it can be read."""
    from env.browser.storage import read

    path = (loaded.path.parent / name).resolve()
    try:
        read(path)
    except ValueError as error:
        raise StageError(f"{loaded.path}: environment.{error}") from error
    return str(path)


def _device(loaded: Loaded, name: str) -> str:
    """`name`, where there is such a device."""
    from env.browser.device import find

    try:
        find(name)
    except ValueError as error:
        raise StageError(f"{loaded.path}: environment.{error}") from error
    return name


def start(loaded: Loaded, origin: str) -> str:
    """Where a script starts: its page on the site at `origin`, or what it says itself."""
    page, given = loaded.page, loaded.script.start
    if page is None:
        return given
    tail = given[len(given.partition("?")[0].partition("#")[0]) :]
    return f"{origin}/{quote(page.name)}{tail}"
