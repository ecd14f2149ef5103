"""`handeye eval`: how well a model does."""

from __future__ import annotations

import json
import sys
from typing import Annotated

import typer

from agent.commands import options
from agent.commands.given import model_of, tasks_of
from agent.console import console, success


def miniwob(
    context: typer.Context,
    tasks: Annotated[
        str, typer.Option("--tasks", help="names with commas between; all that are known by default")
    ] = "",
    episodes: Annotated[int, typer.Option("--episodes", min=1, help="of each task")] = 20,
    seed: Annotated[
        int, typer.Option("--seed", min=0, help="of the first episode; from 1000000 up for judging")
    ] = 1_000_000,
    model: options.Player = "builtin",
    with_: options.With = None,
    grounder: options.Grounder = "",
    grammar: options.Grammar = None,
    as_json: options.Json = False,
) -> None:
    """Play seeded MiniWoB++ episodes by real clicks and keys."""
    from rich.progress import Progress

    from agent.evaluate import Mark, evaluate
    from agent.evaluate import summary as scored
    from env import MiniWoB
    from env.miniwob.oracle import TASKS

    names = tasks_of(tasks) or TASKS
    policy = model_of(model, ways=options.ways(context, with_, grounder, grammar))
    marks: list[Mark] = []
    screen = console()
    with MiniWoB() as env, Progress(console=screen, transient=True, disable=not screen.is_terminal) as progress:
        bar = progress.add_task("miniwob", total=len(names) * episodes)
        for mark in evaluate(env, policy, names, episodes, seed):
            marks.append(mark)
            won = sum(m.success for m in marks)
            progress.update(bar, advance=1, description=f"{mark.task}  {won}/{len(marks)}")
    scores = scored(marks, policy.name)
    if as_json:
        sys.stdout.write(json.dumps(scores) + "\n")
    else:
        console().print(success(scores))
