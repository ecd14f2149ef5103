"""Files that were downloaded, as an expectation."""

from __future__ import annotations

import fnmatch
from typing import Protocol, runtime_checkable

from agent.expect.check import Check
from env import Download, Environment

SHOWN = 5
"""Files that are told of."""


@runtime_checkable
class Receiving(Protocol):
    """An environment that takes files."""

    def received(self) -> tuple[Download, ...]:
        """The files of this episode, in the order of their arrival."""
        ...


def arrived(check: Check, env: Environment) -> tuple[bool, str]:
    """Whether a file as in `check` has come, and which have."""
    assert check.file is not None
    if not isinstance(env, Receiving):
        return False, "this environment takes no files"
    files = env.received()
    held = any(
        fnmatch.fnmatchcase(each.name, check.file)
        and check.size in (None, each.size)
        and check.sha256 in (None, each.sha256)
        for each in files
    )
    told = [f"{each.name} ({each.size} bytes, sha256 {each.sha256})" for each in files[-SHOWN:]]
    return held, ", ".join(told) or "no file"
