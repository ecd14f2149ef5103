"""A Chromium as an environment."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from env.browser.access import Credentials, Geolocation, Proxy
    from env.browser.browser import Browser
    from env.browser.options import BrowserOptions

__all__ = ["Browser", "BrowserOptions", "Credentials", "Geolocation", "Proxy"]

_LAZY = {
    "Browser": "env.browser.browser",
    "BrowserOptions": "env.browser.options",
    "Credentials": "env.browser.access",
    "Geolocation": "env.browser.access",
    "Proxy": "env.browser.access",
}


def __getattr__(name: str) -> object:
    """Load the browser when it is first named: `python -m env.browser.find` answers without it."""
    if name not in _LAZY:
        raise AttributeError(f"module 'env.browser' has no attribute {name!r}")
    value: object = getattr(import_module(_LAZY[name]), name)
    globals()[name] = value
    return value
