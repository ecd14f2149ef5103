"""Several processes train one network: each on its own turns, with gradients averaged at every update."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Callable
from pathlib import Path

import torch
from torch import distributed
from torch.multiprocessing.spawn import ProcessRaisedException, spawn

from model.train.loop import ALONE, Seat

BACKEND = "cpu:gloo,cuda:nccl"
"""Numbers that processes agree on are on the CPU, gradients where the network is."""


class JobError(ValueError):
    """What one of several processes was told and could not do."""


def train_together(job: Callable[[Seat], None], ranks: int, out: Path) -> None:
    """Run `job`, which can be pickled, in `ranks` processes of this machine, who meet by a file in `out`.

    A ValueError in one of them is raised as `JobError`. GPUs are written for and have not been tried.
    """
    if ranks == 1:
        job(ALONE)
        return
    out.mkdir(parents=True, exist_ok=True)
    meeting = (out / f"meeting-{os.getpid()}").absolute()
    error = meeting.with_suffix(".error")
    try:
        spawn(_process, (ranks, job, meeting), nprocs=ranks)  # type: ignore[no-untyped-call]
    except ProcessRaisedException:
        if not error.exists():
            raise
        raise JobError(error.read_text(encoding="utf-8")) from None
    finally:
        for path in (meeting, error):
            path.unlink(missing_ok=True)


def _process(rank: int, ranks: int, job: Callable[[Seat], None], meeting: Path) -> None:
    threading.Thread(target=_end_with_parent, daemon=True).start()
    backend = BACKEND if torch.cuda.is_available() else "gloo"
    distributed.init_process_group(backend, init_method=f"file://{meeting}", rank=rank, world_size=ranks)
    try:
        job(Seat(rank, ranks))
    except ValueError as error:
        meeting.with_suffix(".error").write_text(str(error), encoding="utf-8")
        raise
    distributed.destroy_process_group()


def _end_with_parent() -> None:
    """End this process once its parent has, however that came about; the last checkpoint is what is left."""
    if (parent := multiprocessing.parent_process()) is not None:
        parent.join()
        os._exit(1)
