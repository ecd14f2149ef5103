"""One generation at a time, and a line of bounded length before it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.ask import Ask
from model.model import Generation, Model
from model.serve.errors import ApiError


class Gone(Exception):
    """Nobody waits for the answer any more."""


@dataclass(frozen=True)
class Order:
    """A conversation to be continued."""

    messages: Sequence[Mapping[str, object]]
    images: Sequence[NDArray[np.uint8]]
    ask: Ask


class Desk:
    """Hands orders to `model`, one after the other; at most `waiting` wait while one is answered."""

    def __init__(self, model: Model, waiting: int) -> None:
        self.model, self.waiting = model, waiting
        self.orders = 0
        """Orders that wait or are being answered."""
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="generate")

    async def answer(self, order: Order) -> AsyncGenerator[str | Generation, None]:
        """Each piece of text as it is written, and the whole generation last; `ApiError` where the line is full.

        Closing the generator ends the writing at the next token, or takes the order out of the line.
        """
        if self.orders > self.waiting:
            raise ApiError(429, f"{self.orders} requests are already here; try again later", code="queue_full")
        self.orders += 1
        loop, gone = asyncio.get_running_loop(), threading.Event()
        told: asyncio.Queue[str | Future[Generation]] = asyncio.Queue()

        def watch(piece: str) -> None:
            if gone.is_set():
                raise Gone
            loop.call_soon_threadsafe(told.put_nowait, piece)

        def write() -> Generation:
            return self.model.chat(order.messages, order.images, ask=order.ask, watch=watch)

        def ended(job: Future[Generation]) -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(self._leave)
                loop.call_soon_threadsafe(told.put_nowait, job)

        job = self._pool.submit(write)
        job.add_done_callback(ended)
        try:
            while isinstance(news := await told.get(), str):
                yield news
            yield news.result()
        finally:
            gone.set()
            job.cancel()

    def close(self) -> None:
        """Take no more orders; what is being written is given up by those who wait for it."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _leave(self) -> None:
        self.orders -= 1
