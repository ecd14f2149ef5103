"""`handeye demo`: a few pages played by the built-in model, and a report to look at."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from agent.commands import options
from agent.commands.given import RUNS, model_of, tasks_of
from agent.console import StepLine, console, outcomes
from agent.outcome import Outcome
from agent.reader import read_run
from agent.record import claim


def demo(
    context: typer.Context,
    tasks: Annotated[str, typer.Option("--tasks", help="names with commas between; seven easy ones by default")] = "",
    model: options.Player = "builtin",
    with_: options.With = None,
    grounder: options.Grounder = "",
    grammar: options.Grammar = None,
    headed: options.Headed = False,
    out: options.Out = None,
) -> None:
    """Play a few MiniWoB++ pages with the built-in model, and write a report to look at."""
    from agent.demo import TASKS, demonstrate
    from agent.view import write_report

    names = tasks_of(tasks) or TASKS
    policy = model_of(model, ways=options.ways(context, with_, grounder, grammar))
    screen = console()
    folder = out or claim(RUNS, "demo")
    results = []
    for name, result in demonstrate(policy, folder, lambda task: StepLine(screen, task), tasks=names, headed=headed):
        results.append((name, result))
    screen.print(outcomes(results, f"MiniWoB++ by {policy.name}"))
    report = write_report([read_run(folder / name) for name, _ in results], folder / "report.html")
    sys.stdout.write(f"report: {report}\n")
    if any(result.outcome is Outcome.BROKEN for _, result in results):
        raise typer.Exit(Outcome.BROKEN.code)
