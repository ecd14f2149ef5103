"""Pages that do their worst, and a server that does too."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

BUTTON = """<style>body { margin: 0 } button, a { position: absolute; left: 0; width: 200px; height: 100px }</style>"""


def page(click: str, more: str = "") -> str:
    """A page whose left top corner is a button that runs `click`."""
    return f'<!doctype html><title>hostile</title>{BUTTON}<button onclick="{click}">press</button>{more}'


def link(target: str) -> str:
    """A page whose left top corner is a link."""
    return f'<!doctype html><title>link</title>{BUTTON}<a href="{target}">press</a>'


FIELD = "<input id=i style='position:absolute;left:0;top:120px;width:300px;height:30px'>"
PAGES: Mapping[str, str] = {
    "/": page("fetch('/did', {method: 'POST'})", FIELD),
    "/busy": page("const end = Date.now() + 60000; while (Date.now() < end);"),
    "/later": page("setTimeout(() => { const end = Date.now() + 60000; while (Date.now() < end); }, 0)"),
    "/born busy": "<script>const end = Date.now() + 60000; while (Date.now() < end);</script>",
    "/bomb": page("const all = []; for (;;) all.push(new Array(1e6).fill(all.length))"),
    "/huge": page("1", "<table style='margin-top:200px'>" + "<tr><td>row<td>of<td>many" * 20_000 + "</table>"),
    "/moving": page(
        "1",
        """<style>@keyframes turn { to { transform: rotate(1turn) } }
        div { margin: 150px; width: 50px; height: 50px; background: red; animation: turn 1s linear infinite }</style>
        <div></div><script>(function draw() { document.title = performance.now(); requestAnimationFrame(draw) })()
        </script>""",
    ),
    "/storm": page("for (;;) alert('again')", "<script>setInterval(() => alert('too'), 50)</script>"),
    "/popups": page("for (let n = 0; n < 15; n++) window.open('/?' + n)"),
    "/flood": page("for (let n = 0; n < 50; n++) window.open('/?' + n)"),
    "/reload": page("1", "<script>setTimeout(() => location.reload(), 150)</script>"),
    "/to never": link("/never"),
    "/to half": link("/half"),
    "/to drip": link("/drip"),
    "/to round": link("/round?0"),
    "/to file": link("/file"),
}


@dataclass
class Hostile:
    """A running server: its address, how often a side effect was asked for, and what to do when it is."""

    url: str = ""
    did: int = 0
    effect: Callable[[], object] = lambda: None
    ended: threading.Event = field(default_factory=threading.Event)


class Handler(BaseHTTPRequestHandler):
    """Answers for the `Hostile` of its server."""

    protocol_version = "HTTP/1.1"

    @property
    def state(self) -> Hostile:
        assert isinstance(self.server, Server)
        return self.server.state

    def do_POST(self) -> None:
        self.state.did += 1
        self.state.effect()
        self.answer(204)

    def do_GET(self) -> None:
        path, _, rest = self.path.replace("%20", " ").partition("?")
        match path:
            case "/never":
                self.state.ended.wait(60)
            case "/half":
                self.begin(("Content-Length", "100000"))
                self.wfile.write(b"<title>half</title><p>half a page")
            case "/round":
                self.answer(302, ("Location", f"/round?{int(rest) + 1}"))
            case "/drip":
                self.begin(("Content-Type", "text/html"))
                self.drip(b"<p>drop")
            case "/file":
                self.begin(("Content-Disposition", "attachment; filename=endless.bin"))
                self.drip(b"x" * 1000)
            case _ if path in PAGES:
                self.begin(("Content-Type", "text/html; charset=utf-8"))
                self.wfile.write(PAGES[path].encode())
            case _:
                self.answer(404)

    def begin(self, *headers: tuple[str, str]) -> None:
        self.close_connection = True
        self.answer(200, ("Connection", "close"), *headers, whole=False)

    def answer(self, code: int, *headers: tuple[str, str], whole: bool = True) -> None:
        self.send_response(code)
        for name, value in (*headers, *((("Content-Length", "0"),) if whole else ())):
            self.send_header(name, value)
        self.end_headers()

    def drip(self, drop: bytes) -> None:
        while not self.state.ended.wait(0.1):
            self.wfile.write(drop)

    def log_message(self, format: str, *args: object) -> None:
        return


class Server(ThreadingHTTPServer):
    """Runs until its with-block ends, whatever its clients do."""

    daemon_threads = True

    def __init__(self, state: Hostile) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.state = state

    def handle_error(self, request: object, client_address: object) -> None:
        return  # a browser that is killed in the middle of an answer is what the tests are about


@contextmanager
def serve_hostile() -> Iterator[Hostile]:
    """A server of `PAGES` on a free port, and of answers that no server should give."""

    state = Hostile()
    with Server(state) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        state.url = f"http://127.0.0.1:{server.server_port}"
        try:
            yield state
        finally:
            state.ended.set()
            server.shutdown()
            thread.join()
