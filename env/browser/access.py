"""Who a browser says it is and where: credentials, a proxy, a place; each checked when it is made."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from urllib.parse import urlsplit
from zoneinfo import available_timezones

PROXIES = ("http", "https", "socks5")
PERMISSIONS = (
    "accelerometer",
    "ambient-light-sensor",
    "background-sync",
    "camera",
    "clipboard-read",
    "clipboard-write",
    "geolocation",
    "gyroscope",
    "local-fonts",
    "magnetometer",
    "microphone",
    "midi",
    "midi-sysex",
    "notifications",
    "payment-handler",
    "storage-access",
)
"""What pages may be allowed without being asked, by the names that browsers have for it."""

_LOCALE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")


@dataclass(frozen=True)
class Credentials:
    """A name and a password for the servers that ask for them (HTTP authentication)."""

    username: str
    password: str = field(repr=False)
    origin: str = ""
    """The only origin that gets them, as http://example.com; empty for whichever asks."""

    def __post_init__(self) -> None:
        if not self.username:
            raise ValueError("credentials: username: is empty")
        if self.origin:
            parts = urlsplit(self.origin)
            if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/"):
                raise ValueError(f"credentials: origin: {self.origin!r} is none; write it as http://example.com")


@dataclass(frozen=True)
class Proxy:
    """Where every request goes first, with a name and a password where the proxy asks for them."""

    server: str
    """Such as http://proxy.example:3128 or socks5://127.0.0.1:1080."""
    username: str = ""
    password: str = field(default="", repr=False)
    bypass: str = ""
    """Hosts that are asked directly, with commas between them."""

    def __post_init__(self) -> None:
        parts = urlsplit(self.server)
        if parts.scheme not in PROXIES or not parts.hostname:
            raise ValueError(f"proxy: server: {self.server!r} is none; write it as http://proxy.example:3128")
        if parts.username or parts.password:
            raise ValueError("proxy: server: the name and the password are fields of their own")
        if self.username and parts.scheme == "socks5":
            raise ValueError("proxy: username: Chromium signs in at http and https proxies alone, not at socks5")


@dataclass(frozen=True)
class Geolocation:
    """A place on earth in degrees, and how exact it is said to be in metres."""

    latitude: float
    longitude: float
    accuracy: float = 0.0

    def __post_init__(self) -> None:
        for name, value, most in (("latitude", self.latitude, 90), ("longitude", self.longitude, 180)):
            if not -most <= value <= most:
                raise ValueError(f"geolocation: {name}: {value:g} must lie between -{most} and {most}")
        if not 0 <= self.accuracy < float("inf"):
            raise ValueError(f"geolocation: accuracy: {self.accuracy:g} must be 0 or more metres")


def check_locale(locale: str) -> None:
    """ValueError for what is no language tag."""
    if not _LOCALE.fullmatch(locale):
        raise ValueError(f"locale: {locale!r} is no language tag; write it as de-DE")


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())  # some six hundred files are opened for it


def check_timezone(timezone: str) -> None:
    """ValueError for a time zone that this system does not know; one without a list of them lets Chromium decide."""
    known = _zones()
    if not timezone or (known and timezone not in known):
        raise ValueError(f"timezone: {timezone!r} is unknown; write it as Europe/Berlin")


def check_permissions(permissions: Iterable[str]) -> None:
    """ValueError for a permission that no browser has."""
    for name in permissions:
        if name not in PERMISSIONS:
            raise ValueError(f"permissions: {name!r} is none of {', '.join(PERMISSIONS)}")


def check_headers(headers: Mapping[str, str]) -> None:
    """ValueError for what HTTP does not allow in the head of a request."""
    for name, value in headers.items():
        if not _TOKEN.fullmatch(name):
            raise ValueError(f"headers: {name!r} is no name of a header")
        if not value.isprintable():
            raise ValueError(f"headers: the value of {name!r} holds a control character")
