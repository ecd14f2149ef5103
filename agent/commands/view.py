"""`handeye view`: a page about runs, two runs beside each other, or a run as a film."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from agent.commands.ending import refuse
from agent.reader import RecordError, Run, read_run

FILMS = (".gif", ".mp4", ".webm")
PAGES = (".html", ".htm")


def view(
    folders: Annotated[list[Path], typer.Argument(metavar="RUN...", help="run folders")],
    out: Annotated[
        Path | None, typer.Option("--out", help="X.html, or a film: X.gif, X.mp4, X.webm; RUN/report.html by default")
    ] = None,
    compare: Annotated[bool, typer.Option("--compare", help="two runs side by side, step by step")] = False,
) -> None:
    """Write one self-contained HTML page about a run or several, or a run as a film."""
    from agent.view import FilmError

    kind = out.suffix.lower() if out else ".html"
    if kind not in (*FILMS, *PAGES):
        refuse(f"--out {out}: expected a name that ends in {', '.join((*PAGES, *FILMS))}")
    if compare and (len(folders) != 2 or kind in FILMS):
        refuse(f"--compare makes a page of two runs, got {len(folders)} and {kind}")
    if kind in FILMS and len(folders) != 1:
        refuse(f"--out {out}: a film is of one run, got {len(folders)}")
    try:
        path = _write([read_run(folder) for folder in folders], out, compare)
    except (RecordError, FilmError, OSError) as error:
        refuse(str(error))
    sys.stdout.write(f"{path}\n")


def _write(runs: Sequence[Run], out: Path | None, compare: bool) -> Path:
    from agent.view import write_comparison, write_film, write_report

    if compare:
        return write_comparison(runs[0], runs[1], out)
    if out and out.suffix.lower() in FILMS:
        return write_film(runs[0], out)
    return write_report(runs, out)
