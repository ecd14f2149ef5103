"""`handeye replay`: a recorded run once more, without a model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from agent.commands import asking, options
from agent.commands.ending import end, refuse
from agent.console import STYLES, console, plain, starting
from agent.reader import RecordError, read_run
from agent.stage import StageError, admit


def replay(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(metavar="RUN", help="a run folder")],
    mode: Annotated[str, typer.Option("--mode", help="exact: every screen must be the recorded one")] = "exact",
    to: Annotated[int | None, typer.Option("--to", min=0, help="go no further than this step")] = None,
    secret: options.Secret = None,
    secrets: options.SecretsFile = None,
    headed: options.Headed = False,
    as_json: options.Json = False,
) -> None:
    """Do a recorded run again, without a model."""
    from agent.replay import replay as repeat
    from agent.stage import open_stage

    if mode != "exact":
        refuse(f"--mode {mode}: expected exact")
    screen = console(quiet=as_json)
    try:
        recorded = read_run(folder)
        entry, start = recorded.manifest.environment, recorded.manifest.task.start
        starting(screen, entry.program)
        admit(entry, start)
        asking.declared(tuple(entry.secrets), secret or ())
        care = asking.care(context, tuple(entry.secrets), allow=None, pairs=secret, file=secrets)
        with open_stage(entry, headed=headed, start=start, values=care.values) as stage:
            result = repeat(recorded, stage.env, origin=stage.origin, to=to)
    except (RecordError, StageError) as error:
        refuse(str(error))
    screen.print(f"[{STYLES[result.outcome]}]{result.outcome.value}[/]  {plain(result.detail)}")
    said = {**result.model_dump(mode="json"), "code": result.code, "mode": mode}
    end(result.outcome, said, as_json)
