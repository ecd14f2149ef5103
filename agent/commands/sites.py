"""`handeye eval sites`: how well a model does on the scripts over the example pages."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from agent.commands import options
from agent.commands.ending import refuse
from agent.commands.evaluate import PLAYER, Crew, entry, played
from agent.commands.given import size_of
from agent.commands.judging import Episodes, Out, Ray, Seed, Workers, judge, tell


def sites(
    context: typer.Context,
    tasks: Annotated[str, typer.Option("--tasks", help="names of scripts with commas between; all by default")] = "",
    scripts: Annotated[
        Path | None,
        typer.Option("--scripts", metavar="FOLDER", help="where the scripts lie; examples/tasks by default"),
    ] = None,
    size: Annotated[
        str, typer.Option("--size", help="WIDTHxHEIGHT of the screen, in pixels; as the scripts say by default")
    ] = "",
    episodes: Episodes = 5,
    seed: Seed = 1_000_000,
    workers: Workers = 1,
    ray: Ray = "",
    out: Out = None,
    model: Annotated[str, typer.Option("--model", help=PLAYER)] = "builtin",
    with_: options.With = None,
    grounder: options.Grounder = "",
    grammar: options.Grammar = None,
    as_json: options.Json = False,
) -> None:
    """Play the scripts in examples/tasks on their pages, in looks, orders and with values that a seed draws."""
    from agent.data.looks import NARROW
    from agent.evaluate import Asked
    from agent.evaluate.sites import SCRIPTS, SitePlayer, plan, read_sites
    from agent.manifest import versions
    from agent.script import ScriptError

    folder = scripts or SCRIPTS
    try:
        chosen = read_sites(folder, tuple(dict.fromkeys(tasks.split(","))) if tasks else ())
    except ScriptError as error:
        refuse(f"--tasks: {error}" if tasks else str(error))
    screen = size_of(size) if size else None
    if screen and screen[0] < NARROW:
        refuse(f"--size {size}: expected a width of at least {NARROW} pixels")
    ways = options.ways(context, with_, grounder, grammar)
    apart = [f"grounder={grounder}"] if grounder else []
    apart += [f"scripts={scripts}"] if scripts else []
    apart += [f"size={size}"] if size else []
    asked = Asked(
        suite="sites",
        tasks=tuple(site.name for site in chosen),
        episodes=episodes,
        seed=seed,
        model=entry(model, ways),
        options=(*ways.options, *apart),
        versions=versions(),
    )
    chances, crew = plan(chosen, episodes, seed), Crew(SitePlayer(model, ways, folder, screen), workers, ray)
    tell(asked, judge(asked, chances, lambda missing: played(missing, crew), out), as_json)
