"""A run, or several, as one HTML page that needs nothing but itself."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from agent.reader import RecordError, Run
from agent.record import replace
from agent.view.album import BUDGET, Album, Prints
from agent.view.section import section
from agent.view.times import PARTS

WEB = Path(__file__).parent.parent / "web"


def write_report(runs: Sequence[Run], path: Path | None = None) -> Path:
    """Write one page about `runs` and return where; the first run's folder is the default place."""
    if not runs:
        raise RecordError("there is no run to show")
    target = path or runs[0].folder / "report.html"
    replace(target, render(runs).encode())
    return target


def render(runs: Sequence[Run], *, budget: int = BUDGET) -> str:
    """The page as text; `budget` is what its pictures may take in bytes while they stay exact."""
    album = Album()
    sections = [section(album, run) for run in runs]
    title = f"handeye: {sections[0].name}" if len(sections) == 1 else f"handeye: {len(sections)} runs"
    return fill("report.html.j2", title, album.prints(budget), sections)


def fill(template: str, title: str, prints: Prints, content: object) -> str:
    """A template filled in. Its content policy allows the page's own style and script, and nothing else."""
    style, script = (WEB / "report.css").read_text("utf-8"), (WEB / "report.js").read_text("utf-8")
    jinja = Environment(
        loader=FileSystemLoader(WEB),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return jinja.get_template(template).render(
        title=title,
        content=content,
        prints=prints,
        parts=PARTS,
        style=Markup(style),
        script=Markup(script),
        style_hash=_source(style),
        script_hash=_source(script),
    )


def _source(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
