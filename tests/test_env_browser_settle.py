"""The observation after an action shows how the page ended up, however the page got there, and no sleep is fixed."""

from __future__ import annotations

import threading
import time
from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha1
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from actions import Click, Navigate, Point, Wait
from env import Browser, BrowserOptions, Observation, Task

GREEN = (0, 128, 0)
CLICK = Click(at=Point(x=20, y=20))
HEAD = """<!doctype html><style>body { margin: 0 } #go { position: absolute; left: 0; width: 60px; height: 40px }
    #box { position: absolute; left: 100px; top: 0; width: 100px; height: 100px; background: red }</style>
    <button id=go>go</button><div id=box></div><script>
    const green = () => { box.style.background = 'green' };
    const later = (call, ms) => setTimeout(call, ms);
    const on = (call) => go.addEventListener('click', call);
    const work = (left) => { // leaves frames their turn, and nothing idle its own
      const {port1, port2} = new MessageChannel();
      port1.onmessage = () => { const end = performance.now() + 12; while (performance.now() < end);
        if (left--) port2.postMessage(0) };
      port2.postMessage(0) };</script>"""

WAYS = {
    "at once": "<script>on(green)</script>",
    "timer": "<script>on(() => later(green, 250))</script>",
    "timers": "<script>on(() => later(() => later(() => later(green, 120), 120), 120))</script>",
    "fetch": "<script>on(() => fetch('/slow').then(green))</script>",
    "late fetch": "<script>on(() => later(() => fetch('/slow').then((r) => r.text()).then(green), 150))</script>",
    "fetch and timer": "<script>on(() => fetch('/slow').then(() => later(green, 100)))</script>",
    "request": """<script>on(() => { const r = new XMLHttpRequest();
        r.onload = green; r.open('GET', '/slow'); r.send() })</script>""",
    "transition": "<style>#box { transition: background .4s .1s }</style><script>on(green)</script>",
    "animation": """<style>@keyframes turn { to { background: green } }
        .turn { animation: turn .4s forwards }</style><script>on(() => { box.className = 'turn' })</script>""",
    "script animation": """<script>on(() => box.animate([{}, {background: 'green'}], {duration: 300, fill: 'forwards'}))
        </script>""",
    "shadow transition": """<script>
        const root = box.attachShadow({mode: 'closed'});
        root.innerHTML = '<style>p { margin: 0; height: 100px; background: red; transition: all .4s }</style><p></p>';
        on(() => { root.querySelector('p').style.background = 'green' })</script>""",
    "shadow mutation": """<script>
        const root = box.attachShadow({mode: 'open'});
        let left = 12;
        const grow = () => { root.innerHTML = `<p style="margin:0;height:100px;background:${left ? '' : 'green'}"></p>`;
          if (left--) later(grow, 20) };
        on(grow)</script>""",
    "mutations": """<script>let left = 12;
        const grow = () => { if (!left--) return green(); box.textContent = left; later(grow, 20) };
        on(grow)</script>""",
    "frames": """<script>on(() => { let left = 20;
        const draw = () => { if (left--) requestAnimationFrame(draw); else green() }; draw() })</script>""",
    "idle": "<script>on(() => { work(25); requestIdleCallback(green) })</script>",
    "idle chain": """<script>on(() => { work(9);
        requestIdleCallback(() => { work(9); requestIdleCallback(() => later(green, 50)) }) })</script>""",
    "image": """<script>on(() => { const image = new Image(100, 100); image.src = '/slow.svg';
        box.replaceChildren(image) })</script>""",
    "large image": """<script>on(() => { const image = new Image(100, 100); image.src = '/large.bmp';
        box.replaceChildren(image) })</script>""",
    "decoded image": """<script>on(() => { const image = new Image(); image.src = '/slow.svg';
        image.decode().then(green) })</script>""",
    "background image": "<script>on(() => { box.style.background = 'url(/slow.svg)' })</script>",
    "font": """<script>on(() => { const face = new FontFace('Odd', 'url(/slow.font)');
        document.fonts.add(face); face.load().then(green, green) })</script>""",
    "style sheet": """<script>on(() => { const link = document.createElement('link'); link.rel = 'stylesheet';
        link.href = '/slow.css'; document.head.append(link) })</script>""",
    "script": """<script>on(() => { const made = document.createElement('script'); made.src = '/slow.js';
        document.head.append(made) })</script>""",
    "frame": """<script>on(() => { box.innerHTML =
        '<iframe src="/slow.svg" style="border:0;width:100px;height:100px"></iframe>' })</script>""",
    "socket": """<script>const socket = new WebSocket(location.href.replace('http', 'ws'));
        socket.onmessage = green; on(() => socket.send('x'))</script>""",
    "worker": """<script>const worker = new Worker(URL.createObjectURL(new Blob(
        ['onmessage = () => { setTimeout(() => postMessage(1), 200) }'])));
        worker.onmessage = green; on(() => worker.postMessage(1))</script>""",
    "smooth scroll": """<style>html { scroll-behavior: smooth } body { height: 5000px }
        #box { top: 2000px }</style><script>box.style.background = 'green'; on(() => scrollTo(0, 2000))</script>""",
    "dialog": """<style>dialog { margin: 0; padding: 0; border: 0; left: 100px; width: 100px; height: 100px;
        background: green; outline: 0; transition: opacity .3s; @starting-style { opacity: 0 } }</style>
        <dialog id=d></dialog><script>on(() => d.show())</script>""",
    "view transition": "<script>on(() => document.startViewTransition(green))</script>",
}
"""Ways for a page to turn its box green after a click."""

