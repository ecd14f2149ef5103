"""An evaluation as one HTML page that needs nothing but itself."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from agent.describe import clean
from agent.evaluate.chart import bars
from agent.evaluate.kept import Asked
from agent.evaluate.mark import Mark
from agent.evaluate.score import grouped, summary
from agent.record import replace

WEB = Path(__file__).parent.parent / "web"


@dataclass(frozen=True)
class Bar:
    """A task, and its success as whole percents for the drawing."""

    name: str
    success: float
    low: float
    high: float


def write_page(asked: Asked, marks: Sequence[Mark], path: Path) -> None:
    """Write the page: the scores, a bar and a row a task, and every episode. Without scripts, and offline."""
    replace(path, render(asked, marks).encode())


def render(asked: Asked, marks: Sequence[Mark]) -> str:
    """The page as text. Its content policy allows its own style and nothing else."""
    style = (WEB / "evaluation.css").read_text("utf-8")
    source = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    jinja = Environment(
        loader=FileSystemLoader(WEB), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return jinja.get_template("evaluation.html.j2").render(
        asked=asked,
        scores=summary(marks, asked.model.name, asked.suite),
        bars=[Bar(name, 100 * mean, 100 * low, 100 * high) for name, mean, low, high in bars(marks)],
        groups=grouped(marks),
        clean=lambda text: clean(text, 200),
        style=Markup(style),
        style_hash=f"sha256-{source}",
    )
