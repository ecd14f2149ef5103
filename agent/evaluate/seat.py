"""Where episodes are played: a table is opened by whoever is to play, in this process or another."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol, runtime_checkable

from agent.evaluate.mark import Chance, Mark
from agent.evaluate.play import Table
from agent.policy import Policy
from env import MiniWoB

Play = Callable[[Chance], Mark]


@runtime_checkable
class Host(Protocol):
    """A maker that brings a table of its own, in place of one for MiniWoB++ pages."""

    def table(self) -> AbstractContextManager[Play]:
        """What plays an episode, as long as the with-block lasts."""
        ...


@contextmanager
def seated(maker: Callable[[MiniWoB], Policy]) -> Iterator[Play]:
    """The table that `maker` plays at: its own, or one for MiniWoB++ pages."""
    if isinstance(maker, Host):
        with maker.table() as play:
            yield play
        return
    with MiniWoB() as env:
        yield Table(env, maker(env))
