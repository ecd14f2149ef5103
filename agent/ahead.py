"""Recorded screens, decoded while the environment is at work."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Self

from agent.reader import Run
from env import Image

BEFOREHAND = 2


class Ahead:
    """The screens of `run` in the order `names`, two of them decoded before they are asked for."""

    def __init__(self, run: Run, names: Sequence[str]) -> None:
        self._run, self._names = run, list(dict.fromkeys(names))
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="screens")
        self._known: dict[str, Future[Image]] = {}
        self._begin(0)

    def get(self, name: str) -> Image:
        """The pixels of the screen `name`; `RecordError` where it cannot be read."""
        place = self._names.index(name)
        self._begin(place)
        for passed in self._names[: max(place - 1, 0)]:
            self._known.pop(passed, None)
        return self._known[name].result()

    def _begin(self, place: int) -> None:
        for name in self._names[place : place + 1 + BEFOREHAND]:
            if name not in self._known:
                self._known[name] = self._pool.submit(self._run.screen, name)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(cancel_futures=True)
