"""A real server on loopback that really runs a model, for the tests of serving and of what is served."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from openai import OpenAI
from pydantic import JsonValue

from model import Model
from model.serve import Limits, create_app, listen
from model.serve.run import server


@contextmanager
def serving(model: Model, limits: Limits | None = None, card: Mapping[str, JsonValue] | None = None) -> Iterator[str]:
    """The address of the interface, such as http://127.0.0.1:40123/v1."""
    running = server(create_app(model, limits=limits or Limits(), card=card))
    with listen("127.0.0.1", 0) as listener:
        thread = threading.Thread(target=running.run, args=([listener],), daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
        finally:
            running.should_exit = True
            thread.join(30)
            assert not thread.is_alive()


def client(url: str, key: str = "none") -> OpenAI:
    """The official client, as a stranger would use it."""
    return OpenAI(base_url=url, api_key=key, max_retries=0, timeout=60)
