"""What a run's log says, drawn: one small chart for each thing that was measured.

Drawing needs matplotlib (the extra `train`); the log itself, a JSON object a line, does not.
"""

from __future__ import annotations

import json
import os
from importlib.util import find_spec
from pathlib import Path

LOG, PICTURE = "log.jsonl", "curves.png"
AXES = ("stage", "updates", "seconds")
COLUMNS = 3


def drawable() -> bool:
    """Whether matplotlib is there."""
    return find_spec("matplotlib") is not None


def draw(folder: Path) -> Path | None:
    """FOLDER/curves.png of FOLDER/log.jsonl; None where nothing was measured yet."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    curves = read(folder / LOG)
    if not curves:
        return None
    rows = -(-len(curves) // COLUMNS)
    figure = Figure(figsize=(4 * COLUMNS, 2.6 * rows), layout="constrained")
    FigureCanvasAgg(figure)
    for number, (name, points) in enumerate(sorted(curves.items()), 1):
        axes = figure.add_subplot(rows, COLUMNS, number, title=name, xlabel="updates")
        axes.plot(*zip(*points, strict=True), marker="." if len(points) < 30 else "")
        axes.grid(alpha=0.3)
    part = folder / f"{PICTURE}.part"
    figure.savefig(part, format="png", dpi=100)
    os.replace(part, folder / PICTURE)
    return folder / PICTURE


def read(log: Path) -> dict[str, list[tuple[int, float]]]:
    """(updates, value) of everything that a log has numbers for."""
    curves: dict[str, list[tuple[int, float]]] = {}
    for line in log.read_text(encoding="utf-8").splitlines() if log.exists() else ():
        entry = json.loads(line)
        for name, value in entry.items():
            if name not in AXES and isinstance(value, int | float):
                curves.setdefault(name, []).append((int(entry["updates"]), float(value)))
    return curves
