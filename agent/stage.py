"""Build an environment from its description, and serve the pages it needs."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from urllib.parse import quote

from agent.care import ANY, NO_CARE, Care, CareError, named, network, secrets
from agent.place import Place
from agent.schema import EnvironmentEntry
from agent.script import Loaded
from agent.site import Site
from env import Browser, BrowserOptions, Desktop, DesktopOptions, Environment, MiniWoB, Screens
from env.secrets import NONE, Secrets

_NO_VALUES: Mapping[str, str] = MappingProxyType({})


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

    @property
    def secrets(self) -> Secrets:
        """What no record and no model may be told."""
        return self.env.options.secrets if isinstance(self.env, Browser) else NONE


@contextmanager
def open_stage(
    entry: EnvironmentEntry,
    *,
    headed: bool = False,
    start: str = "",
    values: Mapping[str, str] = _NO_VALUES,
    access: Place | None = None,
) -> Iterator[Stage]:
    """The environment of a script or a record, until the with-block ends.

    `values` are its secrets by name; those without an origin of their own are for that of `start`. Where pages are
    served here, that is the start, and it may be spoken to. `access` is where a script says what no record keeps.
    Raises `StageError` where that is missing.
    """
    with (
        served(entry) as here,
        build(here, headed=headed, start=here.origin or start, values=values, access=access) as env,
    ):
        yield Stage(env, here)


@contextmanager
def served(entry: EnvironmentEntry) -> Iterator[EnvironmentEntry]:
    """`entry` as it is while its pages are served, until the with-block ends; itself where it has none."""
    if entry.site is None:
        yield entry
        return
    try:
        site = Site(Path(entry.site))
    except FileNotFoundError as error:
        raise StageError(str(error)) from error
    with site:
        moved = [origin for origin in entry.network or () if origin != entry.origin]
        network = None if entry.network is None else (site.origin, *moved)
        yield entry.model_copy(update={"origin": site.origin, "network": network})


def build(
    entry: EnvironmentEntry,
    *,
    headed: bool = False,
    start: str = "",
    values: Mapping[str, str] = _NO_VALUES,
    access: Place | None = None,
) -> Environment:
    """The bare environment."""
    match entry.kind:
        case "browser":
            found = replace(options(entry, start, values, access), headed=headed)
            try:
                return Browser(found)
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


def options(
    entry: EnvironmentEntry, start: str = "", values: Mapping[str, str] = _NO_VALUES, access: Place | None = None
) -> BrowserOptions:
    """How the browser of a script or a record is started.

    `StageError` for an origin that is none, a secret without a value, and what does not go together.
    """
    from env.browser import Geolocation

    if entry.withheld and access is None:
        raise StageError(
            f"the run had {', '.join(entry.withheld)}, which no record keeps and its script has; give that"
        )
    usual = BrowserOptions()
    size = (entry.width, entry.height) if entry.width and entry.height else usual.size
    try:
        return BrowserOptions(
            size=size,
            device=entry.device or "",
            locale=entry.locale or usual.locale,
            timezone=entry.timezone or usual.timezone,
            color_scheme=entry.color_scheme or usual.color_scheme,
            geolocation=Geolocation(*entry.geolocation) if entry.geolocation else None,
            permissions=entry.permissions,
            storage_state=Path(entry.storage_state) if entry.storage_state else None,
            headers=access.headers if access else usual.headers,
            credentials=access.credentials.checked() if access and access.credentials else None,
            proxy=access.proxy.checked() if access and access.proxy else None,
            network=network(entry.network),
            secrets=secrets(entry.secrets, values, start),
            masks=entry.masks,
            downloads=entry.downloads,
        )
    except CareError as error:
        raise StageError(str(error)) from error
    except ValueError as error:
        raise StageError(f"environment.{error}") from error


def browser(start: str, size: tuple[int, int], care: Care) -> EnvironmentEntry:
    """The browser of a run without a script: it may speak to all, unless `care` adds origins to that of `start`."""
    origins = (*named(start, (), ()), *care.allow)
    return EnvironmentEntry(
        kind="browser",
        width=size[0],
        height=size[1],
        network=origins if care.allow and ANY not in origins else None,
        secrets={name: () for name in care.values},
        downloads=care.downloads,
    )


def known(entry: EnvironmentEntry, start: str, values: Mapping[str, str], access: Place | None = None) -> Secrets:
    """The secrets of a browser that is described so, before it is started. Raises `StageError`."""
    return options(entry, start, values, access).secrets


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


def ready(loaded: Loaded, care: Care = NO_CARE) -> EnvironmentEntry:
    """The environment that a script asks for, as records describe it; `StageError` where it cannot be started."""
    place, script = loaded.script.environment, loaded.script
    if place.kind != "browser" and (script.secrets or script.network or script.masks):
        raise StageError(f"{loaded.path}: network, secrets and masks are for a browser, not for {place.kind}")
    if place.kind != "browser" and care.allow:
        raise StageError(f"{loaded.path}: --allow is for a browser, not for {place.kind}")
    if place.kind == "desktop" and care.caution and not care.caution.always:
        raise StageError(
            f"{loaded.path}: nobody can tell what is a risk on a desktop; --approve always asks of each action"
        )
    if place.kind == "desktop":
        return _desk(loaded)
    found = _browser(loaded, care) if place.kind == "browser" else EnvironmentEntry(kind=place.kind)
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


def _browser(loaded: Loaded, care: Care) -> EnvironmentEntry:
    """The browser that a script asks for; what holds secrets is named and not kept."""
    place, script = loaded.script.environment, loaded.script
    spot, own = place.geolocation, place.model_fields_set
    acts = [action for actions in script.played for action in actions]
    origins = (*named(script.start, script.checks, acts), *script.network, *care.allow)
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
        network=None if ANY in origins else origins,
        secrets=script.secrets,
        masks=script.masks,
        downloads=care.downloads,
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


def hidden(loaded: Loaded, care: Care) -> Secrets:
    """The secrets of a script; `StageError` where it cannot be started."""
    entry = ready(loaded, care)
    if entry.kind != "browser":
        return NONE
    start = "http://127.0.0.1" if entry.site else loaded.script.start
    try:
        return known(entry, start, care.values, loaded.script.environment)
    except StageError as error:
        raise StageError(f"{loaded.path}: {error}") from error


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
