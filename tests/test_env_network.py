"""The network policy: what may be spoken to, and that a page finds no way around it."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from browser_pages import Kept
from escapes import AT_ONCE, BIG, LEAVING, PREPARED, SERVICE, Sink, sink
from hypothesis import given
from hypothesis import strategies as st

from actions import ActionError, Back, Click, Navigate, Point
from env import Browser, BrowserOptions, EnvironmentBroken, Observation, Task
from env.browser.gate import Gate, Through
from env.network import Network, Origin, origin

SIZE = (560, 280)
CORNER = Click(at=Point(x=50, y=50))


@pytest.mark.parametrize(
    ("allowed", "url", "may"),
    [
        ("https://example.com", "https://example.com/a?b#c", True),
        ("https://example.com", "https://EXAMPLE.com:443/", True),
        ("https://example.com", "wss://example.com/socket", True),
        ("https://example.com", "https://example.com./", True),
        ("https://example.com", "http://example.com/", False),
        ("https://example.com", "https://example.com:8443/", False),
        ("https://example.com", "https://www.example.com/", False),
        ("https://example.com", "https://example.com.evil.test/", False),
        ("https://example.com", "https://example.com@evil.test/", False),
        ("https://example.com", "https://evil.test\\@example.com/", False),
        ("https://example.com", "https://example.com\t.evil.test/", False),
        ("https://example.com", "javascript:fetch('https://example.com')", False),
        ("https://example.com", "", False),
        ("https://example.com", 'https://example.com/?q="a\\"', True),
        ("https://example.com", "https://evil.test?\\@example.com/", False),
        ("https://*.example.com", "https://a.b.example.com/", True),
        ("https://*.example.com", "https://example.com/", False),
        ("https://*.example.com", "https://notexample.com/", False),
        ("https://*.example.com", "https://*.example.com/", False),
        ("http://127.0.0.1:8000", "http://localhost:8000/", False),
        ("http://127.0.0.1:8000", "http://0x7f.1:8000/", False),
        ("http://[::1]:8000", "http://[::1]:8000/", True),
        ("https://bücher.example", "https://xn--bcher-kva.example/", True),
    ],
)
def test_exactly_the_origins_that_are_named_may_be_spoken_to(allowed: str, url: str, may: bool) -> None:
    assert Network.of(allowed).allows(url) is may


@pytest.mark.parametrize(
    "text", ["example.com", "https://", "https://a.test/path", "ftp://a.test", "https://u@a.test", "*"]
)
def test_what_is_no_origin_is_refused_with_what_one_is(text: str) -> None:
    with pytest.raises(ValueError, match="is no origin; write"):
        Network.of(text)


@given(st.text(max_size=60))
def test_an_empty_network_allows_nothing_and_no_text_breaks_it(text: str) -> None:
    assert not Network().allows(text)
    assert not Network().shows(text)
    found = origin(text)
    assert found is None or Origin.parse(str(found)) == found


@given(st.from_regex(r"https?://[a-z]{1,9}\.test(:[1-9][0-9]{0,3})?", fullmatch=True))
def test_an_origin_reads_back_as_it_is_written(text: str) -> None:
    found = origin(f"{text}/path?query")
    assert found is not None
    assert Origin.parse(str(found)) == found == Origin.parse(text)


@pytest.mark.parametrize(
    ("url", "may"),
    [
        ("file:///pages/a.html?x#y", True),
        ("file:///pages/sub/a.html", True),
        ("file:///pages/../etc/passwd", False),
        ("file:///pages/%2e%2e/etc/passwd", False),
        ("file:///etc/passwd", False),
        ("file:///pagesandmore/a.html", False),
    ],
)
def test_only_files_below_an_allowed_folder_are_shown(url: str, may: bool) -> None:
    assert Network.of("file:///pages/").shows(url) is may


@dataclass
class Site:
    """The site that may be spoken to: what it shows, and by which names it was asked."""

    url: str = ""
    pages: dict[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)


@contextmanager
def site() -> Iterator[Site]:
    state = Site()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path, _, query = self.path.partition("?")
            state.asked.append(f"{self.command} {self.headers['Host']}{self.path}")
            size = int(self.headers.get("Content-Length", 0))
            body, kind, headers = state.pages.get(path, "").encode(), "text/html; charset=utf-8", {}
            if path == "/redirect":
                headers = {"Location": query}
            elif path == "/service":
                body, kind = SERVICE.encode(), "text/javascript"
            elif path == "/reporting":
                body = b"<img src=/x>"
                headers = {"Content-Security-Policy": f"img-src 'none'; report-uri {query}"}
            elif path == "/echo":
                body = self.rfile.read(size)
            self.send_response(302 if path == "/redirect" else 200)
            sizes = {"Content-Type": kind, "Content-Length": str(len(body))}
            for name, value in (headers | sizes).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET

        def log_message(self, format: str, *args: object) -> None:
            return

    class Quiet(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: object, client_address: object) -> None:
            return

    with Quiet(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        state.url = f"http://127.0.0.1:{server.server_port}"
        try:
            yield state
        finally:
            server.shutdown()
            thread.join()


@dataclass(frozen=True)
class Tried:
    """Which attempts reached the sink, and what was seen after those that leave the page."""

    reached: frozenset[str]
    seen: dict[str, Observation]


QUICK = ("link", "redirected form", "new tab", "secure redirect", "download")
"""Ways of leaving a page that the usual run tries too."""


def attempt(network: bool, leaving: Collection[str], at_once: Collection[str] = ()) -> Tried:
    """Ways out of a page, with the policy or without."""
    seen: dict[str, Observation] = {}
    with site() as here, sink(*at_once, *leaving) as out:
        policy = Network.of(here.url) if network else None
        with (Browser if network else Kept)(BrowserOptions(size=SIZE, network=policy)) as env:
            tries = "".join(AT_ONCE[name].format(to=out.to(name)) for name in at_once)
            here.pages["/"] = PREPARED + tries
            env.reset(Task(start=f"{here.url}/"))
            patient = time.monotonic() + (1 if network else 15)
            while time.monotonic() < patient and not out.reached >= set(at_once):
                env.look()
            for name in leaving:
                here.pages["/leave"] = PREPARED + BIG + LEAVING[name].format(to=out.to(name))
                seen[name] = env.reset(Task(start=f"{here.url}/leave"))
                if name != "refresh":
                    seen[name] = env.step(CORNER)
            reached(out, set() if network else set(leaving))
        return Tried(frozenset(out.reached), seen)


def reached(out: Sink, names: set[str]) -> None:
    """Wait until these were reached, not for ever."""
    patient = time.monotonic() + 5
    while time.monotonic() < patient and not out.reached >= names:
        time.sleep(0.02)


@pytest.fixture(scope="module")
def closed() -> Tried:
    return attempt(network=True, leaving=QUICK, at_once=AT_ONCE)


@pytest.fixture(scope="module")
def open_() -> Tried:
    return attempt(network=False, leaving=QUICK, at_once=AT_ONCE)


@pytest.mark.parametrize("name", [*AT_ONCE, *QUICK])
def test_no_way_out_of_a_page_passes_the_policy_and_each_is_one_without_it(
    name: str, closed: Tried, open_: Tried
) -> None:
    assert name not in closed.reached
    assert name in open_.reached


def test_there_are_at_least_thirty_ways_out() -> None:
    assert len(AT_ONCE) + len(QUICK) >= 30


def stays(seen: Observation) -> bool:
    """Whether the page is the one that was to be left, and says what was refused, within a bounded time."""
    here = (seen.title, len(seen.tabs), seen.url.rpartition("/")[2]) == ("Page", 1, "leave")
    return here and len(seen.refused) >= 1 and seen.time < 20


@pytest.mark.parametrize("name", QUICK)
def test_a_page_that_may_not_be_left_stays_and_says_what_was_refused(name: str, closed: Tried) -> None:
    assert stays(closed.seen[name])


@pytest.mark.slow
def test_no_way_of_leaving_a_page_passes_the_policy_and_each_is_one_without_it() -> None:
    closed, open_ = attempt(network=True, leaving=LEAVING), attempt(network=False, leaving=LEAVING)
    assert (closed.reached, open_.reached) == (set(), set(LEAVING))
    assert all(stays(seen) for seen in closed.seen.values())


@dataclass(frozen=True)
class Home:
    """A browser that may speak to one site, to a dead port and to the files of one folder."""

    here: Site
    folder: Path
    env: Browser


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    folder = tmp_path_factory.mktemp("files")
    (folder / "in").mkdir()
    with site() as here:
        policy = Network.of(here.url, "http://127.0.0.1:1", f"{(folder / 'in').as_uri()}/")
        with Browser(BrowserOptions(size=SIZE, network=policy)) as env:
            yield Home(here, folder, env)


def test_opening_another_origin_is_the_agents_mistake_and_leaves_the_page(home: Home) -> None:
    here, env = home.here, home.env
    with sink("a") as out:
        here.pages["/"] = "<title>Here</title>here"
        before = env.reset(Task(start=f"{here.url}/"))
        for url in (
            f"http://{out.to('a')}/",
            f"https://{out.to('a')}/",
            f"{here.url}/redirect?http://{out.to('a')}/",
            f"{here.url}/redirect?https://{out.to('a')}/",
            here.url.replace("127.0.0.1", "localhost"),
            here.url.replace("127.0.0.1", "[::1]"),
        ):
            with pytest.raises(ActionError, match="refused"):
                env.step(Navigate(url=url))
            assert (env.look().screenshot == before.screenshot).all()
            assert env.url == f"{here.url}/"
        assert not out.reached
        assert not [line for line in here.asked if "localhost" in line or "::1" in line]
        with pytest.raises(ActionError, match="earlier page"):
            env.step(Back())


def test_what_is_allowed_works_as_without_a_policy(home: Home) -> None:
    script = """(async () => {
        const socket = new Promise((done) => { const s = new WebSocket(location.origin.replace('http', 'ws'));
          s.onerror = s.onopen = () => done('tried') });
        const answer = await fetch('/echo', {method: 'POST', body: 'x'.repeat(300000)});
        return [(await answer.text()).length, await socket] })()"""
    here, env = home.here, home.env
    here.pages |= {"/": "<title>One</title><a href=/two style='font-size:99px'>two", "/two": "<title>Two</title>"}
    env.reset(Task(start=f"{here.url}/redirect?/"))
    assert env.evaluate(script) == [300000, "tried"]
    two = env.step(CORNER)
    assert (two.title, two.refused) == ("Two", ())
    assert env.step(Back()).title == "One"
    assert env.step(Navigate(url=f"{here.url}/two")).title == "Two"


def test_a_start_outside_the_policy_is_no_start(home: Home) -> None:
    with pytest.raises(ValueError, match="not among the origins"):
        home.env.reset(Task(start="http://127.0.0.1:2/"))
    assert home.env.reset(Task()).url == "about:blank"


def test_a_start_that_leads_out_of_the_policy_says_where_to(home: Home) -> None:
    with pytest.raises(EnvironmentBroken, match=r"unreachable: .* it leads to GET http://www\.test/"):
        home.env.reset(Task(start=f"{home.here.url}/redirect?http://www.test/"))


def test_a_page_in_a_file_leads_to_files_of_its_own_folder_alone(home: Home) -> None:
    folder, env = home.folder, home.env
    (folder / "out.html").write_text("<title>Out</title>")
    (folder / "in" / "b.html").write_text("<title>B</title>")
    page = folder / "in" / "a.html"
    page.write_text(f"<title>A</title>{BIG}<a href='../out.html'>out</a>")
    env.reset(Task(start=page.as_uri()))
    seen = env.step(CORNER)
    assert (seen.title, len(seen.refused)) == ("A", 1)
    env.evaluate("document.querySelector('a').href = 'b.html'")
    assert env.step(CORNER).title == "B"


def test_a_dead_server_is_told_at_once_through_the_gate_too(home: Home) -> None:
    began = time.monotonic()
    with sink("a") as out, pytest.raises(EnvironmentBroken, match="unreachable"):
        home.env.reset(Task(start="http://127.0.0.1:1/"))
    assert time.monotonic() - began < 20
    assert not out.reached


async def ask(port: int, request: bytes) -> bytes:
    """What a gate answers, until it hangs up."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    try:
        async with asyncio.timeout(10):
            return await reader.read()
    finally:
        writer.close()


