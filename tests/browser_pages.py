"""Pages for the browser tests, and a real server that gives them out."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from actions import Key, Navigate
from env import Browser, Observation, Task

TOUCH = """<style>body { margin: 0; height: 4000px } * { position: absolute; border: 0; padding: 0 }</style>
    <div id=red aria-label=Red style="left:200px;top:300px;width:8px;height:8px;background:rgb(255,0,0)"></div>
    <form onsubmit="entered += 1; return false">
    <input id=field style="left:20px;top:500px;width:200px;height:40px;background:#eee"></form>
    <select id=list style="left:20px;top:600px;width:200px;height:40px;background:rgb(0,255,0)">
    <option>Berlin</option><option>Paris</option></select>
    <script>
    window.seen = []; window.entered = 0;
    for (const kind of ['touchstart', 'touchmove', 'touchend', 'touchcancel', 'click', 'dblclick', 'wheel',
        'mousemove', 'mousedown', 'mouseup', 'keydown', 'keyup'])
      addEventListener(kind, (e) => {
        const at = (e.changedTouches || [e])[0];
        seen.push({kind, target: e.target.id || '', key: e.key || '', time: e.timeStamp, x: at.clientX, y: at.clientY});
      },
        {capture: true, passive: true});
    </script>"""

PAGES: Mapping[str, str] = {
    "/": """<title>Start</title><body style="margin:0">
        <button id=b style="position:absolute;left:100px;top:100px;width:100px;height:40px"
          onclick="this.textContent='Saved'">OK</button>
        <input id=i aria-label="Name" style="position:absolute;left:100px;top:200px;width:200px;height:30px">
        <textarea id=t style="position:absolute;left:100px;top:300px;width:400px;height:80px"></textarea>""",
    "/record": """<title>Record</title><body style="margin:0;height:3000px"><script>
        window.seen = [];
        for (const kind of ['mousedown', 'mouseup', 'click', 'dblclick', 'contextmenu', 'mousemove', 'wheel'])
          addEventListener(kind, (e) => seen.push({kind, x: e.clientX, y: e.clientY, button: e.button,
            detail: e.detail, shift: e.shiftKey, ctrl: e.ctrlKey, dx: e.deltaX || 0, dy: e.deltaY || 0}));
        for (const kind of ['keydown', 'keyup'])
          addEventListener(kind, (e) => seen.push({kind, key: e.key}));
        </script>""",
    "/touch": f"""<meta name=viewport content="width=device-width, initial-scale=1"><title>Touch</title>{TOUCH}""",
    "/wide": f"<title>Wide</title>{TOUCH}",
    "/dialogs": """<title>Dialogs</title><body style="margin:0"><script>window.said = [];</script>
        <style>button { position: absolute; left: 0; width: 100px; height: 40px }</style>
        <button style="top:0" onclick="said.push(confirm('Delete everything?'))">confirm</button>
        <button style="top:50px" onclick="said.push(prompt('Your name?', 'nobody'))">prompt</button>
        <button style="top:100px" onclick="alert('one'); alert('two'); said.push('both')">alerts</button>
        <button style="top:150px" onclick="setTimeout(() => said.push(confirm('Late?')), 100)">late</button>""",
    "/alert": "<title>Alert</title><body>hello<script>alert('welcome')</script>",
    "/popup": """<title>Opener</title><body style="margin:0"><a href="/" target=_blank
        style="position:absolute;left:0;top:0;width:100px;height:40px">open</a>
        <button style="position:absolute;left:0;top:50px;width:100px;height:40px"
          onclick="window.open('/close', '', 'width=200,height=100')">window</button>""",
    "/close": """<title>Closing</title><body style="margin:0"><button style="width:100px;height:40px"
        onclick="window.close()">close</button>""",
    "/files": """<title>Files</title><body style="margin:0"><a href="/evil" style="position:absolute;left:0;top:0;
        width:100px;height:40px">get</a><input type=file style="position:absolute;left:0;top:50px;width:200px"
        onchange="document.title = this.files[0].name + ' ' + this.files[0].size">
        <a style="position:absolute;left:0;top:100px;width:100px;height:40px" download="../../.bashrc"
        href="data:text/plain,hello">data</a>""",
    "/busy": """<title>Busy</title><body style="margin:0"><button style="width:100px;height:40px"
        onclick="for (;;) {}">hang</button>""",
    "/select": """<title>Select</title><body style="margin:0"><select id=s aria-label="City"
        onchange="document.title = this.value" style="position:absolute;left:100px;top:100px;width:200px;height:30px">
        <option value=b>Berlin</option><option value=p> Paris </option><option value=r disabled>Rome</option>
        </select>""",
    "/raf": """<title>Raf</title><body style="margin:0"><canvas id=c width=200 height=200></canvas><script>
        let n = 0; const c = document.getElementById('c').getContext('2d');
        (function draw() { c.fillStyle = `hsl(${n++ % 360} 80% 50%)`; c.fillRect(0, 0, 200, 200);
          requestAnimationFrame(draw); })();</script>""",
    "/css": """<title>Css</title><style>@keyframes turn { to { transform: rotate(1turn) } }
        div { width: 100px; height: 100px; background: red; animation: turn 1s linear infinite }</style><div></div>""",
    "/later": """<title>Later</title><body style="margin:0">
        <style>button { position: absolute; left: 0; width: 100px; height: 40px }</style>
        <button style="top:0" onclick="setTimeout(() => { document.title = 'timer' }, 200)">timer</button>
        <button style="top:50px" onclick="fetch('/slow').then((r) => r.text()).then((t) => { document.title = t })">
          fetch</button>
        <button style="top:100px" onclick="location.href = '/slow'">go</button>
        <button style="top:150px" onclick="location.href = '/hang'">dead</button>
        <div id=d style="position:absolute;left:200px;top:0;width:50px;height:50px;background:red;
          transition:left .4s linear" onclick="this.style.left = '600px'"></div>""",
    "/scroll": """<title>Scroll</title><body style="margin:0;height:5000px;
        background:linear-gradient(red, blue)">""",
    "/frame": """<title>Frame</title><body style="margin:0">
        <iframe src="/" style="position:absolute;left:50px;top:20px;width:700px;height:400px;border:5px solid">
        </iframe>""",
    "/cookie": """<title>Cookie</title><script>document.title = document.cookie || 'none';
        document.cookie = 'a=b'</script>""",
}


