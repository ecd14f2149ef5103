"""Where the server listens, and its run until it is told to end."""

from __future__ import annotations

import socket

import uvicorn
from fastapi import FastAPI

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


def listen(host: str, port: int) -> socket.socket:
    """A socket that already listens; port 0 takes a free one. Raises OSError."""
    return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)


def hosts(host: str) -> frozenset[str] | None:
    """The names under which a server that listens there may be addressed: on loopback no page's own name."""
    return LOOPBACK if host in LOOPBACK else None


def server(app: FastAPI) -> uvicorn.Server:
    """A server of `app`; a generation that is going on when it ends is given up."""
    return uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False, timeout_graceful_shutdown=1))


def run(app: FastAPI, listener: socket.socket) -> None:
    """Serve until SIGINT or SIGTERM."""
    server(app).run(sockets=[listener])
