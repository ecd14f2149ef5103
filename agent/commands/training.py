"""What the commands of `handeye train` share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec

from agent.choose import ModelError
from agent.commands.ending import refuse

EXTRA = "needs the extra `train`: pip install 'handeye[train]'"


def need(*modules: str) -> None:
    """Refuse where what the extra `train` brings is not there."""
    if missing := [name for name in modules if find_spec(name) is None]:
        refuse(f"{EXTRA} (no module named {missing[0]!r})")


@contextmanager
def taught() -> Iterator[None]:
    """What cannot be followed inside ends the command as bad usage."""
    from model import ConfigError, LoadError, PlanError
    from model.train.processes import JobError
    from model.train.settings import TuningError

    try:
        yield
    except (ModelError, TuningError, JobError, ConfigError, LoadError, PlanError) as error:
        refuse(str(error))
