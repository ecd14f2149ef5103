"""What expectations stand on beside the screen: pictures on disk, and code of the script's author."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from agent.expect.code import Judge


def _nothing() -> Mapping[str, Judge]:
    return MappingProxyType({})


@dataclass(frozen=True)
class Ground:
    """Where pictures lie, and the functions by what `Check.python` calls them.

    Without `code` no check in Python is run: a record names such checks, and a record's author is not to be trusted.
    """

    folder: Path | None = None
    code: Mapping[str, Judge] = field(default_factory=_nothing)
    update: bool = False
    """Whether pictures are written anew, where all else holds, and not compared."""
    answers: tuple[str, ...] = ()
    """What the policy told the user."""


BARE = Ground()
"""No pictures and no code."""
