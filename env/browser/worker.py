"""A thread with an event loop of its own, and calls into it that cannot hang.

Playwright wants a loop that no one else uses; a thread of its own gives it one, in a script as in a notebook
or a web server that already runs a loop.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import TimeoutError as OutsideTimeout
from typing import TypeVar

T = TypeVar("T")

DEAD = "Connection closed while reading from the driver"
GRACE = 5.0  # seconds beyond its deadline in which the loop has to say that it cancelled a call


class Bell:
    """Wakes whoever waits, whenever something has happened."""

    def __init__(self) -> None:
        self._rung = asyncio.Event()

    def ring(self, *_: object) -> None:
        """Say that something has happened."""
        self._rung.set()

    async def until(self, holds: Callable[[], bool], seconds: float) -> bool:
        """Wait until `holds`, at most `seconds`; whether it does."""
        try:
            async with asyncio.timeout(max(seconds, 0)):
                while not holds():
                    self._rung.clear()
                    await self._rung.wait()
        except TimeoutError:
            return holds()
        return True


class Worker:
    """Runs coroutines one at a time in its own thread, each with a deadline."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._loop.set_exception_handler(_report)
        self._one = threading.Lock()
        self._thread = threading.Thread(target=self._serve, name="handeye-browser", daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()

    def run(self, work: Coroutine[object, object, T], seconds: float) -> T:
        """The result of `work`; TimeoutError after `seconds`, by which it has been cancelled.

        Where the loop itself is stuck, the error comes `GRACE` later all the same.
        """

        async def bounded() -> T:
            async with asyncio.timeout(seconds):
                return await work

        with self._one:
            future = asyncio.run_coroutine_threadsafe(bounded(), self._loop)
            try:
                return future.result(seconds + GRACE)
            except OutsideTimeout as late:
                if future.done() and not future.cancelled() and str(late):  # what was asked says itself what was late
                    raise
                future.cancel()
                raise TimeoutError(f"no result within {seconds:g} s") from late
            except BaseException:  # also Ctrl-C: nothing may go on unseen
                future.cancel()
                raise

    def close(self) -> None:
        """Cancel what is left and end the thread; a second call does nothing."""
        if not self._thread.is_alive():
            return
        asyncio.run_coroutine_threadsafe(self._end(), self._loop)
        self._thread.join(GRACE)
        if not self._thread.is_alive():
            self._loop.close()

    async def _end(self) -> None:
        left = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        await self._loop.shutdown_asyncgens()
        self._loop.stop()


def _report(loop: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
    """Say nothing of a driver that was killed: whoever asks it for something is told."""
    if DEAD not in str(context.get("exception")):
        loop.default_exception_handler(context)
