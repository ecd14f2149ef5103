"""`handeye serve`: a checkpoint behind the OpenAI HTTP interface."""

from __future__ import annotations

import json
import sys
from typing import Annotated

import typer

from agent.choose import ModelError, Ways, open_speaker
from agent.commands import options
from agent.commands.ending import refuse, told
from agent.console import console
from agent.engine import Engine
from agent.seeing import sight
from agent.speaker import Sight

KEY = "HANDEYE_SERVE_KEY"
"""The environment variable with the key that clients have to present; unset for none."""

Host = Annotated[
    str, typer.Option("--host", help="the address to listen at; others than 127.0.0.1 are open to the net")
]
Port = Annotated[int, typer.Option("--port", min=0, max=65535, help="0 takes a free one")]
Waiting = Annotated[int, typer.Option("--waiting", min=0, help="requests that may wait while one is answered")]
Sessions = Annotated[int, typer.Option("--sessions", min=1, help="conversations of which what was read is kept")]
Body = Annotated[int, typer.Option("--max-body", min=1, help="bytes of a request")]


def serve(
    context: typer.Context,
    model: options.Model = "builtin",
    with_: options.With = None,
    host: Host = "127.0.0.1",
    port: Port = 8000,
    waiting: Waiting = 8,
    max_body: Body = 32 * 2**20,
    sessions: Sessions = 2,
    min_pixels: options.MinPixels = None,
    max_pixels: options.MaxPixels = None,
    dtype: options.Dtype = "auto",
    as_json: options.Json = False,
) -> None:
    """Let clients of the OpenAI interface talk to a checkpoint: /v1/models, /v1/chat/completions, /health."""
    try:
        from model.serve import Limits, create_app, hosts, listen, run
    except ModuleNotFoundError as error:
        refuse(f"serve needs the extra `serve`: pip install 'handeye[serve]' ({error})")
    with told():
        engine = open_engine(model, options.ways(context, with_), sight(min_pixels, max_pixels, dtype))
        loaded, settings = engine.shared(sessions), engine.settings
    key = context.find_root().obj.get(KEY, "")
    limits = Limits(body=max_body, waiting=waiting, told=settings.system, hosts=hosts(host), key=key)
    card = {"handeye": settings.model_dump(mode="json", exclude_none=True)}
    try:
        listener = listen(host, port)
    except OSError as error:
        refuse(f"--host {host} --port {port}: {error.strerror}")
    with listener:
        place = {"url": url(host, listener.getsockname()[1]), "host": host, "port": listener.getsockname()[1]}
        if as_json:
            sys.stdout.write(json.dumps({**place, "model": loaded.name}) + "\n")
            sys.stdout.flush()
        console(quiet=as_json).print(f"{loaded.name} at {place['url']}", markup=False)
        run(create_app(loaded, limits=limits, card=card), listener)


def open_engine(model: str, ways: Ways, seen: Sight) -> Engine:
    """The checkpoint that is to be served. Raises `ModelError` for whatever is none of this machine."""
    speaker = open_speaker(model, seen, ways)
    if not isinstance(speaker, Engine):
        raise ModelError(f"--model {model}: only checkpoints that our own engine runs can be served")
    return speaker


def url(host: str, port: int) -> str:
    """Where clients find the interface."""
    return f"http://[{host}]:{port}/v1" if ":" in host else f"http://{host}:{port}/v1"
