"""The scores of an evaluation as a picture: a bar a group, with its interval. Needs matplotlib (the extra `chart`)."""

from __future__ import annotations

import io
from pathlib import Path

from agent.describe import clean
from agent.evaluate.sheet import Sheet
from agent.record import replace


def draw(sheet: Sheet, path: Path) -> None:
    """A PNG of the score of each row, that of all at the bottom."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    rows = sheet.rows
    figure = Figure(figsize=(8, 1.2 + 0.24 * len(rows)), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot(xlim=(0, 1), xlabel=f"{sheet.measure}, with 95 % bootstrap interval")
    axes.set_title(_plain(sheet.title))
    scores = [row.score for row in rows]
    beside = [[score.mean - score.low for score in scores], [score.high - score.mean for score in scores]]
    colours = ["tab:blue"] * (len(rows) - 1) + ["tab:orange"]
    places = range(len(rows))
    axes.barh(places, [score.mean for score in scores], xerr=beside, color=colours, ecolor="black", capsize=2)
    axes.set_yticks(places, [_plain(row.name) for row in rows])
    axes.invert_yaxis()
    axes.grid(axis="x", alpha=0.3)
    data = io.BytesIO()
    figure.savefig(data, format="png", dpi=100)
    replace(path, data.getvalue())


def _plain(text: str) -> str:
    """Text that no drawing takes for a formula."""
    return clean(text, 60).replace("$", r"\$")
