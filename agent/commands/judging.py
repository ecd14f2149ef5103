"""What all evaluations share on the command line: marks are kept and shown as they come, and told at the end."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from agent.commands.ending import refuse
from agent.console import console, scores
from agent.describe import clean

if TYPE_CHECKING:
    from agent.evaluate import Judged, Kept, LeftOut, Order
    from agent.evaluate.judged import Keyed

M = TypeVar("M", bound="Judged")
K = TypeVar("K", bound="Keyed")

Out = Annotated[
    Path | None, typer.Option("--out", metavar="FOLDER", help="keep each mark there, and go on from what it has")
]

Episodes = Annotated[int, typer.Option("--episodes", min=1, help="of each task or script")]
Seed = Annotated[int, typer.Option("--seed", min=0, help="of the first episode; from 1000000 up for judging")]
Workers = Annotated[int, typer.Option("--workers", min=1, help="processes, each with a browser and a model")]
Ray = Annotated[
    str,
    typer.Option(
        "--ray",
        metavar="ADDRESS",
        help="Ray cluster to play on: auto or HOST:PORT of one this machine is in; local begins one, and ends it",
    ),
]

SHOWN = 20
"""How much of what was left out is named on standard error."""


def judge(
    asked: Order[M], chances: Sequence[K], play: Callable[[Sequence[K]], Iterator[M]], out: Path | None
) -> tuple[M, ...]:
    """The final marks of `chances`: those that lie in `out`, and those that `play` makes of the others now."""
    from agent.evaluate import EvaluationError, Kept

    with ExitStack() as stack:
        try:
            kept = stack.enter_context(Kept(out, asked)) if out else None
        except (EvaluationError, OSError) as error:
            refuse(f"--out: {error}")
        missing = kept.missing(chances) if kept else chances
        marks = _followed(play(missing), len(chances), len(chances) - len(missing), kept)
        return kept.final if kept else asked.final(marks)


def tell(asked: Order[M], marks: Sequence[M], as_json: bool) -> None:
    """Print what the marks come to."""
    if as_json:
        sys.stdout.write(json.dumps(asked.summary(marks)) + "\n")
    elif marks:
        console().print(scores(asked.sheet(marks)))


def name_left(left: Sequence[LeftOut]) -> None:
    """Say on standard error what could not be used."""
    for each in left[:SHOWN]:
        sys.stderr.write(f"left out: {clean(str(each), 300)}\n")
    if len(left) > SHOWN:
        sys.stderr.write(f"left out: {len(left) - SHOWN} more; --json, eval.json and the report name all\n")


def _followed(marks: Iterator[M], total: int, done: int, kept: Kept[M] | None) -> list[M]:
    """All of `marks`, kept and shown as they come. Ctrl-C ends the command; what was kept stays."""
    from rich.markup import escape
    from rich.progress import Progress

    from agent.outcome import Outcome

    screen = console()
    seen: list[M] = []
    ended: dict[tuple[str, int], bool] = {}
    try:
        with Progress(console=screen, transient=True, disable=not screen.is_terminal) as progress:
            bar = progress.add_task("", total=total, completed=done)
            for mark in marks:
                seen.append(mark)
                ended[mark.key] = mark.success
                if kept:
                    kept.add(mark)
                told = f"{escape(clean(mark.groups[0], 40))}  {sum(ended.values())}/{len(ended)}"
                progress.update(bar, completed=done + len(ended), description=told)
    except KeyboardInterrupt:
        hint = "; what was played is kept, and the same command goes on from there" if kept else ""
        refuse(f"interrupted{hint}", Outcome.STOPPED.code)
    return seen
