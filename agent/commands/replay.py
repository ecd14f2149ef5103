"""`handeye replay`: a recorded run once more, without a model, or with one for what is not found."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from agent.commands import asking, options
from agent.commands.ending import end, refuse
from agent.commands.given import model_of, pairs
from agent.commands.onward import Onward, another_way, decider, part
from agent.console import STYLES, console, plain, starting
from agent.ladder.values import ValueMistake, Values, set_values
from agent.policy import Policy
from agent.reader import RecordError, Run, read_run
from agent.replay import Replay
from agent.replay import replay as repeat
from agent.stage import Stage, StageError, admit, open_stage
from env import Naming

if TYPE_CHECKING:
    from agent.ladder.find import Read

MODES = ("exact", "ladder", "heal")
MODE = (
    "exact: every screen must be the recorded one; ladder: each target is found again where the page has changed; "
    "heal: a model is asked for a target that is not found, and the repair is kept beside the record"
)

Then = Annotated[
    str | None,
    typer.Option("--then", metavar="MODEL", help=f"go on from there: {options.MODEL}; or person (types what to do)"),
]


def replay(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(metavar="RUN", help="a run folder")],
    mode: Annotated[str, typer.Option("--mode", metavar="|".join(MODES), help=MODE)] = "exact",
    to: Annotated[int | None, typer.Option("--to", min=0, help="go no further than this step")] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="another value for a parameter of the record"),
    ] = None,
    model: options.Model = "builtin",
    with_: options.With = None,
    secret: options.Secret = None,
    secrets: options.SecretsFile = None,
    headed: options.Headed = False,
    then: Then = None,
    grounder: options.Grounder = "",
    approve: options.Approval = "never",
    safe: options.Safe = False,
    out: options.Out = None,
    as_json: options.Json = False,
) -> None:
    """Do a recorded run again, without a model; or up to a step of it, and another way from there."""
    if mode not in MODES:
        refuse(f"--mode {mode}: expected one of {', '.join(MODES)}")
    if settings and mode == "exact":
        refuse("--set: exact compares screens that show the recorded values; give --mode ladder")
    if then is not None:
        if mode != "exact":
            refuse(f"--then: goes on from a screen that is the recorded one, and not with --mode {mode}")
        before = part(folder, to)
        names = tuple(before.manifest.environment.secrets)
        asking.declared(names, secret or ())
        care = asking.care(context, names, allow=None, pairs=secret, file=secrets, mode=approve, careful=safe)
        decides = decider(then, options.ways(context, with_, grounder))
        Onward(before, decides, care, None, headed, out, as_json).go(another_way)
    if grounder or out or safe or approve != "never" or (with_ and mode != "heal"):
        refuse("--with, --grounder, --approve, --safe and --out: go with --then, for what comes after it")
    screen = console(quiet=as_json)
    try:
        recorded = read_run(folder)
        entry, start = recorded.manifest.environment, recorded.manifest.task.start
        ways = options.ways(context, with_, "", None)
        policy = model_of(model, ways=ways) if mode == "heal" else None
        values = set_values(recorded, pairs(settings or ()))
        starting(screen, entry.program)
        admit(entry, start)
        asking.declared(tuple(entry.secrets), secret or ())
        care = asking.care(context, tuple(entry.secrets), allow=None, pairs=secret, file=secrets)
        with open_stage(entry, headed=headed, start=start, values=care.values) as stage:
            if mode == "exact":
                result = repeat(recorded, stage.env, origin=stage.origin, to=to)
            else:
                result = _climb(recorded, stage, to, values, policy)
    except (RecordError, StageError, ValueMistake) as error:
        refuse(str(error))
    _show(screen, result)
    said = {**result.model_dump(mode="json"), "code": result.code}
    end(result.outcome, said, as_json)


def _climb(recorded: Run, stage: Stage, to: int | None, values: Values, policy: Policy | None) -> Replay:
    try:
        from agent.ladder.ascent import Way, climb
        from agent.ladder.heal import Healer
    except ImportError as error:
        refuse(f"--mode ladder needs an extra ({error}): pip install 'handeye[ladder]'")
    healer = Healer(policy) if policy else None
    way = Way(stage.origin, to, values, healer, stage.secrets, read=_reader(stage))
    return climb(recorded, stage.env, way)


def _reader(stage: Stage) -> Read | None:
    """What reads words in pictures, where the environment cannot say what lies where and the extra is there."""
    if isinstance(stage.env, Naming):
        return None
    try:
        from agent.ladder.words import reader
    except ImportError:
        return None
    return reader()


def _show(screen: Console, result: Replay) -> None:
    """Each target that was not where it was, and what came of it all."""
    for one in result.found:
        if one.rung not in ("pixels", "place"):
            moved = f"{one.recorded} → {one.at}" if one.at != one.recorded else f"{one.at}"
            screen.print(f"  {one.step:>3}  {one.rung:<8}  {moved}  {plain(one.target)}", style="dim")
    for patch in result.patches:
        screen.print(f"  repair to look at: {plain(patch)}")
    screen.print(f"[{STYLES[result.outcome]}]{result.outcome.value}[/]  {plain(result.detail)}")
