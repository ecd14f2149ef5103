"""Build an environment from its description, and serve the pages it needs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from urllib.parse import quote

from agent.care import ANY, NO_CARE, Care, CareError, named, network, secrets
from agent.schema import EnvironmentEntry
from agent.script import Loaded
from agent.site import Site
from env import Browser, BrowserOptions, Environment, MiniWoB, Screens
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
    entry: EnvironmentEntry, *, headed: bool = False, start: str = "", values: Mapping[str, str] = _NO_VALUES
) -> Iterator[Stage]:
    """The environment of a script or a record, until the with-block ends.

    `values` are its secrets by name; those without an origin of their own are for that of `start`. Where pages are
    served here, that is the start, and it may be spoken to.
    """
    if entry.site is None:
        with build(entry, headed=headed, start=start, values=values) as env:
            yield Stage(env, entry)
        return
    try:
        site = Site(Path(entry.site))
    except FileNotFoundError as error:
        raise StageError(str(error)) from error
    with site:
        moved = [origin for origin in entry.network or () if origin != entry.origin]
        network = None if entry.network is None else (site.origin, *moved)
        entry = entry.model_copy(update={"origin": site.origin, "network": network})
        with build(entry, headed=headed, start=site.origin, values=values) as env:
            yield Stage(env, entry)


def build(
    entry: EnvironmentEntry, *, headed: bool = False, start: str = "", values: Mapping[str, str] = _NO_VALUES
) -> Environment:
    """The bare environment."""
    match entry.kind:
        case "browser":
            return Browser(replace(_guarded(entry, start, values), headed=headed))
        case "miniwob":
            from env.miniwob import OPTIONS

            return MiniWoB(options=replace(OPTIONS, headed=headed))
        case "screens":
            return Screens()
        case "custom":
            raise StageError("the run used an environment of its caller's own; only that program can replay it")


def _guarded(entry: EnvironmentEntry, start: str, values: Mapping[str, str]) -> BrowserOptions:
    """The options of a browser; `StageError` for an origin that is none, or a secret without a value."""
    size = (entry.width, entry.height) if entry.width and entry.height else BrowserOptions().size
    try:
        return BrowserOptions(
            size=size,
            device=entry.device or "",
            network=network(entry.network),
            secrets=secrets(entry.secrets, values, start),
            masks=entry.masks,
            downloads=entry.downloads,
        )
    except CareError as error:
        raise StageError(str(error)) from error


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


def known(entry: EnvironmentEntry, start: str, values: Mapping[str, str]) -> Secrets:
    """The secrets of a browser that is described so, before it is started. Raises `StageError`."""
    return _guarded(entry, start, values).secrets


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
    if place.kind != "browser":
        if script.secrets or script.network or script.masks:
            raise StageError(f"{loaded.path}: network, secrets and masks are for a browser, not for {place.kind}")
        found = EnvironmentEntry(kind=place.kind)
    else:
        origins = (*named(script.start, script.expect, script.actions), *script.network, *care.allow)
        found = EnvironmentEntry(
            kind="browser",
            width=None if place.device else place.width,
            height=None if place.device else place.height,
            device=None if place.device is None else _device(loaded, place.device),
            site=str(loaded.page.parent) if loaded.page else None,
            network=None if ANY in origins else origins,
            secrets=script.secrets,
            masks=script.masks,
            downloads=care.downloads,
        )
    if found.site is None:
        try:
            admit(found, loaded.script.start)
        except StageError as error:
            raise StageError(f"{loaded.path}:{loaded.line}: start: {error}") from error
    return found


def hidden(loaded: Loaded, care: Care) -> Secrets:
    """The secrets of a script; `StageError` where it cannot be started."""
    entry = ready(loaded, care)
    try:
        return known(entry, "http://127.0.0.1" if entry.site else loaded.script.start, care.values)
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
