"""Pictures for the tests of asking and grounding: a real page, photographed once."""

from __future__ import annotations

from pathlib import Path

from agent_runs import ROOT
from PIL import Image

from env import Browser, BrowserOptions, Task

GREET = ROOT / "examples" / "pages" / "greet.html"
SEND = (12, 72, 55, 96)
"""A box in which the page has its button."""


def photograph(path: Path) -> Path:
    """The greeting page at 160x208 as a PNG."""
    with Browser(BrowserOptions(size=(160, 208))) as browser:
        seen = browser.reset(Task("look", GREET.as_uri()))
    Image.fromarray(seen.screenshot).save(path)
    return path
