"""The only way out: a proxy on loopback that opens no connection to where the policy does not allow one.

Chromium speaks to the network through nothing else, so that whatever a page thinks of (a worker, a socket, a redirect,
a frame of another origin, a download) comes by here. It is written in full in docs/decisions/0044.
"""

from __future__ import annotations

import asyncio
import base64
from asyncio import StreamReader, StreamWriter
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from env.browser.access import Proxy
from env.network import Network

HEAD = 64 * 1024  # bytes of a request's or an answer's head
CHUNK = 64 * 1024
PATIENCE = 15.0  # seconds for a head to arrive, and for a connection to be made
ENDS = (b"connection:", b"proxy-connection:", b"keep-alive:", b"proxy-authorization:")

OWN = frozenset(
    {
        "accounts.google.com",
        "android.clients.google.com",
        "clients2.google.com",
        "content-autofill.googleapis.com",
        "edgedl.me.gvt1.com",
        "mtalk.google.com",
        "optimizationguide-pa.googleapis.com",
        "redirector.gvt1.com",
        "safebrowsing.googleapis.com",
        "update.googleapis.com",
    }
)
"""Where Chromium itself calls; it may not either, but no page is to be blamed for it."""

FAILED = (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, TimeoutError, ValueError)
"""What a connection ends with that is no fault of ours."""


@dataclass(frozen=True)
class Head:
    """The beginning of a request."""

    method: str
    target: str
    lines: tuple[bytes, ...]

    @classmethod
    def read(cls, data: bytes) -> Head:
        """ValueError for what is no request."""
        first, *lines = data.rstrip(b"\r\n").split(b"\r\n")
        method, target, _ = first.decode("latin-1").split(" ")
        return cls(method, target, tuple(lines))

    def value(self, name: bytes) -> bytes:
        """A header's value; empty where there is none."""
        found = [line.partition(b":")[2].strip() for line in self.lines if line.lower().startswith(name + b":")]
        return found[0] if found else b""

    @property
    def navigates(self) -> bool:
        """Whether the answer would replace the page: Chromium says so of plain http."""
        return self.value(b"upgrade-insecure-requests") == b"1"


@dataclass(frozen=True)
class Through:
    """Another proxy that what is allowed goes through, spoken to in plain http."""

    host: str
    port: int
    username: str = ""
    password: str = field(default="", repr=False)

    @property
    def lines(self) -> list[bytes]:
        """The header that signs in there; none where nobody has to."""
        if not self.username:
            return []
        return [b"Proxy-Authorization: Basic " + base64.b64encode(f"{self.username}:{self.password}".encode())]


def through(proxy: Proxy | None) -> Through | None:
    """The way that `proxy` names; None for none. ValueError for one that a gate cannot speak to."""
    if proxy is None:
        return None
    parts = urlsplit(proxy.server)
    if parts.scheme != "http":
        raise ValueError(
            f"proxy: server: {proxy.server!r} cannot be used beside a network policy: only an http:// one can; "
            "let pages speak to any origin, or choose another proxy"
        )
    if proxy.bypass:
        raise ValueError("proxy: bypass: beside a network policy every request takes the proxy; leave it out")
    return Through(parts.hostname or "", parts.port or 80, proxy.username, proxy.password)


