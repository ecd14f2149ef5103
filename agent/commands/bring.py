"""`handeye import`: data in the forms of others as run folders."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from agent.commands import options
from agent.commands.ending import refuse
from agent.commands.exchanging import Dialect, Factor, style_of
from agent.commands.given import RUNS, size_of
from agent.describe import clean


def bring(
    context: typer.Context,
    files: Annotated[list[Path], typer.Argument(metavar="FILE...")],
    format_: Annotated[str, typer.Option("--format", help="sft, llamafactory, osworld, pyautogui or uitars")],
    out: Annotated[Path, typer.Option("--out", help="folder for the run folders")] = RUNS,
    data: Annotated[
        Path | None, typer.Option("--data", help="folder of the pictures; that of the file by default")
    ] = None,
    dialect: Dialect = None,
    factor: Factor = None,
    min_pixels: options.MinPixels = None,
    max_pixels: options.MaxPixels = None,
    size: Annotated[str, typer.Option("--size", help="WIDTHxHEIGHT of screens without a picture")] = "",
    as_json: options.Json = False,
) -> None:
    """Read training data, trajectories and scripts of others as runs; nothing of them is ever executed."""
    from agent.exchange import Source, Wrong, styled
    from agent.exchange import bring as read
    from agent.exchange.incoming import FORMATS

    form = next((each for each in FORMATS if each == format_), None)
    if form is None:
        refuse(f"--format {format_}: expected one of {', '.join(FORMATS)}")
    if format_ == "uitars" and dialect is None:
        dialect = "ui-tars-1.5"
    given = {"dialect": dialect, "factor": factor, "min_pixels": min_pixels, "max_pixels": max_pixels}
    stated = frozenset(name for name, value in given.items() if value is not None)
    style = style_of("", options.ways(context, None), given)
    screen = size_of(size) if size else None
    made: list[Path] = []
    wrong = 0
    for file in files:
        source = Source(form, styled(file, style, stated), data, screen)
        for found in read([file], out, source):
            if isinstance(found, Wrong):
                wrong += 1
                sys.stderr.write(f"left out: {clean(str(found), 400)}\n")
            else:
                made.append(found)
                if not as_json:
                    sys.stdout.write(f"{found}\n")
    if as_json:
        sys.stdout.write(json.dumps({"runs": [str(path) for path in made], "left_out": wrong}) + "\n")
    if not made:
        refuse(f"nothing could be imported; {wrong} left out", 1)
