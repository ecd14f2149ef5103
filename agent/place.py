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
    password: str = Field(repr=False)
    origin: str = ""

    def checked(self) -> access.Credentials:
        """As a browser takes them."""
        return access.Credentials(self.username, self.password, self.origin)


class Route(Part):
    """A proxy, and how to sign in there."""

    server: str
    username: str = ""
    password: str = Field(default="", repr=False)
    bypass: str = ""

    def checked(self) -> access.Proxy:
        """As a browser takes it."""
        return access.Proxy(self.server, self.username, self.password, self.bypass)


class Spot(Part):
    """A place on earth, in degrees and metres."""

    latitude: float
    longitude: float
    accuracy: float = 0.0

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
    width: int = Field(default=1288, ge=16, le=7680)
    height: int = Field(default=728, ge=16, le=4320)
    device: str | None = Field(default=None, min_length=1)
    locale: str = "en-US"
    timezone: str = "UTC"
    color_scheme: Literal["light", "dark", "no-preference"] = "light"
    geolocation: Spot | None = None
    permissions: tuple[str, ...] = Field(default=(), strict=False)
    storage_state: str | None = Field(default=None, min_length=1)
    headers: dict[str, str] = Field(default_factory=dict, repr=False)
    credentials: Login | None = None
    proxy: Route | None = None
    program: tuple[str, ...] = Field(default=(), strict=False)
    window_manager: bool = False

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
