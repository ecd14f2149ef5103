"""The pages that steps are timed on, and a server for them."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

STYLE = "<style>body { margin: 16px; font: 16px Arial } td { padding: 2px 8px; border: 1px solid #ccc }</style>"
ROWS = "".join(f"<tr><td>{n}<td>Item {n}<td>{n * 7 % 90} pieces<td>ready" for n in range(24))
WORDS = "A sentence of some length stands here, so that the page has lines enough. "

STATIC: Mapping[str, str] = {
    "form": f"<h1>Order</h1><p><input> <input> <button>Send</button><table>{ROWS}</table>",
    "text": f"<h1>Text</h1>{'<p>' + WORDS * 8}" * 3,
    "boxes": "".join(
        f"<div style='position:absolute;left:{n % 8 * 80}px;top:{n // 8 * 80}px;width:70px;height:70px;"
        f"background:hsl({n * 7} 70% 60%)'></div>"
        for n in range(64)
    ),
}
"""Pages on which a click in the empty part on the right changes nothing."""

PLACE = (1000, 600)
"""That part, in pixels."""


@contextmanager
def serve() -> Iterator[str]:
    """The address below which the pages are, by name."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = STATIC.get(self.path.strip("/"))
            said = f"<!doctype html><meta charset=utf-8><title>bench</title>{STYLE}{body}".encode()
            self.send_response(200 if body else 404)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing: a page view is no news."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
