"""`handeye replay`: a recorded run once more, without a model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from agent.commands import asking, options
from agent.commands.ending import end, refuse
from agent.commands.onward import Onward, another_way, decider, part
from agent.console import STYLES, console, plain, starting
from agent.reader import RecordError, read_run
from agent.stage import StageError, admit

Then = Annotated[
    str | None,
    typer.Option("--then", metavar="MODEL", help=f"go on from there: {options.MODEL}; or person (types what to do)"),
]


def replay(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(metavar="RUN", help="a run folder")],
    mode: Annotated[str, typer.Option("--mode", help="exact: every screen must be the recorded one")] = "exact",
    to: Annotated[int | None, typer.Option("--to", min=0, help="go no further than this step")] = None,
    secret: options.Secret = None,
    secrets: options.SecretsFile = None,
    headed: options.Headed = False,
    then: Then = None,
    with_: options.With = None,
    grounder: options.Grounder = "",
    approve: options.Approval = "never",
    safe: options.Safe = False,
    out: options.Out = None,
    as_json: options.Json = False,
) -> None:
    """Do a recorded run again, without a model; or up to a step of it, and another way from there."""
    from agent.replay import replay as repeat
    from agent.stage import open_stage

    if mode != "exact":
        refuse(f"--mode {mode}: expected exact")
    if then is not None:
        before = part(folder, to)
        names = tuple(before.manifest.environment.secrets)
        asking.declared(names, secret or ())
        care = asking.care(context, names, allow=None, pairs=secret, file=secrets, mode=approve, careful=safe)
        policy = decider(then, options.ways(context, with_, grounder))
        Onward(before, policy, care, None, headed, out, as_json).go(another_way)
    if with_ or grounder or out or safe or approve != "never":
        refuse("--with, --grounder, --approve, --safe and --out: go with --then, for what comes after it")
    screen = console(quiet=as_json)
    try:
        run = read_run(folder)
        entry, start = run.manifest.environment, run.manifest.task.start
        starting(screen, entry.program)
        admit(entry, start)
        asking.declared(tuple(entry.secrets), secret or ())
        care = asking.care(context, tuple(entry.secrets), allow=None, pairs=secret, file=secrets)
        with open_stage(entry, headed=headed, start=start, values=care.values) as stage:
            result = repeat(run, stage.env, origin=stage.origin, to=to)
    except (RecordError, StageError) as error:
        refuse(str(error))
    screen.print(f"[{STYLES[result.outcome]}]{result.outcome.value}[/]  {plain(result.detail)}")
    said = {**result.model_dump(mode="json"), "code": result.code, "mode": mode}
    end(result.outcome, said, as_json)
