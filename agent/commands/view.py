"""`handeye view`: a page about runs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from agent.commands.ending import refuse
from agent.reader import RecordError, read_run


def view(
    folders: Annotated[list[Path], typer.Argument(metavar="RUN...", help="run folders")],
    out: Annotated[Path | None, typer.Option("--out", help="the page; RUN/report.html by default")] = None,
) -> None:
    """Write one self-contained HTML page about a run, or several."""
    from agent.view import write_report

    try:
        path = write_report([read_run(folder) for folder in folders], out)
    except (RecordError, OSError) as error:
        refuse(str(error))
    sys.stdout.write(f"{path}\n")
