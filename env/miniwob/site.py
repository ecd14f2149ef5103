"""The MiniWoB++ pages of the `miniwob` package, served on the loopback interface."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path

from env.environment import EnvironmentBroken


class _Handler(SimpleHTTPRequestHandler):
    extensions_map = {  # noqa: RUF012  (the base class declares it without ClassVar)
        **SimpleHTTPRequestHandler.extensions_map,
        ".html": "text/html; charset=utf-8",
        ".js": "text/javascript; charset=utf-8",
    }

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: a page view is no news."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing where the browser hung up, as it does when a page is left early; tell of anything else."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


def html_folder() -> Path:
    """The folder of the pages; EnvironmentBroken("missing") where the package is not installed."""
    spec = find_spec("miniwob")  # found without importing it: its code needs gymnasium and selenium
    if spec is None or spec.origin is None:
        raise EnvironmentBroken(
            "missing",
            'MiniWoB++ needs its pages: pip install --no-deps "miniwob==1.1.0", or pip install "handeye[miniwob]"',
        )
    return Path(spec.origin).parent / "html"


def page_names() -> frozenset[str]:
    """The tasks that the installed package has a page for."""
    return frozenset(page.stem for page in (html_folder() / "miniwob").glob("*.html"))


@contextmanager
def serve() -> Iterator[str]:
    """The address under which `/miniwob/<task>.html` is served until the block ends."""
    server = _Server(("127.0.0.1", 0), partial(_Handler, directory=str(html_folder())))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
