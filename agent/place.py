"""Where a task script runs: its keys under `environment`."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from env.browser import access

DESKTOP = frozenset({"program", "window_manager"})
"""Keys that a desktop alone has."""


class Part(BaseModel):
    """Frozen, closed to keys it does not know, and without conversions between types."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, use_attribute_docstrings=True)


class Login(Part):
    """A name and a password for servers that ask for them."""

    username: str
    """Who signs in."""
    password: str = Field(repr=False)
    """With which password."""
    origin: str = ""
    """Where alone it is given; everywhere by default."""

    def checked(self) -> access.Credentials:
        """As a browser takes them."""
        return access.Credentials(self.username, self.password, self.origin)


class Route(Part):
    """A proxy, and how to sign in there."""

    server: str
    """Its address, such as http://proxy.example:3128."""
    username: str = ""
    """Who signs in there."""
    password: str = Field(default="", repr=False)
    """With which password."""
    bypass: str = ""
    """Hosts that are reached without it, with commas between them."""

    def checked(self) -> access.Proxy:
        """As a browser takes it."""
        return access.Proxy(self.server, self.username, self.password, self.bypass)


class Spot(Part):
    """A place on earth, in degrees and metres."""

    latitude: float
    """Degrees north."""
    longitude: float
    """Degrees east."""
    accuracy: float = 0.0
    """Metres."""

    def checked(self) -> access.Geolocation:
        """As a browser takes it."""
        return access.Geolocation(self.latitude, self.longitude, self.accuracy)


class Place(Part):
    """Which environment: a browser or desktop of this size, a MiniWoB++ page, or the sign-in screens that need neither.

    A browser may be that of a phone or tablet: `device` is its name in Playwright's list, and sets the size.
    `storage_state` is the path of a file relative to the script: the cookies of a browser that has signed in.
    A desktop is a private screen on which `program` runs: its words are never read by a shell, and it starts in the
    folder of the script.
    """

    kind: Literal["browser", "miniwob", "screens", "desktop"] = "browser"
    """What it is."""
    width: int = Field(default=1288, ge=16, le=7680)
    """Pixels of the page or desktop."""
    height: int = Field(default=728, ge=16, le=4320)
    """Pixels of the page or desktop."""
    device: str | None = Field(default=None, min_length=1)
    """A phone or tablet by Playwright's name, which has a size of its own."""
    locale: str = "en-US"
    """Language and country."""
    timezone: str = "UTC"
    """Name of a time zone, such as Europe/Berlin."""
    color_scheme: Literal["light", "dark", "no-preference"] = "light"
    """What pages are told that the user prefers."""
    geolocation: Spot | None = None
    """Where pages are told that the user is."""
    permissions: tuple[str, ...] = Field(default=(), strict=False)
    """What pages are allowed without asking, such as notifications."""
    storage_state: str | None = Field(default=None, min_length=1)
    """A file beside the script with the cookies of a browser that has signed in."""
    headers: dict[str, str] = Field(default_factory=dict, repr=False)
    """Headers of every request."""
    credentials: Login | None = None
    """For servers that ask for a name and a password."""
    proxy: Route | None = None
    """What every request goes through."""
    program: tuple[str, ...] = Field(default=(), strict=False)
    """What runs on a desktop, word by word."""
    window_manager: bool = False
    """Whether windows have frames there."""

    @model_validator(mode="after")
    def _one_program(self) -> Self:
        stray = sorted(DESKTOP & self.model_fields_set)
        if self.kind != "desktop" and stray:
            raise ValueError(f"{stray[0]}: only a desktop has one, not {self.kind}")
        if self.kind == "desktop" and not (self.program and self.program[0]):
            raise ValueError(
                "program: missing: what runs on the desktop, as a list of words such as [xterm, -fa, Mono]"
            )
        return self

    @model_validator(mode="after")
    def _one_size(self) -> Self:
        if self.device is not None:
            if self.kind != "browser":
                raise ValueError(f"device: only a browser can be a {self.device}, not {self.kind}")
            if {"width", "height"} & self.model_fields_set:
                raise ValueError(f"device: {self.device} has a size of its own; leave out width and height")
        return self

    @model_validator(mode="after")
    def _known(self) -> Self:
        for name in sorted(self.model_fields_set - {"kind", "width", "height", "device"} - DESKTOP):
            if self.kind != "browser":
                raise ValueError(f"{name}: only a browser has one, not {self.kind}")
        access.check_locale(self.locale)
        access.check_timezone(self.timezone)
        access.check_permissions(self.permissions)
        access.check_headers(self.headers)
        for each in (self.geolocation, self.credentials, self.proxy):
            if each is not None:
                each.checked()
        return self

    @property
    def secrets(self) -> frozenset[str]:
        """What no record may keep."""
        found = {*self.headers.values(), *(each.password for each in (self.credentials, self.proxy) if each)}
        return frozenset(found - {""})
