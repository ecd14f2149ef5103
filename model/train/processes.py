"""Several processes train one network: each on its own turns, with gradients averaged at every update."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Callable
from pathlib import Path

from torch import distributed
from torch.multiprocessing.spawn import spawn

from model.train.loop import ALONE, Seat


def train_together(job: Callable[[Seat], None], ranks: int, out: Path, *, backend: str = "gloo") -> None:
    """Run `job`, which can be pickled, in `ranks` processes of this machine, who meet by a file in `out`."""
    if ranks == 1:
        job(ALONE)
        return
    out.mkdir(parents=True, exist_ok=True)
    meeting = (out / f"meeting-{os.getpid()}").absolute()
    spawn(_process, (ranks, job, meeting, backend), nprocs=ranks)  # type: ignore[no-untyped-call]
    meeting.unlink(missing_ok=True)


def _process(rank: int, ranks: int, job: Callable[[Seat], None], meeting: Path, backend: str) -> None:
    threading.Thread(target=_end_with_parent, daemon=True).start()
    distributed.init_process_group(backend, init_method=f"file://{meeting}", rank=rank, world_size=ranks)
    job(Seat(rank, ranks))
    distributed.destroy_process_group()


def _end_with_parent() -> None:
    """End this process once its parent has, however that came about; the last checkpoint is what is left."""
    if (parent := multiprocessing.parent_process()) is not None:
        parent.join()
        os._exit(1)
