"""Secrets and masks in a real browser: typed where they belong, seen nowhere."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from actions import ActionError, Click, Key, Navigate, Point, Scroll, Type
from env import Browser, BrowserOptions, Observation, Task
from env.browser.veil import COVER, FAR, along, cover
from env.network import Network
from env.secrets import Secret, Secrets

WORD = "hunter2-correct"
SIZE = (560, 420)
FIELD = "position:absolute;left:0;top:0;width:200px;height:40px;border:0;padding:0;background:rgb(255,255,0)"


@dataclass(frozen=True)
class Home:
    """A browser with a secret for a site, the site's port, and its pages, which tests change."""

    env: Browser
    port: int
    shown: dict[str, str]

    def open(self, page: str = "", host: str = "127.0.0.1", at: str = "/") -> Observation:
        """Begin at a path of the site, where the site's first page is `page` unless that is empty."""
        if page:
            self.shown["/"] = page
        return self.env.reset(Task(start=f"http://{host}:{self.port}{at}"))


@pytest.fixture(scope="module")
def home() -> Iterator[Home]:
    shown: dict[str, str] = {}
    with pages(shown) as port, Browser(options(port, masks=(".mine",))) as env:
        yield Home(env, port, shown)


@contextmanager
def pages(shown: dict[str, str]) -> Iterator[int]:
    """A server of these pages, and of /hang, which never answers; {port} in them is its own port."""
    ended = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path.startswith("/hang"):
                ended.wait(30)
                return
            text = shown.get(self.path.partition("?")[0], "").replace("{port}", str(port))
            body = f"<!doctype html><meta charset=utf-8>{text}".encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            return

    with ThreadingHTTPServer(("", 0), Handler) as server:
        server.daemon_threads = True
        port = server.server_port
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield port
        finally:
            ended.set()
            server.shutdown()
            thread.join()


def options(port: int, **more: object) -> BrowserOptions:
    secret = Secret("word", WORD, Network.of(f"http://127.0.0.1:{port}"))
    return BrowserOptions(size=SIZE, secrets=Secrets((secret,)), **more)  # type: ignore[arg-type]


def click(x: int, y: int) -> Click:
    return Click(at=Point(x=x, y=y))


def covered(seen: Observation) -> tuple[int, int, int, int] | None:
    """The box around all that is covered."""
    rows, columns = np.nonzero((seen.screenshot == COVER).all(axis=2))
    if not rows.size:
        return None
    return int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1


def words(seen: Observation) -> str:
    receipt = seen.receipt
    return repr((seen.url, seen.title, seen.tabs, seen.dialog, seen.focus, seen.downloads, seen.refused, receipt))


ECHO = f"""<title>Echo</title><body style="margin:0"><input id=i aria-label=Word style="{FIELD}">
<div id=o style="position:absolute;left:0;top:100px;font:20px Arial"></div><script>
i.oninput = () => {{ const v = i.value; document.title = v; i.setAttribute('aria-label', 'said ' + v);
  history.replaceState(0, '', '?q=' + encodeURIComponent(v) + '&b=' + btoa(v));
  o.innerHTML = '<b>' + v.slice(0, 4) + '</b>' + v.slice(4); }};
onkeydown = (e) => {{ if (e.key === 'Enter') confirm('You said ' + i.value) }};
</script>"""


def test_a_secret_is_typed_and_all_that_the_page_makes_of_it_is_scrubbed_and_covered(home: Home) -> None:
    env = home.env
    home.open(ECHO)
    env.step(click(50, 20))
    seen = env.step(Type(text="<secret:word>"))
    assert env.evaluate("i.value") == WORD
    said = words(seen)
    assert WORD not in said
    assert "aHVudGVyMi1jb3JyZWN0" not in said
    assert (seen.title, seen.focus) == ("<secret:word>", 'text field "said <secret:word>"')
    box = covered(seen)
    assert box is not None
    assert (box[0], box[1]) == (0, 0)
    text = seen.screenshot[100:140]
    assert not (text < 90).all(axis=2).any()  # no black letter is left of the echo below the field
    assert env.page_text().strip() == "<secret:word>"
    asked = env.step(Type(text="\n"))
    assert asked.dialog == "confirm: You said <secret:word>"
    with pytest.raises(ActionError) as told:
        env.step(click(5, 5))
    assert WORD not in str(told.value)


