"""`handeye train tiny`: the built-in model from nothing, all stages."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from agent.commands import options
from agent.commands.training import need, taught
from agent.console import console
from agent.outcome import Outcome

Out = Annotated[
    Path, typer.Option("--out", help="folder for pictures, checkpoints and the model; what is there goes on")
]
Processes = Annotated[int, typer.Option("--processes", min=1, help="that share each stage's minutes, a core each")]
Scale = Annotated[float, typer.Option("--scale", min=0.001, help="times the pictures and minutes of the recipe")]
Smoke = Annotated[bool, typer.Option("--smoke", help="every stage for seconds: whether each learns at all")]


def tiny(
    out: Out = Path("data/tiny"),
    processes: Processes = 2,
    scale: Scale = 1.0,
    smoke: Smoke = False,
    as_json: options.Json = False,
) -> None:
    """Train the built-in model: pictures, vision, language, everything, instructions, and the exported folder.

    With --smoke it ends with code 1 where a stage's own measure, a loss, is not below its start.
    """
    need("matplotlib")
    with taught():
        from agent.school import FULL, SMOKE, attend

        screen, told = console(quiet=as_json), []
        school = (SMOKE if smoke else FULL).scaled(scale)
        for one in attend(school, out, processes, tell=lambda line: screen.print(line, markup=False)):
            told.append(vars(one))
            screen.print(f"{one.stage}: {one.measure} {one.before:.3f} -> {one.after:.3f}", markup=False)
    if as_json:
        sys.stdout.write(json.dumps({"folder": str(out / "model"), "stages": told}) + "\n")
    if smoke and any(one["after"] >= one["before"] for one in told):
        raise typer.Exit(Outcome.FAILED.code)