async def port_of(gate: Gate) -> int:
    flags = await gate.open()
    return int(next(flag for flag in flags if flag.startswith("--proxy-server=")).rpartition(":")[2])


def test_what_is_allowed_goes_through_another_proxy_and_signs_in_there() -> None:
    signed: list[bytes] = []

    async def proxy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        signed.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n" if signed[-1].startswith(b"CONNECT") else b"HTTP/1.1 204 No\r\n\r\n")
        writer.close()

    async def through() -> list[bytes]:
        beyond = await asyncio.start_server(proxy, "127.0.0.1", 0)
        refused: list[str] = []
        way = Through("127.0.0.1", beyond.sockets[0].getsockname()[1], "me", "pass")
        gate = Gate(Network.of("http://a.test", "https://b.test"), refused.append, way)
        port = await port_of(gate)
        said = [
            await ask(port, b"GET http://a.test/x?y HTTP/1.1\r\nHost: a.test\r\nProxy-Authorization: z\r\n\r\n"),
            await ask(port, b"CONNECT b.test:443 HTTP/1.1\r\n\r\n"),
            await ask(port, b"GET http://c.test/ HTTP/1.1\r\n\r\n"),
        ]
        gate.close()
        beyond.close()
        assert refused == ["GET http://c.test/"]
        assert "pass" not in repr(way)
        return said

    plain, tunnel, other = asyncio.run(through())
    assert plain.startswith(b"HTTP/1.1 204")
    assert tunnel.startswith(b"HTTP/1.1 200")
    assert other.startswith(b"HTTP/1.1 403")
    assert [line.split(b" ")[:2] for line in signed] == [[b"GET", b"http://a.test/x?y"], [b"CONNECT", b"b.test:443"]]
    assert all(line.count(b"Proxy-Authorization: Basic bWU6cGFzcw==") == 1 for line in signed)
    assert b"Proxy-Authorization: z" not in signed[0]