class Gate:
    """Listens on 127.0.0.1 from `open` until `close`; `refused` is told of every request that was turned away."""

    def __init__(self, network: Network, refused: Callable[[str], None], through: Through | None = None) -> None:
        self.network, self.through = network, through
        self._refused = refused
        self._server: asyncio.Server | None = None
        self._open: set[StreamWriter] = set()

    async def open(self) -> Sequence[str]:
        """Begin to listen; the flags with which Chromium takes this way and no other."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=HEAD)
        port = self._server.sockets[0].getsockname()[1]
        return (
            f"--proxy-server=http://127.0.0.1:{port}",
            "--proxy-bypass-list=<-loopback>",  # which are left out otherwise
            "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",  # names are resolved here alone
            "--webrtc-ip-handling-policy=disable_non_proxied_udp",
            "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",  # its name in the headless shell
        )

    def close(self) -> None:
        """Stop listening and hang up on everyone."""
        if self._server is not None:
            self._server.close()
        for writer in self._open:
            writer.close()

    async def _serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        self._open.add(writer)
        try:
            with suppress(*FAILED):
                async with asyncio.timeout(PATIENCE):
                    head = Head.read(await reader.readuntil(b"\r\n\r\n"))
                await self._answer(head, reader, writer)
        finally:
            self._open.discard(writer)
            writer.close()

    async def _answer(self, head: Head, reader: StreamReader, writer: StreamWriter) -> None:
        if head.method == "CONNECT":
            host, _, port = head.target.rpartition(":")
            if not self.network.reaches(host, int(port)):
                self._refuse(f"CONNECT {head.target}", host)
                await _say(writer, b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                return
            await self._tunnel(host.strip("[]"), int(port), reader, writer)
        elif self.network.allows(head.target):
            await self._forward(head, reader, writer)
        else:
            self._refuse(f"{head.method} {head.target}", urlsplit(head.target).hostname or "")
            status = b"204 No Content" if head.navigates else b"403 Forbidden"  # 204 leaves the page as it is
            await _say(writer, b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

    def _refuse(self, request: str, host: str) -> None:
        if host not in OWN:
            self._refused(request)

    async def _reach(self, host: str, port: int) -> tuple[StreamReader, StreamWriter]:
        """A connection to a place, or to the proxy that leads there."""
        if self.through is not None:
            host, port = self.through.host, self.through.port
        async with asyncio.timeout(PATIENCE):
            reader, writer = await asyncio.open_connection(host, port)
        self._open.add(writer)
        return reader, writer

    async def _tunnel(self, host: str, port: int, reader: StreamReader, writer: StreamWriter) -> None:
        beyond = await self._reach(host, port)
        try:
            if self.through is not None:
                asked = [f"CONNECT {_place(host, port)} HTTP/1.1".encode(), f"Host: {_place(host, port)}".encode()]
                await _say(beyond[1], b"\r\n".join([*asked, *self.through.lines]) + b"\r\n\r\n")
                async with asyncio.timeout(PATIENCE):
                    said = await beyond[0].readuntil(b"\r\n\r\n")
                if said[9:12] != b"200":
                    raise ConnectionError(f"the proxy did not let {_place(host, port)} through")
            await _say(writer, b"HTTP/1.1 200 Connection established\r\n\r\n")
            await _first(_pour(reader, beyond[1]), _pour(beyond[0], writer))
        finally:
            self._open.discard(beyond[1])
            beyond[1].close()

    async def _forward(self, head: Head, reader: StreamReader, writer: StreamWriter) -> None:
        """One request and its answer: the next may be for another place, so the connection ends with it."""
        parts = urlsplit(head.target)
        beyond = await self._reach(parts.hostname or "", parts.port or 80)
        try:
            path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            target = path if self.through is None else head.target
            more = [*_kept(head.lines), *(self.through.lines if self.through else []), b"Connection: close"]
            lines = [f"{head.method} {target} HTTP/1.1".encode("latin-1"), *more]
            beyond[1].write(b"\r\n".join(lines) + b"\r\n\r\n")
            await _first(_pour(reader, beyond[1]), _reply(beyond[0], writer))
        finally:
            self._open.discard(beyond[1])
            beyond[1].close()


async def _reply(reader: StreamReader, writer: StreamWriter) -> None:
    while True:
        first, *lines = (await reader.readuntil(b"\r\n\r\n")).rstrip(b"\r\n").split(b"\r\n")
        code = first[9:12]
        if code == b"407":  # Chromium would take it for a word of this proxy
            first = b"HTTP/1.1 502 Bad Gateway"
        await _say(writer, b"\r\n".join([first, *_kept(lines), b"Connection: close"]) + b"\r\n\r\n")
        if not code.startswith(b"1"):
            break
    await _pour(reader, writer)


def _place(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _kept(lines: Sequence[bytes]) -> list[bytes]:
    """Header lines without those that speak of the connection they came over."""
    return [line for line in lines if not line.lower().startswith(ENDS)]


async def _pour(reader: StreamReader, writer: StreamWriter) -> None:
    while data := await reader.read(CHUNK):
        await _say(writer, data)


async def _say(writer: StreamWriter, data: bytes) -> None:
    writer.write(data)
    await writer.drain()


async def _first(*works: Coroutine[object, object, None]) -> None:
    """Do all until one of them ends; its error is everyone's."""
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