def test_a_secret_is_typed_into_no_frame_that_is_not_of_its_origins(home: Home) -> None:
    frame = "position:absolute;left:0;top:0;width:300px;height:100px;border:0"
    shown = {
        "/": f"<input id=i style='{FIELD}'>",
        "/other": f"<input id=i style='{FIELD}'>",
        "/inside": f"<iframe src='http://localhost:{{port}}/' style='{frame}'></iframe>",
        "/around": f"<iframe src='http://127.0.0.1:{{port}}/' style='{frame}'></iframe>",
        "/srcdoc": f"<iframe srcdoc=\"<input style='{FIELD}'>\" style='{frame}'></iframe>",
        "/lies": f"""<iframe src='http://127.0.0.1:{{port}}/'></iframe><input style='{FIELD}'><script>
            Object.defineProperty(document, 'activeElement', {{get: () => document.querySelector('iframe')}});
            Object.defineProperty(window, 'origin', {{value: 'http://127.0.0.1:{{port}}'}});</script>""",
    }
    env = home.env
    home.shown.update(shown)
    foreign = ("/other", "/around", "/lies")
    for page in (*foreign, "/inside", "/srcdoc"):
        home.open(host="localhost" if page in foreign else "127.0.0.1", at=page)
        for act in (Type(text="<secret:word>", at=Point(x=50, y=20)), Type(text="a<secret:word>\n")):
            with pytest.raises(ActionError, match="only typed into pages of") as told:
                env.step(act)
            assert WORD not in str(told.value)
        assert WORD not in words(env.look())
        typed = env.evaluate("[...document.querySelectorAll('input')].map((field) => field.value).join()")
        assert WORD not in str(typed)


def test_a_focus_that_is_stolen_while_a_secret_is_typed_gets_at_most_one_character(home: Home) -> None:
    frame = "position:absolute;left:0;top:100px;width:300px;height:100px"
    shown = {
        "/": f"<input id=i style='{FIELD}'><iframe src='http://localhost:{{port}}/thief' style='{frame}'></iframe>"
        "<script>let got = 0; onmessage = (event) => { got = Math.max(got, event.data) };"
        "i.oninput = () => { if (i.value.length === 4) frames[0].postMessage('now', '*') }</script>",
        "/thief": "<input id=t><script>onmessage = () => t.focus();"
        " t.oninput = () => parent.postMessage(t.value.length, '*')</script>",
    }
    env = home.env
    home.shown.update(shown)
    home.open()
    env.step(click(50, 20))
    with contextlib.suppress(ActionError):
        env.step(Type(text="<secret:word>"))
    assert env.evaluate("i.value.length > 3")
    got = env.evaluate("got")
    assert isinstance(got, int)
    assert got <= 1
    assert WORD not in words(env.look())


def test_a_field_that_once_hid_its_text_stays_covered_when_it_shows_it(home: Home) -> None:
    shown = f"""<body style="margin:0"><input id=i type=password style="{FIELD}">
        <button style="position:absolute;left:300px;top:0;width:100px;height:40px" onclick="i.type='text'">show"""
    env = home.env
    assert covered(home.open(shown)) is None
    seen = env.step(Type(text="plain", at=Point(x=20, y=20)))
    assert covered(seen) == (0, 0, 201, 41)
    seen = env.step(click(350, 20))
    assert env.evaluate("i.type") == "text"
    assert covered(seen) == (0, 0, 201, 41)


PLACES = {
    "/plain": (100, 60, 300, 100),
    "/shadow": (100, 60, 300, 100),
    "/closed": (100, 60, 300, 100),
    "/frame": (110, 65, 310, 105),
    "/stranger": (110, 65, 310, 105),
    "/turned": (100, 60, 140, 260),
    "/scaled": (100, 60, 200, 80),
    "/marked": (100, 60, 300, 100),
}
"""Where the field of a page stands, in CSS pixels."""


def standing() -> dict[str, str]:
    """The pages of `PLACES`."""
    at = "position:absolute;left:100px;top:60px;width:200px;height:40px"
    field = f"<input type=password value=secret style='{at};border:0;padding:0;margin:0'>"
    inner = "<body style='margin:0'><input type=password value=x style='position:absolute;border:0;padding:0;"
    inner += "left:50px;top:20px;width:200px;height:40px'>"
    frame = "style='position:absolute;left:50px;top:35px;width:400px;height:200px;border:5px solid;padding:5px'"
    shadow = "const root = document.body.attachShadow({{mode: '{}'}}); root.innerHTML = `" + field + "`"
    return {
        "/plain": field,
        "/shadow": f"<body><script>{shadow.format('open')}</script>",
        "/closed": f"<body><script>{shadow.format('closed')}</script>",
        "/inner": inner,
        "/frame": f"<iframe src=/inner {frame}></iframe>",
        "/stranger": f"<iframe src='http://localhost:{{port}}/inner' {frame}></iframe>",
        "/turned": field.replace("margin:0", "transform-origin:0 0;transform:translateX(40px) rotate(90deg)"),
        "/scaled": field.replace("margin:0", "transform-origin:0 0;transform:scale(.5)"),
        "/marked": f"<div class=mine style='{at}'>Balance: 12</div>",
    }


