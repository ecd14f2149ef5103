"""Several processes train one network: each on its own turns, with gradients averaged at every update."""

from __future__ import annotations

import multiprocessing
import os
import threading
from pathlib import Path

from torch import distributed
from torch.multiprocessing.spawn import spawn

from model.train.loop import Plan, train


def train_together(plan: Plan, ranks: int) -> None:
    """Run `plan` on `ranks` processes of this machine, one thread each."""
    plan.out.mkdir(parents=True, exist_ok=True)
    meeting = (plan.out / f"meeting-{os.getpid()}").absolute()
    if ranks == 1:
        train(plan)
        return
    spawn(_process, (ranks, plan, meeting), nprocs=ranks)  # type: ignore[no-untyped-call]
    meeting.unlink(missing_ok=True)


def _process(rank: int, ranks: int, plan: Plan, meeting: Path) -> None:
    threading.Thread(target=_end_with_parent, daemon=True).start()
    distributed.init_process_group("gloo", init_method=f"file://{meeting}", rank=rank, world_size=ranks)
    train(plan, rank, ranks)
    distributed.destroy_process_group()


def _end_with_parent() -> None:
    """End this process once its parent has, however that came about; the last checkpoint is what is left."""
    if (parent := multiprocessing.parent_process()) is not None:
        parent.join()
        os._exit(1)
