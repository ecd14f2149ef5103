"""The script that draws pickers, lists and bubbles in the page, put together of the files in pickers/."""

from __future__ import annotations

import json
from functools import cache

from env.browser import script

PARTS = ("bubble", "calendar", "clock", "list", "palette", "suggest", "time")


@cache
def source() -> str:
    """An init script for every frame; it has to run after quiet.js, and before the page's own scripts."""
    parts = ", ".join(f"{name}: ({script.source(f'pickers/{name}.js')}\n)" for name in PARTS)
    views = f"({script.source('pickers/views.js')}\n)({{ {parts} }})"
    look = json.dumps(script.source("pickers/look.css"))
    return f"({script.source('pickers/host.js')}\n)({{ look: {look}, views: {views} }});"
