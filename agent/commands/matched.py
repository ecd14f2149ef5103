"""`handeye eval steps`: how often a model does what was recorded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from agent.commands import options
from agent.commands.ending import refuse
from agent.commands.given import model_of
from agent.commands.judging import Out, judge, name_left, tell

if TYPE_CHECKING:
    from agent.evaluate import LeftOut
    from agent.evaluate.steps import Source

Told = Literal["goal", "step"]
Text = Literal["normalised", "exact"]


def steps(
    context: typer.Context,
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="RUN|FILE...", help="run folders, folders of them, .jsonl files of AndroidControl's form"
        ),
    ],
    tolerance: Annotated[
        float, typer.Option("--tolerance", min=0, max=1, help="distance that is right where no box is known")
    ] = 0.14,
    text: Annotated[str, typer.Option("--text", help="normalised (capitals and spaces may differ) or exact")] = (
        "normalised"
    ),
    instructions: Annotated[
        str, typer.Option("--instructions", help="of a file: goal (of the episode) or step (of each action)")
    ] = "goal",
    images: Annotated[
        Path | None, typer.Option("--images", metavar="FOLDER", help="where the pictures of files lie")
    ] = None,
    any_outcome: Annotated[
        bool, typer.Option("--any-outcome", help="runs that nobody has verified, and failed ones, too")
    ] = False,
    out: Out = None,
    model: options.Model = "builtin",
    with_: options.With = None,
    grounder: options.Grounder = "",
    grammar: options.Grammar = None,
    as_json: options.Json = False,
) -> None:
    """Compare a model's actions with recorded ones, each after the true past."""
    from agent.evaluate import evaluate
    from agent.evaluate.steps import Matcher, Matching, Rules
    from agent.manifest import model as described
    from agent.manifest import versions

    told: Told = "step" if instructions == "step" else "goal"
    rules = Rules(tolerance, "exact" if text == "exact" else "normalised")
    if told != instructions:
        refuse(f"--instructions {instructions}: expected goal or step")
    if rules.text != text:
        refuse(f"--text {text}: expected normalised or exact")
    ways = options.ways(context, with_, grounder, grammar)
    sources, left = _sources(paths, told, images, verified=not any_outcome)
    policy = model_of(model, ways=ways)
    asked = Matching(
        suite="steps",
        model=described(policy),
        options=ways.options + ((f"grounder={grounder}",) if grounder else ()),
        versions=versions(),
        runs={source.name: source.digest for source in sources},
        tolerance=rules.tolerance,
        text=rules.text,
        told=told,
        left_out=(*left, *(each for source in sources for each in source.left)),
    )
    name_left(asked.left_out)
    matcher = Matcher(policy, {source.name: source for source in sources}, rules)
    asks = [ask for source in sources for ask in source.asks]
    tell(asked, judge(asked, asks, lambda missing: evaluate(matcher, missing), out), as_json)


def _sources(
    paths: Sequence[Path], told: Told, images: Path | None, *, verified: bool
) -> tuple[list[Source], list[LeftOut]]:
    """The runs that can be used, and what cannot. Ends the command where there are none."""
    from agent.evaluate import LeftOut
    from agent.exchange import Wrong
    from agent.reader import RecordError

    sources: list[Source] = []
    left: list[LeftOut] = []
    try:
        for found in _found(paths, told, images, verified=verified):
            left.append(found) if isinstance(found, LeftOut) else sources.append(found)
    except (Wrong, RecordError) as error:
        refuse(str(error))
    names = [source.name for source in sources]
    if twice := sorted({each for each in names if names.count(each) > 1}):
        refuse(f"two runs are called {', '.join(twice)}; give one of them another name")
    if not any(source.asks for source in sources):
        name_left(left)
        refuse(f"no recorded step can be used; {len(left)} left out (see also --any-outcome)")
    return sources, left


def _found(paths: Sequence[Path], told: Told, images: Path | None, *, verified: bool) -> Iterator[Source | LeftOut]:
    from agent.evaluate.steps import episodes, recordings

    folders = [path for path in paths if not path.is_file()]
    if folders:
        yield from recordings(folders, verified=verified)
    for path in paths:
        if path.is_file():
            yield from episodes(path, told=told, pictures=images)
