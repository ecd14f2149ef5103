"""Which MiniWoB++ tasks are played together, and how long each may take: read from suites.yaml, which says why."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

import yaml
from pydantic import BaseModel, ConfigDict

from env.miniwob.site import page_names

NAMES = ("basic15", "easy20", "wide40", "all")
"""Lists of tasks; each holds the one before it."""


class _Suites(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    basic15: tuple[str, ...]
    easy5: tuple[str, ...]
    wide20: tuple[str, ...]
    left_out: dict[str, str]
    default_steps: int
    steps: dict[str, int]


@cache
def _read() -> _Suites:
    return _Suites.model_validate(yaml.safe_load(files("env.miniwob").joinpath("suites.yaml").read_text("utf-8")))


def suite(name: str) -> tuple[str, ...]:
    """The tasks of a list; "all" are those of the installed package that a screen agent can do."""
    read = _read()
    if name == "all":
        return tuple(sorted(page_names() - set(read.left_out)))
    if name not in NAMES:
        raise ValueError(f"suite {name!r}: expected one of {', '.join(NAMES)}")
    return sum((read.basic15, read.easy5, read.wide20)[: NAMES.index(name) + 1], ())


def left_out() -> dict[str, str]:
    """The tasks that a screen agent cannot be judged by, each with the reason."""
    return dict(_read().left_out)


def budget(task: str) -> int:
    """Actions after which an episode of `task` is given up: about twice what it takes, and 10 at least."""
    read = _read()
    return read.steps.get(task, read.default_steps)
