"""Who a browser says it is and where: servers and pages see it, and what cannot be is refused."""

from __future__ import annotations

import base64
import json
import stat
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from browser_pages import serve

from actions import ActionError, Navigate
from env import Browser, BrowserOptions, EnvironmentBroken, Task
from env.browser import Credentials, Geolocation, Proxy

SIZE = (308, 224)


def basic(username: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()


@contextmanager
def guarded(header: str, challenge: str, status: int) -> Iterator[tuple[str, list[Mapping[str, str]]]]:
    """A server that wants ada's password in `header`; its address and the heads of the requests it answered."""
    heads: list[Mapping[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            known = self.headers.get(header) == basic("ada", "p:ss wörd")
            self.send_response(200 if known else status)
            if not known:
                self.send_header(challenge, 'Basic realm="here", charset="UTF-8"')
            body = (f"<title>{'in' if known else 'out'}</title>{self.path}").encode()
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            if known:
                heads.append(dict(self.headers))

        def log_message(self, format: str, *args: object) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", heads
        finally:
            server.shutdown()
            thread.join()


def test_a_server_that_asks_for_a_password_gets_it_and_no_other_origin_does() -> None:
    with guarded("Authorization", "WWW-Authenticate", 401) as (url, heads):
        right = Credentials("ada", "p:ss wörd", origin=url)
        with Browser(BrowserOptions(size=SIZE, credentials=right)) as env:
            assert env.reset(Task(start=url)).title == "in"
            with suppress(ActionError):  # a Chromium with a window of its own shows no page for it
                assert env.step(Navigate(url=url.replace("127.0.0.1", "localhost"))).title == "out"
        # The page's icon may be asked for after its title is there, so requests are told apart by host, not counted.
        assert {head["Host"] for head in heads} == {url.removeprefix("http://")}
        with Browser(BrowserOptions(size=SIZE, credentials=Credentials("ada", "wrong"))) as env:
            assert env.reset(Task(start=url)).title == "out"


def test_every_request_goes_through_a_proxy_that_wants_a_password() -> None:
    with guarded("Proxy-Authorization", "Proxy-Authenticate", 407) as (url, heads):
        proxy = Proxy(url, username="ada", password="p:ss wörd")
        with Browser(BrowserOptions(size=SIZE, proxy=proxy)) as env:
            assert env.reset(Task(start="http://nowhere.invalid/page")).title == "in"
            assert env.page_text() == "http://nowhere.invalid/page"
        assert heads


def test_headers_language_and_scheme_are_told(tmp_path: Path) -> None:
    with guarded("Authorization", "WWW-Authenticate", 401) as (url, heads):
        options = BrowserOptions(
            size=SIZE,
            locale="de-DE",
            timezone="Pacific/Chatham",
            color_scheme="dark",
            headers={"X-Team": "qa", "Authorization": basic("ada", "p:ss wörd")},
            geolocation=Geolocation(52.5, 13.4, accuracy=5),
            permissions=("notifications",),
        )
        assert "Basic" not in repr(options)
        with Browser(options) as env:
            assert env.reset(Task(start=url)).title == "in"
            assert heads[0]["X-Team"] == "qa"
            assert heads[0]["Accept-Language"].startswith("de-DE")
            said = env.evaluate(
                """async () => { const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
                  const place = await new Promise((done) => navigator.geolocation.getCurrentPosition(done));
                  const notify = await navigator.permissions.query({name: 'notifications'});
                  const dark = matchMedia('(prefers-color-scheme: dark)').matches;
                  return JSON.stringify([zone, (1.5).toLocaleString(), dark,
                    place.coords.latitude, place.coords.longitude, place.coords.accuracy, notify.state]) }"""
            )
            assert json.loads(str(said)) == ["Pacific/Chatham", "1,5", True, 52.5, 13.4, 5, "granted"]


def test_what_one_browser_has_signed_in_to_the_next_one_is_signed_in_to(tmp_path: Path) -> None:
    kept = tmp_path / "login.json"
    with serve() as server:
        with Browser(BrowserOptions(size=SIZE)) as first:
            with pytest.raises(EnvironmentBroken, match="reset first"):
                first.storage_state()
            first.reset(Task(start=f"{server.url}/cookie"))
            first.evaluate("() => { document.cookie = 'wörd=ö; max-age=1000'; localStorage.setItem('token', '1\\n2') }")
            state = first.storage_state(kept)
            assert len(first.look().tabs) == 1
        assert stat.S_IMODE(kept.stat().st_mode) == 0o600
        for source in (kept, state):
            with Browser(BrowserOptions(size=SIZE, storage_state=source)) as second:
                for _ in range(2):  # every episode begins with it
                    look = second.reset(Task(start=f"{server.url}/cookie"))
                    assert set(look.title.split("; ")) == {"a=b", "wörd=ö"}
                    assert second.evaluate("localStorage.getItem('token')") == "1\n2"
                    second.evaluate("() => { localStorage.clear() }")


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"locale": "german"}, "^locale: 'german' is no language tag"),
        ({"timezone": "Berlin"}, "^timezone: 'Berlin' is unknown"),
        ({"permissions": ("geo",)}, "^permissions: 'geo' is none of accelerometer"),
        ({"headers": {"X Y": "1"}}, "^headers: 'X Y' is no name"),
        ({"headers": {"X-Y": "1\r\nZ: 2"}}, "^headers: the value of 'X-Y'"),
    ],
)
def test_options_that_cannot_be_are_refused_by_name_and_value(wrong: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        BrowserOptions(**wrong)  # type: ignore[arg-type]


def test_a_place_a_proxy_and_credentials_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValueError, match=r"geolocation: latitude: 91"):
        Geolocation(91, 0)
    with pytest.raises(ValueError, match=r"geolocation: longitude: nan"):
        Geolocation(0, float("nan"))
    with pytest.raises(ValueError, match=r"proxy: server: 'localhost:3128' is none"):
        Proxy("localhost:3128")
    with pytest.raises(ValueError, match="fields of their own"):
        Proxy("http://ada:secret@localhost:3128")
    with pytest.raises(ValueError, match="not at socks5"):
        Proxy("socks5://localhost:1080", username="ada")
    with pytest.raises(ValueError, match=r"credentials: origin: 'example\.com' is none"):
        Credentials("ada", "x", origin="example.com")
    assert "secret" not in repr(Credentials("ada", "secret")) + repr(Proxy("http://p:1", "ada", "secret"))


def test_a_storage_that_cannot_be_read_is_refused_before_a_browser_starts(tmp_path: Path) -> None:
    broken = tmp_path / "broken.json"
    broken.write_text('{"cookies": [{"name": "a"}]}')
    with pytest.raises(ValueError, match=r"storage_state: .*broken\.json: cookies\.0\.value: "):
        Browser(BrowserOptions(storage_state=broken))
    with pytest.raises(ValueError, match=r"storage_state: .*missing\.json: No such file"):
        Browser(BrowserOptions(storage_state=tmp_path / "missing.json"))
    with pytest.raises(ValueError, match="storage_state: origins"):
        Browser(BrowserOptions(storage_state={"origins": 5}))
