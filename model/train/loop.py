"""One loop for all training: an update's lesson in, gradients through the optimiser, better weights out.

A checkpoint holds the float32 masters, the optimiser's moments, the updates and seconds spent and what was measured
since the last line of the log; what an update learns from follows from its number. A run that was cut therefore goes
on from its last checkpoint, and is to the bit what it would have been, as far as its learning rates follow updates;
those of a budget of time follow the clock.
"""

from __future__ import annotations

import json
import math
import os
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol, TypeVar

import torch
from torch import distributed

from model.train.bar import Bar
from model.train.curves import LOG, draw, drawable
from model.train.optimiser import Optimiser

STATE = "state.pt"
"""The last checkpoint in a run's folder."""

L = TypeVar("L")


@dataclass(frozen=True)
class Seat:
    """Which of how many processes this is; the first one writes."""

    rank: int = 0
    ranks: int = 1


ALONE = Seat()


@dataclass(frozen=True)
class Budget:
    """When a run ends: behind so many updates, or so many minutes, whichever comes first."""

    updates: int | None = None
    minutes: float | None = None

    def share(self, updates: int, seconds: float) -> float:
        """How much of it is spent; 1 and more is the end."""
        shares = [0.0]
        if self.updates is not None:
            shares.append(updates / self.updates if self.updates else 1.0)
        if self.minutes is not None:
            shares.append(seconds / (60 * self.minutes) if self.minutes else 1.0)
        return max(shares)


@dataclass(frozen=True)
class Schedule:
    """Learning rates over a run: up in the warm-up, whole for the share `flat` of the budget, then down to `floor`."""

    warmup: int = 0  # updates
    floor: float = 0.1
    flat: float = 0.0
    fall: Literal["linear", "cosine"] = "linear"

    def __call__(self, share: float, updates: int) -> float:
        """The share of the learning rates at a point of the budget, before the update of that number."""
        fallen = min(1.0, max(0.0, (share - self.flat) / (1 - self.flat)))
        if self.fall == "cosine":
            fallen = (1 - math.cos(math.pi * fallen)) / 2
        return min(1.0, (updates + 1) / max(self.warmup, 1), 1 - (1 - self.floor) * fallen)


@dataclass(frozen=True)
class Run:
    """Where a run writes, when it ends, and how often it says and keeps where it is."""

    out: Path
    name: str
    budget: Budget
    schedule: Schedule
    save_every: float = 120.0  # seconds
    log_every: int = 50  # updates
    keep_every: int = 0  # updates behind which a checkpoint stays; 0 keeps the last alone
    draws: bool = True  # the curves, at the end, where matplotlib is there


class Course(Protocol[L]):
    """What learns, and what it learns from."""

    optimiser: Optimiser

    def lessons(self, start: int) -> Iterator[L]:
        """What each update learns from, without end, from update `start` on."""
        ...

    def learn(self, lesson: L) -> Mapping[str, float]:
        """Leave gradients behind; returns losses and accuracies."""
        ...

    def state(self) -> dict[str, object]:
        """What a checkpoint holds besides the optimiser's part."""
        ...

    def restore(self, state: Mapping[str, object]) -> None:
        """Go on from `state()`."""
        ...


@dataclass
class Spent:
    """How far a run has come, and what was measured since the last line of its log."""

    updates: int
    seconds: float
    log: dict[str, list[float]]


def run(course: Course[L], run: Run, seat: Seat = ALONE, clock: Callable[[], float] = time.monotonic) -> None:
    """Learn to the end of the budget, from the checkpoint that is there or from the beginning."""
    spent = _resume(course, run, seat)
    saved, last = spent.seconds, clock()
    with Bar(run.name, quiet=seat.rank > 0) as bar:
        for lesson in course.lessons(spent.updates):
            share = run.budget.share(spent.updates, spent.seconds)
            if share >= 1:
                break
            for name, value in course.learn(lesson).items():
                spent.log[name].append(value)
            spent.log["norm"].append(course.optimiser.step(run.schedule(share, spent.updates)))
            spent.updates += 1
            now = clock()
            spent.seconds, last = _agree(spent.seconds + now - last), now
            bar.show(spent.updates, spent.seconds, run.budget.share(spent.updates, spent.seconds))
            if spent.updates % run.log_every == 0:
                line = _line(run, spent)
                if seat.rank == 0:
                    bar.tell(_write(run.out, line))
            if _due(run, spent, spent.seconds - saved):
                _save(course, run, spent, seat)
                saved = spent.seconds
    _save(course, run, spent, seat)
    if seat.rank == 0 and run.draws and drawable():
        draw(run.out)


def _due(run: Run, spent: Spent, seconds: float) -> bool:
    return seconds > run.save_every or bool(run.keep_every and spent.updates % run.keep_every == 0)


def _agree(seconds: float) -> float:
    """The first process's clock, so that all stop at the same update."""
    if not distributed.is_initialized():
        return seconds
    shared = torch.tensor([seconds], dtype=torch.float64)
    distributed.broadcast(shared, 0)
    return float(shared)


def _line(run: Run, spent: Spent) -> dict[str, object]:
    """The means since the last line; what was measured in none of the updates is left out."""
    means = {name: _mean(values) for name, values in spent.log.items()}
    spent.log.clear()
    known = {name: mean for name, mean in means.items() if mean is not None}
    return {"stage": run.name, "updates": spent.updates, "seconds": round(spent.seconds), **known}


def _mean(values: Sequence[float]) -> float | None:
    kept = [value for value in values if value == value]
    return float(f"{sum(kept) / len(kept):.6g}") if kept else None


def _write(out: Path, line: Mapping[str, object]) -> str:
    text = json.dumps(line)
    with (out / LOG).open("a", encoding="utf-8") as file:
        file.write(text + "\n")
    return text


def _save(course: Course[L], run: Run, spent: Spent, seat: Seat) -> None:
    """Write the checkpoint; all processes ask for the state, which they may have in shards."""
    state = {
        **course.state(),
        "optimiser": course.optimiser.state(),
        "spent": spent.seconds,
        "updates": spent.updates,
        "log": dict(spent.log),
    }
    if seat.rank > 0:
        return
    part = run.out / f"{STATE}.part"
    torch.save(state, part)
    os.replace(part, run.out / STATE)
    if run.keep_every and spent.updates % run.keep_every == 0:
        kept = run.out / f"state-{spent.updates:06}.pt"
        kept.unlink(missing_ok=True)
        os.link(run.out / STATE, kept)


def _resume(course: Course[L], run: Run, seat: Seat) -> Spent:
    run.out.mkdir(parents=True, exist_ok=True)
    spent = Spent(0, 0.0, defaultdict(list))
    if (path := run.out / STATE).exists():
        state = torch.load(path, weights_only=True)
        course.restore(state)
        course.optimiser.restore(state["optimiser"])
        spent.seconds, spent.updates = float(state["spent"]), int(state["updates"])
        spent.log.update(state.get("log", {}))
    if seat.rank == 0:
        _shorten(run.out / LOG, spent.updates)
    return spent


def _shorten(log: Path, updates: int) -> None:
    """Drop lines of updates that were lost with the process that made them: they will be made again."""
    if not log.exists():
        return
    lines = [line for line in log.read_text(encoding="utf-8").splitlines() if _updates(line) <= updates]
    part = log.with_suffix(".part")
    part.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    os.replace(part, log)


def _updates(line: str) -> float:
    try:
        return float(json.loads(line)["updates"])
    except ValueError:  # cut in the middle when its process was killed
        return math.inf
