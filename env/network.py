"""Which origins a browser may speak to, as a value."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

PORTS = {"http": 80, "https": 443}
SOCKETS = {"ws": "http", "wss": "https"}
ANY = "*."

_PLAIN = re.compile(r"[a-z0-9._~:-]+")


@dataclass(frozen=True)
class Origin:
    """Scheme, host and port; a host `*.example.com` stands for every name below it, at any depth."""

    scheme: str
    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Origin:
        """The origin `text`, such as https://example.com or http://127.0.0.1:8000; ValueError for anything else."""
        found = origin(text)
        tail = urlsplit(text)
        if found is None or tail.path not in ("", "/") or tail.query or tail.fragment or tail.username is not None:
            raise ValueError(f"{text!r} is no origin; write scheme, host and port alone, as in https://example.com")
        return found

    def covers(self, other: Origin) -> bool:
        """Whether `other` is this origin or one that it stands for."""
        return (self.scheme, self.port) == (other.scheme, other.port) and self._names(other.host)

    def reaches(self, host: str, port: int) -> bool:
        """Whether this origin lies at a place of the network, whatever is spoken there."""
        return port == self.port and self._names(host)

    def _names(self, host: str) -> bool:
        if self.host.startswith(ANY):
            return host.endswith(self.host[1:]) and not host.startswith(ANY)
        return host == self.host

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}" + (f":{self.port}" if self.port != PORTS[self.scheme] else "")


@dataclass(frozen=True)
class Network:
    """The origins that may be spoken to; none others are, by whatever part of a page."""

    origins: tuple[Origin, ...] = ()
    folders: tuple[str, ...] = ()
    """file: addresses of the folders whose pages may be shown, each with a slash at its end."""

    @classmethod
    def of(cls, *texts: str) -> Network:
        """The network of these origins, and of folders such as file:///pages/. ValueError for what is neither."""
        folders = [text for text in texts if text.startswith("file:///") and text.endswith("/")]
        origins = [Origin.parse(text) for text in texts if text not in folders]
        return cls(tuple(dict.fromkeys(origins)), tuple(dict.fromkeys(folders)))

    def allows(self, url: str) -> bool:
        """Whether `url` may be asked for; what cannot be read for certain may not. Sockets count as their pages do."""
        found = origin(url)
        return found is not None and any(allowed.covers(found) for allowed in self.origins)

    def shows(self, url: str) -> bool:
        """Whether the file at `url` may be shown as a page."""
        path = unquote(url.partition("?")[0].partition("#")[0])
        climbs = ".." in path.split("/") or "\\" in path
        return not climbs and any(path.startswith(unquote(folder)) for folder in self.folders)

    def reaches(self, host: str, port: int) -> bool:
        """Whether a connection to `host` may be made, whatever is spoken there."""
        name = canonical(host)
        return name is not None and any(allowed.reaches(name, port) for allowed in self.origins)

    def __str__(self) -> str:
        return ", ".join([*map(str, self.origins), *self.folders]) or "none"


def origin(url: str) -> Origin | None:
    """The origin of a web address; None for what is none, and for what two readers could read in two ways."""
    if "\\" in re.split("[?#]", url, maxsplit=1)[0] or any(letter <= " " or letter == "\x7f" for letter in url):
        return None
    try:
        parts = urlsplit(url)
        scheme = SOCKETS.get(parts.scheme, parts.scheme)
        host, port = canonical(parts.hostname or ""), parts.port
    except ValueError:
        return None
    if scheme not in PORTS or host is None:
        return None
    return Origin(scheme, host, PORTS[scheme] if port is None else port)


def canonical(host: str) -> str | None:
    """`host` as browsers write it; None where it is no host."""
    try:
        name = host.strip("[]").rstrip(".").lower()
        plain = name.removeprefix(ANY)
        written = plain if plain.isascii() else plain.encode("idna").decode("ascii")
    except UnicodeError:
        return None
    if not _PLAIN.fullmatch(written):
        return None
    return (ANY if name.startswith(ANY) else "") + written
