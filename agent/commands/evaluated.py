"""`handeye eval compare` and `handeye eval report`: what evaluations say that were kept."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agent.commands import options
from agent.commands.ending import refuse
from agent.console import console, flips

if TYPE_CHECKING:
    from agent.evaluate import AnyEvaluation

PICTURE, PAGES = ".png", (".html", ".htm")

Folder = Annotated[Path, typer.Argument(metavar="FOLDER", help="where `handeye eval ... --out` kept it")]


def compare(first: Folder, second: Folder, as_json: options.Json = False) -> None:
    """The difference between two evaluations on what both were put to, and which of that flipped."""
    from agent.evaluate import compare as paired
    from agent.evaluate import differences, different

    one, other = _read(first), _read(second)
    if why := different(one, other):
        refuse(f"{first}, {second}: {why}")
    try:
        found = differences(paired(one.marks, other.marks))
    except ValueError as error:
        refuse(f"{first}, {second}: {error}")
    found["models"] = [one.asked.model.name, other.asked.model.name]
    if as_json:
        sys.stdout.write(json.dumps(found) + "\n")
    else:
        console().print(flips(found))


def report(
    folder: Folder,
    out: Annotated[
        Path | None, typer.Option("--out", help="X.html, or X.png for a chart; FOLDER/report.html by default")
    ] = None,
) -> None:
    """Write an evaluation as one self-contained HTML page, or as a chart."""
    from agent.evaluate import draw, write_page

    path = out or folder / "report.html"
    if path.suffix.lower() not in (PICTURE, *PAGES):
        refuse(f"--out {path}: expected a name that ends in {', '.join((PICTURE, *PAGES))}")
    found = _read(folder)
    if not found.marks:
        refuse(f"{folder}: nothing was played yet")
    try:
        if path.suffix.lower() == PICTURE:
            draw(found.sheet, path)
        else:
            write_page(found.sheet, path)
    except ImportError as error:
        refuse(f"a chart needs an extra ({error}): pip install 'handeye[chart]'")
    except OSError as error:
        refuse(f"--out: {error}")
    sys.stdout.write(f"{path}\n")


def _read(folder: Path) -> AnyEvaluation:
    from agent.evaluate import EvaluationError, read_evaluation

    try:
        return read_evaluation(folder)
    except EvaluationError as error:
        refuse(str(error))