@pytest.mark.parametrize(
    "request_",
    [
        b"\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n",
        b"CONNECT a.test HTTP/1.1\r\n\r\n",
        b"CONNECT a.test:99999999 HTTP/1.1\r\n\r\n",
        b"CONNECT evil.test:80 HTTP/1.1\r\nHost: a.test\r\n\r\n",
        b"GET http://a.test@evil.test/ HTTP/1.1\r\n\r\n",
        b"GET http://a.test:80x/ HTTP/1.1\r\n\r\n",
        b"X" * 100_000 + b"\r\n\r\n",
    ],
)
def test_a_request_that_is_none_opens_no_connection(request_: bytes) -> None:
    assert opened(request_) == 0


def test_a_request_that_may_pass_opens_one() -> None:
    assert opened(b"GET http://a.test/ HTTP/1.1\r\nHost: a.test\r\n\r\n") == 1
    assert opened(b"CONNECT a.test:80 HTTP/1.1\r\n\r\n") == 1


def opened(request: bytes) -> int:
    """How many connections a gate has opened once it has hung up on a client that sent `request`."""
    reached = 0

    async def beyond(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal reached
        reached += 1
        writer.close()

    async def send() -> None:
        async with await asyncio.start_server(beyond, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            gate = Gate(Network.of("http://a.test"), lambda _: None, Through("127.0.0.1", port))  # all goes there
            with suppress(ConnectionError):
                assert (await ask(await port_of(gate), request))[:12] in (b"", b"HTTP/1.1 403")
            gate.close()

    asyncio.run(send())
    return reached
