"""An evaluation as one HTML page that needs nothing but itself."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from agent.describe import clean
from agent.evaluate.sheet import Sheet
from agent.record import replace

WEB = Path(__file__).parent.parent / "web"


def write_page(sheet: Sheet, path: Path) -> None:
    """Write the page: the scores, a bar and a row a group, and all marks. Without scripts, and offline."""
    replace(path, render(sheet).encode())


def render(sheet: Sheet) -> str:
    """The page as text. Its content policy allows its own style and nothing else."""
    style = (WEB / "evaluation.css").read_text("utf-8")
    source = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    jinja = Environment(
        loader=FileSystemLoader(WEB), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return jinja.get_template("evaluation.html.j2").render(
        sheet=sheet,
        clean=lambda text: clean(text, 300),
        style=Markup(style),
        style_hash=f"sha256-{source}",
    )
