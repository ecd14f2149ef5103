"""The four packages have common names, so make sure that all four are ours."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

NAMES = ("actions", "env", "model")
HOME = Path(__file__).resolve().parent.parent


def locate(name: str) -> str:
    """The file that `import name` reads, without importing it; empty where there is none."""
    loaded = sys.modules.get(name)
    if loaded is not None:
        return loaded.__file__ or ""
    spec = find_spec(name)
    return (spec.origin or "") if spec else ""


def check(home: Path = HOME) -> None:
    """Raise `ImportError` naming the stranger where one of the four packages does not come from `home`."""
    for name in NAMES:
        ours, found = home / name / "__init__.py", locate(name)
        if not found:
            raise ImportError(f"handeye needs its package {name!r} at {ours}, and nothing is there")
        if Path(found).resolve() != ours.resolve():
            raise ImportError(
                f"handeye's package {name!r} is at {ours}, but Python would import {found} in its place; "
                f"rename that file or folder, or run from elsewhere"
            )
