"""`handeye do`: one instruction, without a script."""

from __future__ import annotations

from typing import Annotated

import typer

from agent.commands import asking, options
from agent.commands.ending import end
from agent.commands.given import browser_for, folder_for, model_of, size_of
from agent.console import StepLine, console, outcomes, summary


def do(
    context: typer.Context,
    instruction: str,
    url: Annotated[str, typer.Option("--url", help="where to start")],
    model: options.Player = "builtin",
    with_: options.With = None,
    grounder: options.Grounder = "",
    grammar: options.Grammar = None,
    size: Annotated[str, typer.Option("--size", help="WIDTHxHEIGHT of the page; what suits the model by default")] = "",
    steps: Annotated[int, typer.Option("--steps", min=1)] = 30,
    approve: options.Approval = "never",
    safe: options.Safe = False,
    allow: options.Allow = None,
    secret: options.Secret = None,
    secrets: options.SecretsFile = None,
    headed: options.Headed = False,
    out: options.Out = None,
    as_json: options.Json = False,
) -> None:
    """Carry out one instruction, without a script."""
    from agent.api import preferred
    from agent.limits import Limits
    from agent.manifest import describe
    from agent.perform import Job, perform
    from agent.record import Recorder
    from agent.stage import open_stage
    from env import Task

    asked = size_of(size) if size else None
    policy = model_of(model, ways=options.ways(context, with_, grounder, grammar))
    screen = console(quiet=as_json)
    care = asking.care(context, (), allow=allow, pairs=secret, file=secrets, mode=approve, careful=safe)
    entry, words = browser_for(url, asked or preferred(policy), care)
    name = words.scrub(instruction)
    job = Job(Task(name, url), Limits(steps=steps), caution=care.caution, secrets=words)
    manifest = describe(job, policy, entry, name=name)
    with (
        Recorder(folder_for(out, name, alone=True), manifest, secrets=words) as record,
        open_stage(entry, headed=headed, start=url, values=care.values) as stage,
    ):
        result = perform(stage.env, policy, job, record=record, watch=StepLine(screen, ""))
    screen.print(outcomes([(name, result)], "run"))
    end(result.outcome, summary(name, result), as_json)