def misplaced(home: Home, scale: float) -> dict[str, object]:
    """The pages on which what is covered is not the field, and what is."""
    home.shown.update(standing())
    home.open(at="/inner")
    found = {page: covered(home.env.step(Navigate(url=f"http://127.0.0.1:{home.port}{page}"))) for page in PLACES}
    right = {
        page
        for page, box in found.items()
        if box and all(abs(edge - wanted * scale) <= 2 for edge, wanted in zip(box, PLACES[page], strict=True))
    }
    return {page: box for page, box in found.items() if page not in right}


def test_exactly_the_field_is_covered_wherever_it_stands(home: Home) -> None:
    assert misplaced(home, 1.0) == {}


@pytest.mark.slow
@pytest.mark.parametrize("scale", [1.5, 2.0])
def test_exactly_the_field_is_covered_at_every_scale(scale: float) -> None:
    shown: dict[str, str] = {}
    options = BrowserOptions(size=SIZE, device_scale_factor=scale, masks=(".mine",))
    with pages(shown) as port, Browser(options) as env:
        assert misplaced(Home(env, port, shown), scale) == {}


def test_a_field_is_covered_where_it_has_been_scrolled_to(home: Home) -> None:
    field = f"<body style='height:3000px'><input type=password value=x style='{FIELD};top:700px'>"
    assert covered(home.open(field)) is None
    seen = home.env.step(Scroll(at=Point(x=10, y=10), dy=500))
    assert covered(seen) == (0, 199, 201, 241)


@pytest.mark.slow
def test_a_field_that_moves_all_the_time_is_covered_in_every_picture() -> None:
    field = f"""<style>@keyframes go {{ to {{ left: 300px }} }} input {{ animation: go .4s linear infinite alternate }}
        </style><body style='margin:0'><input type=password value=x style='{FIELD}'>"""
    with pages({"/": field}) as port, Browser(BrowserOptions(size=SIZE, animation_cap=0.2)) as env:
        seen = env.reset(Task(start=f"http://127.0.0.1:{port}/"))
        for _ in range(6):
            yellow = (seen.screenshot == (255, 255, 0)).all(axis=2)
            assert covered(seen) is not None
            assert not (yellow.any() and (seen.screenshot[yellow.any(axis=1)] < 60).all(axis=2).any())
            seen = env.look()


def test_boxes_are_covered_whatever_is_there() -> None:
    with Browser(BrowserOptions(size=SIZE, boxes=((10, 20, 30, 40),))) as env:
        assert covered(env.reset(Task())) == (10, 20, 30, 40)


def test_masks_without_the_veil_are_refused() -> None:
    with pytest.raises(ValueError, match="veil"):
        BrowserOptions(veil=False, masks=("p",))


def test_what_moved_during_a_capture_is_covered_in_all_the_band_where_it_moves() -> None:
    assert along([(0, 3, 5, 8)], [(10, 3, 15, 8)]) == ((-FAR, 3, FAR, 8),)
    assert along([(0, 3, 5, 8)], [(0, 4, 5, 9)]) == ((0, -FAR, 5, FAR),)
    assert along([(0, 0, 5, 5)], []) == ((0, 0, 5, 5),)
    pixels = np.zeros((10, 10, 3), np.uint8)
    assert cover(pixels, ()) is pixels
    assert (cover(pixels, [(-5, -5, 3, 20)])[:, :3] == COVER).all()
    assert not pixels.any()


def test_a_secret_is_not_copied_out_of_the_field_that_it_was_typed_into(home: Home) -> None:
    page = f"<input id=i style='{FIELD}'><input id=j style='{FIELD};top:100px'>"
    env = home.env
    home.open(page)
    env.step(Type(text="plain", at=Point(x=50, y=120)))
    env.step(Key(keys=("ctrl", "a")))
    env.step(Key(keys=("ctrl", "c")))
    env.step(Type(text="<secret:word>", at=Point(x=50, y=20)))
    env.step(Key(keys=("ctrl+a",)))
    for names in (("ctrl", "c"), ("ctrl", "x"), ("ctrl+insert",), ("shift", "delete")):
        with pytest.raises(ActionError, match="would copy a secret"):
            env.step(Key(keys=names))
    env.step(click(50, 120))
    env.step(Key(keys=("ctrl", "v")))
    assert env.evaluate("j.value") in ("plainplain", "plain")
    env.step(Key(keys=("ctrl", "c")))


@pytest.mark.slow
def test_a_secret_is_covered_on_a_page_that_waits_for_a_dead_server() -> None:
    page = f"<form action=/hang><input id=i name=q style='{FIELD}'></form>"
    with pages({"/": page}) as port, Browser(options(port, settle_cap=1.0)) as env:
        env.reset(Task(start=f"http://127.0.0.1:{port}/"))
        seen = env.step(Type(text="<secret:word>\n", at=Point(x=50, y=20)))
        assert not (seen.screenshot[2:38, 5:195] < 90).all(axis=2).any()
        assert covered(seen) is not None
        assert WORD not in words(seen)
