"""Screens: what is seen, and what acting on them does.

Importing this package loads neither a browser nor an imaging library; the environments load when first named.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from env.environment import Environment, EnvironmentBroken, Recoverable, Recovery, Task
from env.naming import Naming, Stirring
from env.observation import Box, Download, Evidence, Image, Observation, Receipt

if TYPE_CHECKING:
    from env.browser import Browser, BrowserOptions
    from env.desktop import Desktop, DesktopOptions
    from env.miniwob import MiniWoB
    from env.network import Network
    from env.screens import Screens
    from env.secrets import Secret, Secrets

__all__ = [
    "Box",
    "Browser",
    "BrowserOptions",
    "Desktop",
    "DesktopOptions",
    "Download",
    "Environment",
    "EnvironmentBroken",
    "Evidence",
    "Image",
    "MiniWoB",
    "Naming",
    "Network",
    "Observation",
    "Receipt",
    "Recoverable",
    "Recovery",
    "Screens",
    "Secret",
    "Secrets",
    "Stirring",
    "Task",
]

_LAZY = {
    "Browser": "env.browser",
    "BrowserOptions": "env.browser",
    "Desktop": "env.desktop",
    "DesktopOptions": "env.desktop",
    "MiniWoB": "env.miniwob",
    "Network": "env.network",
    "Screens": "env.screens",
    "Secret": "env.secrets",
    "Secrets": "env.secrets",
}


def __getattr__(name: str) -> object:
    """Load an environment when it is first named."""
    if name not in _LAZY:
        raise AttributeError(f"module 'env' has no attribute {name!r}")
    value: object = getattr(import_module(_LAZY[name]), name)
    globals()[name] = value
    return value
