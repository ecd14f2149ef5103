"""Ways out of a page, each to a port of its own, and a sink that says which of them were taken."""

from __future__ import annotations

import selectors
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nAccess-Control-Allow-Origin: *\r\nConnection: close\r\n\r\n"

HOSTS: Mapping[str, str] = {"image": "localhost", "fetch": "[::1]", "frame": "localhost", "link": "[::1]"}
"""Attempts that try another name of this machine than 127.0.0.1."""

DATAGRAMS = frozenset({"stun", "webtransport"})

AT_ONCE: Mapping[str, str] = {
    "image": "<img src='http://{to}/'>",
    "srcset": "<img srcset='http://{to}/ 1x'>",
    "style sheet": "<link rel=stylesheet href='http://{to}/'>",
    "import": "<style>@import url(http://{to}/);</style>",
    "background": "<div style='background:url(http://{to}/);width:9px;height:9px'></div>",
    "font": "<style>@font-face {{ font-family: f; src: url(http://{to}/) }} p {{ font-family: f }}</style><p>text",
    "script": "<script async src='http://{to}/'></script>",
    "module": "<script type=module>import('http://{to}/').catch(() => 0)</script>",
    "frame": "<iframe src='http://{to}/'></iframe>",
    "data frame": """<iframe src="data:text/html,<img src='http://{to}/'>"></iframe>""",
    "srcdoc": """<iframe srcdoc="<img src='http://{to}/'>"></iframe>""",
    "blob frame": """<script>addFrame(URL.createObjectURL(new Blob([`<img src='http://{to}/'>`],
        {{type: 'text/html'}})))</script>""",
    "object": "<object data='http://{to}/'></object>",
    "embed": "<embed src='http://{to}/'>",
    "video": "<video src='http://{to}/' autoplay></video>",
    "svg image": "<svg><image href='http://{to}/' width=9 height=9 /></svg>",
    "svg filter": """<svg><filter id=f><feImage href='http://{to}/'/></filter>
        <rect filter='url(#f)' width=9 height=9 /></svg>""",
    "prefetch": "<link rel=prefetch href='http://{to}/'>",
    "preload": "<link rel=preload as=image href='http://{to}/'>",
    "fetch": "<script>fetch('http://{to}/', {{mode: 'no-cors'}}).catch(() => 0)</script>",
    "post": "<script>fetch('http://{to}/', {{mode: 'no-cors', method: 'POST', body: 'x'}}).catch(() => 0)</script>",
    "keepalive": "<script>fetch('http://{to}/', {{mode: 'no-cors', keepalive: true}}).catch(() => 0)</script>",
    "xhr": "<script>{{ const x = new XMLHttpRequest(); x.open('GET', 'http://{to}/'); x.send(); }}</script>",
    "beacon": "<script>navigator.sendBeacon('http://{to}/', 'x')</script>",
    "ping": "<a id=ping ping='http://{to}/' href='#x'></a><script>document.getElementById('ping').click()</script>",
    "event source": "<script>new EventSource('http://{to}/')</script>",
    "web socket": "<script>new WebSocket('ws://{to}/')</script>",
    "wasm": """<script>WebAssembly.instantiateStreaming(fetch('http://{to}/', {{mode: 'no-cors'}})).catch(() => 0)
        </script>""",
    "worker": """<script>new Worker(URL.createObjectURL(new Blob(
        [`fetch('http://{to}/', {{mode: 'no-cors'}}).catch(() => 0)`])))</script>""",
    "worker import": """<script>new Worker(URL.createObjectURL(new Blob([`importScripts('http://{to}/')`])))</script>""",
    "worker socket": "<script>new Worker(URL.createObjectURL(new Blob([`new WebSocket('ws://{to}/')`])))</script>",
    "shared worker": """<script>new SharedWorker(URL.createObjectURL(new Blob(
        [`fetch('http://{to}/', {{mode: 'no-cors'}}).catch(() => 0)`])))</script>""",
    "service worker": "<script>navigator.serviceWorker.register('/service?http://{to}/')</script>",
    "redirected image": "<img src='/redirect?http://{to}/'>",
    "redirected fetch": "<script>fetch('/redirect?http://{to}/', {{mode: 'no-cors'}}).catch(() => 0)</script>",
    "form in a frame": """<iframe name=f></iframe><form id=form target=f method=post action='http://{to}/'></form>
        <script>document.getElementById('form').submit()</script>""",
    "report": "<iframe src='/reporting?http://{to}/'></iframe>",
    "turn": """<script>{{ const c = new RTCPeerConnection({{iceServers:
        [{{urls: 'turn:{to}?transport=tcp', username: 'u', credential: 'c'}}]}});
        c.createDataChannel('d'); c.createOffer().then((o) => c.setLocalDescription(o)); }}</script>""",
    "stun": """<script>{{ const c = new RTCPeerConnection({{iceServers: [{{urls: 'stun:{to}'}}]}});
        c.createDataChannel('d'); c.createOffer().then((o) => c.setLocalDescription(o)); }}</script>""",
    "webtransport": "<script>try {{ new WebTransport('https://{to}/').ready.catch(() => 0) }} catch {{ }}</script>",
}
"""Pages that try it as soon as they are shown, by the name of the attempt; {to} is where they want to go."""

