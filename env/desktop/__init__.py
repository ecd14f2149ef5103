"""A whole screen as an environment: a private X display, or by explicit choice the one that people look at."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from env.desktop.desktop import Desktop
    from env.desktop.options import DesktopOptions

__all__ = ["Desktop", "DesktopOptions"]

_LAZY = {"Desktop": "env.desktop.desktop", "DesktopOptions": "env.desktop.options"}


def __getattr__(name: str) -> object:
    """Load the desktop when it is first named: `python -m env.desktop.find` answers without it."""
    if name not in _LAZY:
        raise AttributeError(f"module 'env.desktop' has no attribute {name!r}")
    value: object = getattr(import_module(_LAZY[name]), name)
    globals()[name] = value
    return value
