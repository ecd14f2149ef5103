"""MiniWoB++: small web tasks that make themselves up from a seed and judge their own end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from env.miniwob.oracle import TASKS, Expected

if TYPE_CHECKING:
    from env.miniwob.environment import OPTIONS, MiniWoB

__all__ = ["OPTIONS", "TASKS", "Expected", "MiniWoB"]


def __getattr__(name: str) -> object:
    """Load the environment, and the browser with it, when it is first named."""
    if name not in ("OPTIONS", "MiniWoB"):
        raise AttributeError(f"module 'env.miniwob' has no attribute {name!r}")
    from env.miniwob import environment

    value: object = vars(environment)[name]
    globals()[name] = value
    return value
