"""Episodes played by several processes of this machine, each with a browser and a policy of its own."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from types import FrameType
from typing import NoReturn

from agent.evaluate.crew import GRACE, Fault, Maker, Turn, hand_out, placed
from agent.evaluate.mark import Chance, Mark
from agent.evaluate.seat import seated


def spread(maker: Maker, chances: Sequence[Chance], workers: int) -> Iterator[Mark]:
    """Play `chances` on so many processes, see `hand_out`."""
    return hand_out(chances, Processes(maker, workers))


@dataclass
class Worker:
    """A process that plays one episode after another."""

    place: int
    process: SpawnProcess
    line: Connection
    turn: Turn | None = None

    @property
    def free(self) -> bool:
        """A process may be given its turn before it has quite begun."""
        return self.turn is None and not self.gone

    @property
    def gone(self) -> bool:
        return self.line.closed

    def give(self, turn: Turn) -> None:
        self.turn = turn
        try:
            self.line.send(turn.chance)
        except (BrokenPipeError, ConnectionResetError):
            return

    def take(self) -> Mark:
        assert self.turn is not None
        turn, self.turn = self.turn, None
        try:
            told = self.line.recv()
        except (EOFError, ConnectionResetError):
            self.close()
            return turn.lost
        assert isinstance(told, Mark | Fault)
        return turn.marked(told)

    def close(self) -> None:
        """Let it close its browser and end; one that does not in time, or is still playing, is ended."""
        self.line.close()
        if self.turn is None:
            self.process.join(GRACE)
        for end in (self.process.terminate, self.process.kill):
            if self.process.is_alive():
                end()
                self.process.join(GRACE / 4)


@dataclass(frozen=True)
class Processes:
    """The processes of this machine, torch's threads shared out among them."""

    maker: Maker
    seats: int

    def seat(self, place: int) -> Worker:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        threads = max(1, (os.cpu_count() or 1) // self.seats)
        process = context.Process(target=_work, args=(theirs, placed(self.maker, place), threads), daemon=True)
        process.start()
        theirs.close()
        return Worker(place, process, ours)

    def ready(self, crew: Sequence[Worker]) -> list[Worker]:
        lines = wait([worker.line for worker in crew if worker.turn])
        return [worker for worker in crew if worker.line in lines]

    def dismiss(self, crew: Sequence[Worker]) -> None:
        for worker in crew:
            if not worker.gone and worker.turn is None:
                worker.line.close()  # all of them begin to close
        for worker in crew:
            worker.close()


def _work(line: Connection, maker: Maker, threads: int) -> None:
    """The life of a worker: play what comes over `line` until that ends. Ctrl-C is its parent's business."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _leave)
    os.environ["OMP_NUM_THREADS"] = str(threads)  # torch asks once, when it is loaded
    try:
        with seated(maker) as table:
            while (chance := _next(line)) is not None:
                line.send(table(chance))
    except (BrokenPipeError, ConnectionResetError):
        return  # whoever asked is gone
    except Exception as error:  # noqa: BLE001  (it travels on, to the process that asked)
        line.send(Fault.of(error))


def _leave(number: int, frame: FrameType | None) -> NoReturn:
    """End in order, so that the browser is closed."""
    sys.exit(1)


def _next(line: Connection) -> Chance | None:
    try:
        chance = line.recv()
    except EOFError:
        return None
    assert isinstance(chance, Chance)
    return chance
