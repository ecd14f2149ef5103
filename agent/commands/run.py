"""`handeye run`: task scripts, and whether what they expect holds; or a run that was cut off, from there on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from agent.commands import asking, options
from agent.commands.ending import end, refuse
from agent.commands.given import folder_for, hidden_words, model_of, ready, script, writable
from agent.commands.onward import Before, Onward, go_on
from agent.console import StepLine, concluded, console, outcomes, plain, starting, summary
from agent.outcome import Result, worst

Resume = Annotated[
    Path | None,
    typer.Option("--resume", metavar="RUN", help="go on with a run that was cut off, after its last complete step"),
]
Again = Annotated[
    bool, typer.Option("--again", help="with --resume: do steps again that may not be undone, such as sending a form")
]


def run(
    context: typer.Context,
    scripts: Annotated[list[Path] | None, typer.Argument(help="task scripts (YAML)")] = None,
    model: options.Player = "builtin",
    with_: options.With = None,
    grounder: options.Grounder = "",
    grammar: options.Grammar = None,
    settings: Annotated[list[str] | None, typer.Option("--set", metavar="NAME=VALUE")] = None,
    approve: options.Approval = "never",
    safe: options.Safe = False,
    allow: options.Allow = None,
    secret: options.Secret = None,
    secrets: options.SecretsFile = None,
    headed: options.Headed = False,
    out: options.Out = None,
    resume: Resume = None,
    again: Again = False,
    junit: Annotated[Path | None, typer.Option("--junit", metavar="FILE", help="JUnit XML of all runs, for CI")] = None,
    update: Annotated[
        bool, typer.Option("--update-screenshots", help="write the pictures that scripts expect, where all else holds")
    ] = False,
    as_json: options.Json = False,
) -> None:
    """Run task scripts and check what they expect; or go on with a run that was cut off."""
    from agent.junit import write
    from agent.play import play

    ways = options.ways(context, with_, grounder, grammar)
    if resume is not None and allow:
        refuse(f"--allow {allow[0]}: a run that is resumed may go where it could go before")
    if resume is not None:
        before = Before.of(resume, scripts or (), settings or ())
        asking.declared(before.names, secret or ())
        care = asking.care(context, before.names, allow=None, pairs=secret, file=secrets, mode=approve, careful=safe)
        policy = before.decider(context, model, ways)
        Onward(before.run, policy, care, before.place, headed, out, as_json).go(go_on, again=again)
    if not scripts or again:
        refuse("--again: goes with --resume" if again else "run: expected task scripts, or --resume RUN")
    loaded = [script(path, settings or []) for path in scripts]
    names = [name for one in loaded for name in one.script.secrets]
    asking.declared(names, secret or ())
    care = asking.care(context, names, allow=allow, pairs=secret, file=secrets, mode=approve, careful=safe)
    care = replace(care, update=update)
    words = [hidden_words(one, care) for one in loaded]
    shared = None if model == "script" else model_of(model, ways=ways)
    for one in loaded:
        ready(one, care, scripted=shared is None)
    if junit:
        writable(junit)
    screen = console(quiet=as_json)
    results: list[tuple[str, Result]] = []
    for one, kept in zip(loaded, words, strict=True):
        name = kept.scrub(one.script.name)
        screen.print(f"[bold]{plain(name)}[/bold]  {plain(kept.scrub(one.script.told))}")
        starting(screen, one.script.environment.program)
        folder = folder_for(out, name, alone=len(loaded) == 1)
        result = play(one, shared, folder, headed=headed, care=care, watch=StepLine(screen, ""))
        results.append((name, result))
        concluded(screen, result)
        if result.stop.reason == "person":
            break
    screen.print(outcomes(results, "runs"))
    if junit:
        write(junit, results)
    said = [summary(name, result) for name, result in results]
    end(worst(result.outcome for _, result in results), said[0] if len(scripts) == 1 else {"runs": said}, as_json)