class Kept(Browser):
    """A browser whose episodes share the context of the first one: quicker, where a test needs no other."""

    def reset(self, task: Task) -> Observation:
        if self._session is None or self._broken or not task.start:
            return super().reset(task)
        while self._session.dialogs:
            self.step(Key(keys=("escape",)))
        return replace(self.step(Navigate(url=task.start)), receipt=None)


@dataclass
class Server:
    """A running server: its address, and the paths it was asked for."""

    url: str = ""
    asked: list[str] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)


@contextmanager
def serve(pages: Mapping[str, str] = PAGES) -> Iterator[Server]:
    """A server of `pages` on a free port; /slow takes its time, /hang never answers, /evil names its file."""
    state = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            state.asked.append(self.path)
            if self.path == "/hang":
                state.ended.wait(30)
                return
            if self.path == "/slow":
                state.ended.wait(0.4)
                self.answer("<title>slow</title>slow" if "text/html" in self.headers["Accept"] else "slow")
            elif self.path == "/evil":
                self.answer("gotcha", ("Content-Disposition", 'attachment; filename="../../etc/passwd"'))
            elif self.path in pages:
                self.answer(pages[self.path])
            else:
                self.send_error(404)

        def answer(self, text: str, *headers: tuple[str, str]) -> None:
            body = text.encode()
            self.send_response(200)
            for name, value in (("Content-Type", "text/html; charset=utf-8"), *headers):
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            return

    class Quiet(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: object, client_address: object) -> None:
            return  # a browser that is killed in the middle of an answer is what some tests are about

    with Quiet(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        state.url = f"http://127.0.0.1:{server.server_port}"
        try:
            yield state
        finally:
            state.ended.set()
            server.shutdown()
            thread.join()
