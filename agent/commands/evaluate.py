"""`handeye eval miniwob`: how well a model does."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agent.commands import options
from agent.commands.ending import refuse
from agent.commands.given import model_of
from agent.console import console, success

if TYPE_CHECKING:
    from agent.choose import Ways
    from agent.evaluate import Asked, Chance, Kept, Mark
    from agent.evaluate.players import Chosen
    from agent.schema import ModelEntry

PLAYER = f"{options.MODEL}; or oracle (does what the pages say is right, where that is known)"


def miniwob(
    context: typer.Context,
    suite: Annotated[
        str, typer.Option("--suite", help="easy20, wide40, or all; the 15 with known answers by default")
    ] = "",
    tasks: Annotated[str, typer.Option("--tasks", help="names with commas between, in place of a suite")] = "",
    episodes: Annotated[int, typer.Option("--episodes", min=1, help="of each task")] = 20,
    seed: Annotated[
        int, typer.Option("--seed", min=0, help="of the first episode; from 1000000 up for judging")
    ] = 1_000_000,
    workers: Annotated[int, typer.Option("--workers", min=1, help="processes, each with a browser and a model")] = 1,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FOLDER", help="keep each episode there, and go on from what it has")
    ] = None,
    model: Annotated[str, typer.Option("--model", help=PLAYER)] = "builtin",
    with_: options.With = None,
    grounder: options.Grounder = "",
    grammar: options.Grammar = None,
    as_json: options.Json = False,
) -> None:
    """Play seeded MiniWoB++ episodes by real clicks and keys."""
    from agent.evaluate import Asked, plan, summary
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
    marks = play(asked, plan(names, episodes, seed), Chosen(model, ways), workers, out)
    tell(summary(marks, asked.model.name, asked.suite), as_json)


def tell(scores: dict[str, object], as_json: bool) -> None:
    """Print the scores, for people or as JSON."""
    if as_json:
        sys.stdout.write(json.dumps(scores) + "\n")
    else:
        console().print(success(scores))


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
    names = listed(suite) if suite else tuple(dict.fromkeys(tasks.split(","))) if tasks else TASKS
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


def play(asked: Asked, chances: Sequence[Chance], maker: Chosen, workers: int, out: Path | None) -> Sequence[Mark]:
    """The final marks of `chances`: those that lie in `out`, and those that are played now."""
    from agent.evaluate import EvaluationError, Kept, final, read_evaluation

    with ExitStack() as stack:
        try:
            kept = stack.enter_context(Kept(out, asked)) if out else None
        except (EvaluationError, OSError) as error:
            refuse(f"--out: {error}")
        missing = kept.missing(chances) if kept else chances
        marks = _followed(_marks(missing, maker, workers), len(chances), len(chances) - len(missing), kept)
    return read_evaluation(out)[1] if out else final(marks, asked.tasks)


def _marks(chances: Sequence[Chance], maker: Chosen, workers: int) -> Iterator[Mark]:
    from agent.evaluate import evaluate, spread
    from agent.evaluate.seat import seated

    if workers > 1:
        yield from spread(maker, chances, min(workers, max(1, len(chances))))
    elif chances:
        with seated(maker) as table:
            yield from evaluate(table, chances)


def _followed(marks: Iterator[Mark], total: int, done: int, kept: Kept | None) -> list[Mark]:
    """All of `marks`, kept and shown as they come. Ctrl-C ends the command; what was kept stays."""
    from rich.progress import Progress

    from agent.outcome import Outcome

    screen = console()
    seen: list[Mark] = []
    try:
        with Progress(console=screen, transient=True, disable=not screen.is_terminal) as progress:
            bar = progress.add_task("", total=total, completed=done)
            for mark in marks:
                seen.append(mark)
                if kept:
                    kept.add(mark)
                ended, won = len({each.key for each in seen}), sum(each.success for each in seen)
                progress.update(bar, completed=done + ended, description=f"{mark.task}  {won}/{ended}")
    except KeyboardInterrupt:
        hint = "; what was played is kept, and the same command goes on from there" if kept else ""
        refuse(f"interrupted{hint}", Outcome.STOPPED.code)
    return seen
