"""`handeye eval miniwob`: how well a model does."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from agent.commands import options
from agent.commands.ending import refuse
from agent.commands.given import model_of
from agent.commands.judging import Episodes, Out, Ray, Seed, Workers, judge, tell

if TYPE_CHECKING:
    from agent.choose import Ways
    from agent.evaluate import Chance, Mark
    from agent.evaluate.players import Chosen
    from agent.schema import ModelEntry

PLAYER = f"{options.MODEL}; or oracle (does what the pages say is right, where that is known)"


def miniwob(
    context: typer.Context,
    suite: Annotated[
        str, typer.Option("--suite", help="basic15 (what is played by default), easy20, wide40, or all")
    ] = "",
    tasks: Annotated[str, typer.Option("--tasks", help="names with commas between, in place of a suite")] = "",
    episodes: Episodes = 20,
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
    """Play seeded MiniWoB++ episodes by real clicks and keys."""
    from agent.evaluate import Asked, plan
    from agent.evaluate.players import Chosen
    from agent.manifest import versions

    names = _names(suite, tasks, model)
    ways = options.ways(context, with_, grounder, grammar)
    asked = Asked(
        suite=suite or "miniwob",
        tasks=names,
        episodes=episodes,
        seed=seed,
        model=entry(model, ways),
        options=ways.options + ((f"grounder={grounder}",) if grounder else ()),
        versions=versions(),
    )
    chances, crew = plan(names, episodes, seed), Crew(Chosen(model, ways), workers, ray)
    tell(asked, judge(asked, chances, lambda missing: played(missing, crew), out), as_json)


def _names(suite: str, tasks: str, model: str) -> tuple[str, ...]:
    """The tasks that are asked for, each once."""
    from agent.evaluate.players import ORACLE
    from env.miniwob import TASKS
    from env.miniwob.site import page_names
    from env.miniwob.suites import NAMES
    from env.miniwob.suites import suite as listed

    if suite and tasks:
        refuse("--suite and --tasks: give one of them")
    if suite and suite not in NAMES:
        refuse(f"--suite {suite}: expected one of {', '.join(NAMES)}")
    names = tuple(dict.fromkeys(tasks.split(","))) if tasks else listed(suite or NAMES[0])
    if unknown := [name for name in names if name not in page_names()]:
        refuse(f"--tasks: {', '.join(unknown)}: expected some of {', '.join(sorted(page_names()))}")
    if model == ORACLE and (beyond := [name for name in names if name not in TASKS]):
        refuse(f"--model oracle: answers are known for {', '.join(TASKS)}, not for {', '.join(beyond)}")
    return names


def entry(model: str, ways: Ways) -> ModelEntry:
    """What is known of the model before it plays. Ends the command where there is none."""
    from agent.data.episodes import Oracle
    from agent.evaluate.players import ORACLE
    from agent.manifest import model as described
    from agent.schema import ModelEntry

    if model == ORACLE:
        return ModelEntry(name=Oracle.name, dialect=Oracle.dialect.name)
    return described(model_of(model, ways=ways))


@dataclass(frozen=True)
class Crew:
    """Who plays, how many at once, and on which cluster."""

    maker: Chosen
    workers: int
    ray: str


def played(chances: Sequence[Chance], crew: Crew) -> Iterator[Mark]:
    """Marks as the episodes end, in whatever order they end."""
    from agent.evaluate import evaluate, spread
    from agent.evaluate.seat import seated

    workers = min(crew.workers, max(1, len(chances)))
    if crew.ray:
        yield from _scattered(chances, crew, workers)
    elif crew.workers > 1:
        yield from spread(crew.maker, chances, workers)
    elif chances:
        with seated(crew.maker) as table:
            yield from evaluate(table, chances)


def _scattered(chances: Sequence[Chance], crew: Crew, workers: int) -> Iterator[Mark]:
    try:
        from agent.evaluate.cluster import scatter
        from agent.evaluate.join import ClusterError
    except ModuleNotFoundError as error:
        refuse(f"--ray needs the extra `ray`: pip install 'handeye[ray]' ({error})")
    try:
        with redirect_stdout(sys.stderr):  # where Ray tells of workers that died
            yield from scatter(crew.maker, chances, workers, crew.ray)
    except ClusterError as error:
        refuse(f"--ray {error}")
