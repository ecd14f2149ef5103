"""Episodes handed out one at a time to players elsewhere: the same rules wherever these play.

An episode is handed out as soon as a player is free. Screens are made up from seeds, so that it does not matter who
plays them, or when: sorted, the marks are those of one process.
"""

from __future__ import annotations

import traceback
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar, runtime_checkable

from agent.evaluate.mark import Chance, Mark
from agent.evaluate.play import ATTEMPTS
from agent.policy import Policy
from env import EnvironmentBroken, MiniWoB

Maker = Callable[[MiniWoB], Policy]
"""Makes the policy that plays on a screen. It is pickled on its way to a player."""

GRACE = 20.0
"""Seconds in which a player closes its browser, once there is nothing left to play."""


@runtime_checkable
class Placed(Protocol):
    """A maker that makes a difference between places: one of several servers for each."""

    def at(self, place: int) -> Maker:
        """The maker for the player of this number."""
        ...


def placed(maker: Maker, place: int) -> Maker:
    """`maker` as it is sent to the player of this number."""
    return maker.at(place) if isinstance(maker, Placed) else maker


class WorkerError(RuntimeError):
    """An error of ours in a worker; the text is its traceback."""


@dataclass(frozen=True)
class Fault:
    """What ended a player that did not die: an error that is nobody's to catch."""

    text: str
    broken: EnvironmentBroken | None = None

    @classmethod
    def of(cls, error: Exception) -> Fault:
        """`error`, which was caught where the player is, as it travels to the process that asked."""
        if isinstance(error, EnvironmentBroken):
            return cls(str(error), error)
        return cls("".join(traceback.format_exception(error)))

    @property
    def error(self) -> EnvironmentBroken | WorkerError:
        """The error to raise where the player was asked for."""
        return self.broken or WorkerError(self.text)


@dataclass(frozen=True)
class Turn:
    """A chance, and how often it has been begun."""

    chance: Chance
    attempt: int = 1

    def marked(self, told: Mark | Fault) -> Mark:
        """The mark that a player told of it. Raises what that could not go on from."""
        if isinstance(told, Fault):
            raise told.error
        return told.model_copy(update={"attempt": self.attempt})

    @property
    def lost(self) -> Mark:
        """The mark of an episode whose player died."""
        detail = "the process that played it died"
        task, seed = self.chance.key
        return Mark(
            task=task, seed=seed, success=False, steps=0, seconds=0, stop="error", detail=detail, attempt=self.attempt
        )


class Player(Protocol):
    """Someone who plays one episode after another, somewhere else, in a browser of its own."""

    place: int
    """Its number among those that play now."""
    turn: Turn | None
    """What it plays; None where it plays nothing."""

    @property
    def free(self) -> bool:
        """Whether it can be given a turn."""
        ...

    @property
    def gone(self) -> bool:
        """Whether it has ended."""
        ...

    def give(self, turn: Turn) -> None:
        """Have it play `turn`; one that has died is noticed when its mark is waited for."""
        ...

    def take(self) -> Mark | None:
        """The mark of its turn, also where it died over it; None where all that is new is that it came, or did not.

        Raises what it could not go on from.
        """
        ...


P = TypeVar("P", bound=Player)


class Hall(Protocol[P]):
    """Where players are had from."""

    @property
    def seats(self) -> int:
        """How many play at once."""
        ...

    def seat(self, place: int) -> P:
        """A new player."""
        ...

    def ready(self, crew: Sequence[P]) -> Sequence[P]:
        """Those that have something to tell, or have died; waits for the first."""
        ...

    def dismiss(self, crew: Sequence[P]) -> None:
        """Let all of them close their browsers and end; who does not in time, or is still playing, is ended."""
        ...


def hand_out(chances: Sequence[Chance], hall: Hall[P]) -> Iterator[Mark]:
    """Play `chances` in `hall` and yield a mark as each episode ends, in whatever order they end.

    What broke is begun anew, and so is an episode whose player died: another takes its place. Errors of ours in a
    player travel up as `WorkerError`, a screen that cannot be had as `EnvironmentBroken`.
    """
    waiting = deque(Turn(chance) for chance in chances)
    with ExitStack() as stack:
        crew: list[P] = []
        stack.callback(hall.dismiss, crew)
        while waiting or any(player.turn for player in crew):
            _fill(crew, hall, len(waiting))
            for player in crew:
                if waiting and player.free:
                    player.give(waiting.popleft())
            for player in hall.ready(crew):
                turn, mark = player.turn, player.take()
                if turn and mark:
                    if mark.broken and turn.attempt < ATTEMPTS:
                        waiting.append(replace(turn, attempt=turn.attempt + 1))
                    yield mark


def _fill(crew: list[P], hall: Hall[P], waiting: int) -> None:
    """Put new players in the place of those that are gone, as many as there is something to play for."""
    crew[:] = [player for player in crew if not player.gone]
    idle = sum(player.turn is None for player in crew)
    taken = {player.place for player in crew}
    free = [place for place in range(hall.seats) if place not in taken]
    for place in free[: max(0, waiting - idle)]:
        crew.append(hall.seat(place))
