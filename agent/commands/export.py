"""`handeye export`: recorded runs as training data, trajectories and scripts."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agent.commands import options
from agent.commands.ending import refuse
from agent.commands.exchanging import Dialect, Factor, style_of
from agent.describe import clean
from agent.reader import RecordError

if TYPE_CHECKING:
    from agent.exchange import Manifest

SHOWN = 20
"""Steps that are named on standard error; the manifest names all."""


def export(
    context: typer.Context,
    folders: Annotated[list[Path], typer.Argument(metavar="RUN...", help="run folders, or folders of them")],
    format_: Annotated[
        str,
        typer.Option("--format", help="sft, llamafactory, shards, osworld, pyautogui, uitars or playwright"),
    ],
    out: Annotated[Path, typer.Option("--out", help="a new folder for the data")],
    model: Annotated[str, typer.Option("--model", help="speak and look as this checkpoint does")] = "",
    with_: options.With = None,
    dialect: Dialect = None,
    history: Annotated[
        str | None, typer.Option("--history", help="screens of a prompt: newest, last:N, chunk:N or all")
    ] = None,
    system: Annotated[
        bool | None, typer.Option("--system/--no-system", help="whether prompts tell the actions")
    ] = None,
    factor: Factor = None,
    min_pixels: options.MinPixels = None,
    max_pixels: options.MaxPixels = None,
    thoughts: Annotated[bool, typer.Option("--thoughts", help="answers with what was written before the call")] = False,
    pictures: Annotated[
        str, typer.Option("--pictures", help="resized (as the model sees them) or captured")
    ] = "resized",
    any_outcome: Annotated[
        bool, typer.Option("--any-outcome", help="runs that nobody has verified, and failed ones, too")
    ] = False,
    val: Annotated[float, typer.Option("--val", min=0, max=1, help="share of runs kept for validation")] = 0.1,
    as_json: options.Json = False,
) -> None:
    """Write recorded runs as data to train on, or as scripts in other languages."""
    from agent.exchange import ExportError, Order, gather
    from agent.exchange import export as write
    from agent.exchange.manifest import FORMATS

    form = next((each for each in FORMATS if each == format_), None)
    if form is None:
        refuse(f"--format {format_}: expected one of {', '.join(FORMATS)}")
    if format_ == "uitars" and not (dialect or model):
        dialect = "ui-tars-1.5"
    if form == "shards":
        model = model or "builtin"  # nobody else reads them
    given = {
        "dialect": dialect,
        "history": history,
        "system": system,
        "factor": factor,
        "min_pixels": min_pixels,
        "max_pixels": max_pixels,
        "thoughts": thoughts,
        "pictures": pictures,
    }
    style = style_of(model, options.ways(context, with_), given)
    try:
        made = write(gather(folders), Order(form, out, style, verified=not any_outcome, val=val))
    except (ExportError, RecordError) as error:
        refuse(str(error))
    _name(made, out)
    sys.stdout.write((made.model_dump_json() if as_json else _count(made, out)) + "\n")
    if not any(run.kept for run in made.runs):
        refuse(f"nothing was worth exporting; {len(made.left_out)} left out", 1)


def _name(made: Manifest, out: Path) -> None:
    """Say on standard error what is not in the data."""
    for left in made.left_out[:SHOWN]:
        where = f"{left.run}{f', step {left.step}' if left.step else ''}"
        sys.stderr.write(f"left out: {clean(f'{where}: {left.why}', 300)}\n")
    if len(made.left_out) > SHOWN:
        sys.stderr.write(f"left out: {len(made.left_out) - SHOWN} more, all in {out / 'manifest.json'}\n")


def _count(made: Manifest, out: Path) -> str:
    """What is in it, for people."""
    total = f"{sum(run.kept for run in made.runs)} steps of {len(made.runs)} runs in {out}"
    return "\n".join([total, *(f"  {clean(name)}  {count}" for name, count in made.files.items())])
