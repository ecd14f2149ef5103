"""Episodes played by several processes, each with a browser and a policy of its own.

An episode is handed out as soon as a worker is free. Screens are made up from seeds, so that it does not matter who
plays them, or when: sorted, the marks are those of one process.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import traceback
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from types import FrameType
from typing import NoReturn

from agent.evaluate.mark import Chance, Mark
from agent.evaluate.play import ATTEMPTS
from agent.evaluate.seat import seated
from agent.policy import Policy
from env import EnvironmentBroken, MiniWoB

Maker = Callable[[MiniWoB], Policy]
"""Makes the policy that plays on a screen. It is pickled on its way to a worker."""

GRACE = 20.0
"""Seconds in which a worker closes its browser, once there is nothing left to play."""


class WorkerError(RuntimeError):
    """An error of ours in a worker; the text is its traceback."""


@dataclass(frozen=True)
class Fault:
    """What ended a worker that did not die: an error that is nobody's to catch."""

    text: str
    broken: EnvironmentBroken | None = None

    @property
    def error(self) -> EnvironmentBroken | WorkerError:
        """The error to raise where the worker was asked for."""
        return self.broken or WorkerError(self.text)


@dataclass(frozen=True)
class Turn:
    """A chance, and how often it has been begun."""

    chance: Chance
    attempt: int = 1

    @property
    def lost(self) -> Mark:
        """The mark of an episode whose worker died."""
        detail = "the process that played it died"
        task, seed = self.chance.key
        return Mark(
            task=task, seed=seed, success=False, steps=0, seconds=0, stop="error", detail=detail, attempt=self.attempt
        )


@dataclass
class Worker:
    """A process that plays one episode after another."""

    process: SpawnProcess
    line: Connection
    turn: Turn | None = None

    def give(self, turn: Turn) -> None:
        """Have it play `turn`; one that has died is noticed when its mark is waited for."""
        self.turn = turn
        try:
            self.line.send(turn.chance)
        except (BrokenPipeError, ConnectionResetError):
            return

    def take(self) -> Mark:
        """The mark of its turn, also where it died over it. Raises what it could not go on from."""
        assert self.turn is not None
        turn, self.turn = self.turn, None
        try:
            told = self.line.recv()
        except (EOFError, ConnectionResetError):
            self.close()
            return turn.lost
        if isinstance(told, Fault):
            raise told.error
        assert isinstance(told, Mark)
        return told.model_copy(update={"attempt": turn.attempt})

    @property
    def gone(self) -> bool:
        """Whether it has ended."""
        return self.line.closed

    def close(self) -> None:
        """Let it close its browser and end; one that does not in time, or is still playing, is ended."""
        self.line.close()
        if self.turn is None:
            self.process.join(GRACE)
        for end in (self.process.terminate, self.process.kill):
            if self.process.is_alive():
                end()
                self.process.join(GRACE / 4)


def spread(maker: Maker, chances: Sequence[Chance], workers: int) -> Iterator[Mark]:
    """Play `chances` on so many processes and yield a mark as each episode ends, in whatever order they end.

    What broke is begun anew, and so is an episode whose process died: another process takes its place. Errors of ours
    in a process travel up as `WorkerError`, a screen that cannot be had as `EnvironmentBroken`.
    """
    waiting = deque(Turn(chance) for chance in chances)
    threads = max(1, (os.cpu_count() or 1) // workers)
    with ExitStack() as stack:
        crew: list[Worker] = []
        stack.callback(_dismiss, crew)
        while waiting or any(worker.turn for worker in crew):
            crew[:] = [worker for worker in crew if not worker.gone]
            while waiting and (free := _free(crew, workers, maker, threads)):
                free.give(waiting.popleft())
            for worker in _ready(crew):
                turn = worker.turn
                mark = worker.take()
                if turn and mark.broken and turn.attempt < ATTEMPTS:
                    waiting.append(replace(turn, attempt=turn.attempt + 1))
                yield mark


def _free(crew: list[Worker], workers: int, maker: Maker, threads: int) -> Worker | None:
    """A worker without a turn, a new one if there may be one more; None where all are at work."""
    for worker in crew:
        if worker.turn is None:
            return worker
    if len(crew) == workers:
        return None
    crew.append(_start(maker, threads))
    return crew[-1]


def _ready(crew: Sequence[Worker]) -> list[Worker]:
    """Those that have something to tell, or have died; waits for the first."""
    lines = wait([worker.line for worker in crew if worker.turn])
    return [worker for worker in crew if worker.line in lines]


def _dismiss(crew: Sequence[Worker]) -> None:
    for worker in crew:
        if not worker.gone and worker.turn is None:
            worker.line.close()  # all of them begin to close
    for worker in crew:
        worker.close()


def _start(maker: Maker, threads: int) -> Worker:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_work, args=(theirs, maker, threads), daemon=True)
    process.start()
    theirs.close()
    return Worker(process, ours)


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
    except EnvironmentBroken as error:
        line.send(Fault(str(error), error))
    except Exception:  # noqa: BLE001  (it travels on, to the process that asked)
        line.send(Fault(traceback.format_exc()))


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