RESTLESS = {
    "clock": "<script>const tick = () => { box.textContent = Date.now(); setTimeout(tick, 100) }; tick()</script>",
    "interval": "<script>setInterval(() => { box.textContent = Date.now() }, 50)</script>",
    "heartbeat": """<script>const socket = new WebSocket(location.href.replace('http', 'ws'));
        socket.onopen = () => setInterval(() => socket.send('x'), 50)</script>""",
}
"""Pages that never rest."""


class Handler(BaseHTTPRequestHandler):
    """Gives `WAYS` out; what is called slow takes 300 ms, and a socket answers as late."""

    protocol_version = "HTTP/1.1"
    beats = 0  # frames of the heartbeat that have arrived

    def do_GET(self) -> None:
        if self.headers.get("Upgrade") == "websocket":
            return self.talk()
        name = self.path.strip("/").replace("%20", " ")
        svg = "<svg xmlns='http://www.w3.org/2000/svg' width='100' height='100'>"
        bodies = {
            "slow": b"text",
            "slow.css": b"#box { background: green !important }",
            "slow.js": b"green()",
            "slow.font": b"none",
            "slow.svg": f"{svg}<rect width='100' height='100' fill='green'/></svg>".encode(),
            "large.bmp": bitmap(3000),
        }
        kinds = {"svg": "image/svg+xml", "css": "text/css", "js": "text/javascript", "bmp": "image/bmp"}
        if name.startswith("slow"):
            time.sleep(0.3)
        body = bodies.get(name) or (HEAD + {**WAYS, **RESTLESS}.get(name, "")).encode()
        self.send_response(200)
        self.send_header("Content-Type", kinds.get(name.rpartition(".")[2], "text/html"))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def talk(self) -> None:
        self.send_response(101)
        key = self.headers["Sec-WebSocket-Key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "Upgrade")
        self.send_header("Sec-WebSocket-Accept", b64encode(sha1(key.encode()).digest()).decode())
        self.end_headers()
        self.wfile.flush()
        if self.path == "/heartbeat":
            while len(self.rfile.read(7)) == 7:
                Handler.beats += 1
        elif self.rfile.read(7):  # a frame with one masked byte
            time.sleep(0.2)
            self.wfile.write(b"\x81\x01y")
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        return


def bitmap(side: int) -> bytes:
    """A green BMP so large that it is decoded beside the page."""
    size = side * side * 4
    head = b"BM" + (54 + size).to_bytes(4, "little") + bytes(4) + (54).to_bytes(4, "little")
    info = (40).to_bytes(4, "little") + side.to_bytes(4, "little") * 2 + b"\x01\x00\x20\x00" + bytes(24)
    return head + info + b"\x00\x80\x00\xff" * (side * side)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with Browser(BrowserOptions(size=(308, 224))) as made:
        made.reset(Task())
        yield made


def colour(look: Observation) -> tuple[int, ...]:
    return tuple(int(part) for part in look.screenshot[50, 150])


ALIKE = {
    "at once",
    "timer",
    "fetch",
    "fetch and timer",
    "request",
    "animation",
    "script animation",
    "shadow mutation",
    "frames",
    "idle chain",
    "image",
    "decoded image",
    "background image",
    "style sheet",
    "script",
    "dialog",
    "smooth scroll",
}
"""Ways that others in the default run come close to."""


@pytest.mark.parametrize("way", [pytest.param(w, marks=pytest.mark.slow) if w in ALIKE else w for w in WAYS])
def test_the_look_after_a_click_shows_what_came_of_it(browser: Browser, url: str, way: str) -> None:
    browser.step(Navigate(url=f"{url}/{way}"))
    look = browser.step(CLICK)
    assert colour(look) == GREEN, look.timings
    assert np.array_equal(browser.step(Wait(seconds=0)).screenshot[0:100, 100:200], look.screenshot[0:100, 100:200])


@pytest.mark.parametrize("name", RESTLESS)
def test_a_page_that_never_rests_holds_no_step_up_for_long(browser: Browser, url: str, name: str) -> None:
    browser.step(Navigate(url=f"{url}/{name}"))
    browser.step(CLICK)  # which waits for as long as it may
    beats = Handler.beats
    settled = [browser.step(CLICK).timings["settle"] for _ in range(3)]
    assert min(settled) < 0.9 * browser.options.animation_cap
    if name == "heartbeat":
        assert Handler.beats >= beats + 6
        assert min(settled) > 0.15  # each beat was something to wait for
