"""Episodes played on a Ray cluster, each worker an actor with a browser and a policy of its own. Needs the extra `ray`.

Ray finds a place for each worker and tells when one is lost. That it is replaced and its episode begun anew is the work
of `hand_out`, as it is for processes of this machine.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

import ray
from ray import ObjectRef
from ray.actor import ActorHandle
from ray.exceptions import ObjectLostError, OutOfMemoryError, RayActorError, RayError

from agent.evaluate.crew import GRACE, Fault, Maker, Turn, WorkerError, hand_out, placed
from agent.evaluate.join import ClusterError, cpus, joined, share
from agent.evaluate.mark import Chance, Mark
from agent.evaluate.play import ATTEMPTS
from agent.evaluate.seat import seated

PATIENCE = 600.0
"""Seconds in which a first worker has found a place and loaded its model."""

LOST = (RayActorError, OutOfMemoryError, ObjectLostError)
"""How Ray says that a worker, its machine or its answer is gone."""


def scatter(maker: Maker, chances: Sequence[Chance], workers: int, address: str) -> Iterator[Mark]:
    """Play `chances` on so many workers of the cluster at `address`, see `joined` and `hand_out`."""
    if chances:
        with joined(address, workers):
            yield from hand_out(chances, Cluster(maker, workers))


class Seat:
    """A worker, where it plays."""

    def __init__(self, maker: Maker, threads: int) -> None:
        os.environ["OMP_NUM_THREADS"] = str(threads)  # torch asks once, when it is loaded
        self._maker = maker
        self._opened = ExitStack()

    def arrive(self) -> Fault | None:
        """Open the browser and make the policy."""
        try:
            self._table = self._opened.enter_context(seated(self._maker))
        except Exception as error:  # noqa: BLE001  (it travels on, to the process that asked)
            return Fault.of(error)
        return None

    def play(self, chance: Chance) -> Mark | Fault:
        """How the episode of `chance` goes."""
        try:
            return self._table(chance)
        except Exception as error:  # noqa: BLE001  (it travels on, to the process that asked)
            return Fault.of(error)

    def leave(self) -> None:
        """Close the browser."""
        self._opened.close()


@dataclass
class Guest:
    """A worker of the cluster, as it is known here."""

    place: int
    actor: ActorHandle[Seat]
    losses: list[str]
    """What was said of workers, this and earlier ones, that were lost before they had arrived; shared among them."""
    told: ObjectRef[Mark | Fault | None] | None
    """What it is to tell next: that it has arrived, then its marks."""
    turn: Turn | None = None
    arrived: bool = False
    gone: bool = False

    @property
    def free(self) -> bool:
        """One that has not arrived may be waiting for a place that it never gets."""
        return self.arrived and self.turn is None and not self.gone

    def give(self, turn: Turn) -> None:
        self.turn = turn
        self.told = self.actor.play.remote(turn.chance)

    def take(self) -> Mark | None:
        assert self.told is not None
        turn, self.turn = self.turn, None
        ref, self.told = self.told, None
        try:
            told = ray.get(ref)
        except LOST as error:
            self.close()
            if turn:
                return turn.lost
            self._miss(str(error))
            return None
        except RayError as error:
            raise WorkerError(str(error)) from error
        if turn and told:
            return turn.marked(told)
        if isinstance(told, Fault):
            raise told.error
        self.arrived = True
        self.losses.clear()
        return None

    def _miss(self, why: str) -> None:
        self.losses.append(why)
        if len(self.losses) == ATTEMPTS:
            raise WorkerError(f"{ATTEMPTS} workers in a row were lost before they had begun; of the last: {why}")

    def close(self) -> None:
        """End it, whatever it is doing."""
        self.gone = True
        ray.kill(self.actor)


@dataclass(frozen=True)
class Cluster:
    """The cluster that was joined; each worker has an equal share of its CPUs, and as many of torch's threads."""

    maker: Maker
    seats: int
    patience: float = PATIENCE
    losses: list[str] = field(default_factory=list)

    def seat(self, place: int) -> Guest:
        threads = max(1, share(cpus(), self.seats))
        actor = ray.remote(Seat).options(num_cpus=threads).remote(placed(self.maker, place), threads)
        assert isinstance(actor, ActorHandle)
        return Guest(place, actor, self.losses, actor.arrive.remote())

    def ready(self, crew: Sequence[Guest]) -> list[Guest]:
        waited = {guest.told: guest for guest in crew if guest.told is not None}
        playing = any(guest.turn for guest in crew)
        done, _ = ray.wait(list(waited), timeout=None if playing else self.patience)
        if not done:
            free = ray.available_resources()
            raise ClusterError(f"no worker has begun within {self.patience:g} seconds; free in the cluster: {free}")
        return [waited[ref] for ref in done]

    def dismiss(self, crew: Sequence[Guest]) -> None:
        leaving: list[ObjectRef[None]] = [guest.actor.leave.remote() for guest in crew if guest.free]
        if leaving:
            ray.wait(leaving, num_returns=len(leaving), timeout=GRACE)
        for guest in crew:
            guest.close()