PREPARED = """<title>Page</title><script>const addFrame = (src) => {
    const f = document.createElement('iframe'); f.src = src; document.documentElement.append(f) }</script>"""

LEAVING: Mapping[str, str] = {
    "location": "<script>onclick = () => {{ location = 'http://{to}/' }}</script>",
    "link": "<a href='http://{to}/'>link</a>",
    "redirected link": "<a href='/redirect?http://{to}/'>link</a>",
    "form": "<form method=post action='http://{to}/'><button>Send</button></form>",
    "redirected form": "<form method=post action='/redirect?http://{to}/'><button>Send</button></form>",
    "refresh": "<meta http-equiv=refresh content='0;url=http://{to}/'>",
    "new tab": "<a target=_blank href='http://{to}/'>link</a>",
    "window": "<script>onclick = () => window.open('http://{to}/')</script>",
    "download": "<a download href='http://{to}/'>link</a>",
    "secure link": "<a href='https://{to}/'>link</a>",
    "secure redirect": "<a href='/redirect?https://{to}/'>link</a>",
    "base": "<base href='http://{to}/'><a href='x'>link</a>",
    "replace": "<script>onclick = () => location.replace('http://{to}/')</script>",
    "top of a frame": """<iframe style='border:0;position:absolute;left:0;top:0;width:400px;height:300px'
        srcdoc="<a target=_top href='http://{to}/' style='position:fixed;left:0;top:0;width:400px;height:300px'>
        link</a>"></iframe>""",
}
"""Pages that leave when their left top corner is clicked."""

BIG = "<style>a, button { position: fixed; left: 0; top: 0; width: 400px; height: 300px }</style>"

SERVICE = """oninstall = () => fetch(location.search.slice(1), {mode: 'no-cors'}).catch(() => 0)"""


@dataclass
class Sink:
    """Listens on a port for each name, and notes at which of them anything arrived."""

    ports: dict[str, int] = field(default_factory=dict)
    reached: set[str] = field(default_factory=set)

    def to(self, name: str) -> str:
        """Host and port of an attempt."""
        return f"{HOSTS.get(name, '127.0.0.1')}:{self.ports[name]}"


def _bound(kind: socket.SocketKind) -> tuple[list[socket.socket], int]:
    """Sockets at one free port, on both loopback addresses."""
    while True:
        four = socket.socket(socket.AF_INET, kind)
        four.bind(("127.0.0.1", 0))
        port: int = four.getsockname()[1]
        six = socket.socket(socket.AF_INET6, kind)
        six.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        try:
            six.bind(("::1", port))
        except OSError:
            four.close()
            six.close()
            continue
        return [four, six], port


@contextmanager
def sink(*names: str) -> Iterator[Sink]:
    """A sink for these attempts."""
    state, chooser, end = Sink(), selectors.DefaultSelector(), threading.Event()
    sockets: list[socket.socket] = []
    for name in names:
        kind = socket.SOCK_DGRAM if name in DATAGRAMS else socket.SOCK_STREAM
        pair, state.ports[name] = _bound(kind)
        for one in pair:
            if kind is socket.SOCK_STREAM:
                one.listen()
            chooser.register(one, selectors.EVENT_READ, name)
        sockets += pair

    def serve() -> None:
        while not end.is_set():
            for key, _ in chooser.select(0.05):
                one = key.fileobj
                assert isinstance(one, socket.socket)
                state.reached.add(key.data)
                if one.type is socket.SOCK_DGRAM:
                    one.recv(4096)
                    continue
                caller, _ = one.accept()
                caller.settimeout(1)
                with caller:
                    try:
                        caller.sendall(ANSWER)
                    except OSError:
                        continue

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield state
    finally:
        end.set()
        thread.join()
        chooser.close()
        for one in sockets:
            one.close()
