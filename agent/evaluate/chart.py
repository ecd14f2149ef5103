"""The scores of an evaluation as a picture: a bar a task, with its interval. Needs matplotlib (the extra `chart`)."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

from agent.evaluate.mark import Mark
from agent.evaluate.score import grouped, interval
from agent.record import replace


def draw(marks: Sequence[Mark], title: str, path: Path) -> None:
    """A PNG of the success of each task, the best first, and of all of them at the bottom."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    rows = bars(marks)
    figure = Figure(figsize=(8, 1.2 + 0.24 * len(rows)), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot(xlim=(0, 1), xlabel="success, with 95 % bootstrap interval")
    axes.set_title(title.replace("$", r"\$"))
    names, means = [name for name, _, _, _ in rows], [mean for _, mean, _, _ in rows]
    beside = [[mean - low for _, mean, low, _ in rows], [high - mean for _, mean, _, high in rows]]
    colours = ["tab:blue"] * (len(rows) - 1) + ["tab:orange"]
    axes.barh(names, means, xerr=beside, color=colours, ecolor="black", capsize=2)
    axes.invert_yaxis()
    axes.grid(axis="x", alpha=0.3)
    data = io.BytesIO()
    figure.savefig(data, format="png", dpi=100)
    replace(path, data.getvalue())


def bars(marks: Sequence[Mark]) -> list[tuple[str, float, float, float]]:
    """Name, mean, low and high end of each task, the best first, and of all tasks at the end."""
    groups = {task: [mark.success for mark in group] for task, group in grouped(marks).items()}
    means = {task: sum(group) / len(group) for task, group in groups.items()}
    best = sorted(groups, key=lambda task: -means[task])
    rows = [(task, means[task], *interval([groups[task]])) for task in best]
    return [*rows, ("all tasks", sum(means.values()) / len(means), *interval(list(groups.values())))]
