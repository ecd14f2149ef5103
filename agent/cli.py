"""The `handeye` command. Arguments are read here and nowhere else."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from actions import Action
from agent.care import Care
from agent.choose import AS_IT_IS, ModelError, Ways, choose
from agent.commands import ask, asking, doctor, ground, options, serve
from agent.console import STYLES, StepLine, console, outcomes, starting, success, summary
from agent.outcome import BAD_USAGE, Outcome, Result, worst
from agent.policy import Policy
from agent.reader import RecordError, read_run
from agent.record import claim
from agent.schema import EnvironmentEntry
from agent.script import Loaded, ScriptError, read_script
from agent.stage import StageError, admit, browser, hidden, known
from env import EnvironmentBroken
from env.secrets import Secrets

app = typer.Typer(
    help="A GUI agent: sees a screen, decides with a vision-language model, acts by absolute pixels.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
evals = typer.Typer(help="How well a model does, with an interval around the score.", no_args_is_help=True)
app.add_typer(evals, name="eval")

RUNS = Path("runs")
INTERRUPTED = 130
"""What typer makes of Ctrl-C where nobody else has taken it."""

MODEL_HELP = f"{options.MODEL}; or script (plays the script's own actions)"
Model = Annotated[str, typer.Option("--model", help=MODEL_HELP)]
Json = Annotated[bool, typer.Option("--json", help="print one JSON object on standard output, and nothing else")]
Headed = Annotated[bool, typer.Option("--headed", help="show the browser's window")]
Out = Annotated[Path | None, typer.Option("--out", help="folder for the record; a new one in runs/ by default")]


@app.callback()
def main_options(context: typer.Context) -> None:
    os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")  # large pages for weights; torch asks once, when it begins
    context.obj = os.environ  # looked into for API keys


@app.command()
def run(
    context: typer.Context,
    scripts: Annotated[list[Path], typer.Argument(help="task scripts (YAML)")],
    model: Model = "builtin",
    with_: options.With = None,
    grounder: options.Grounder = "",
    grammar: options.Grammar = None,
    settings: Annotated[list[str] | None, typer.Option("--set", metavar="NAME=VALUE")] = None,
    approve: options.Approval = "never",
    safe: options.Safe = False,
    allow: options.Allow = None,
    secret: options.Secret = None,
    secrets: options.SecretsFile = None,
    headed: Headed = False,
    out: Out = None,
    as_json: Json = False,
) -> None:
    """Run task scripts and check what they expect."""
    from agent.play import play

    loaded = [_script(path, settings or []) for path in scripts]
    names = [name for one in loaded for name in one.script.secrets]
    asking.declared(names, secret or ())
    care = asking.care(context, names, allow=allow, pairs=secret, file=secrets, mode=approve, careful=safe)
    words = [_hidden(one, care) for one in loaded]
    ways = options.ways(context, with_, grounder, grammar)
    shared = None if model == "script" else _model(model, ways=ways)
    policies = [shared or _model(model, one.script.actions) for one in loaded]
    screen = console(quiet=as_json)
    results: list[tuple[str, Result]] = []
    for one, policy, kept in zip(loaded, policies, words, strict=True):
        name = kept.scrub(one.script.name)
        screen.print(f"[bold]{_plain(name)}[/bold]  {_plain(kept.scrub(one.script.instruction))}")
        starting(screen, one.script.environment.program)
        folder = _folder(out, name, alone=len(loaded) == 1)
        result = play(one, policy, folder, headed=headed, care=care, watch=StepLine(screen, ""))
        results.append((name, result))
        for verdict in result.verdicts:
            screen.print(f"  {'✓' if verdict.held else '✗'} {_plain(verdict.check)}")
        if result.stop.reason == "person":
            break
    screen.print(outcomes(results, "runs"))
    said = [summary(name, result) for name, result in results]
    _end(worst(result.outcome for _, result in results), said[0] if len(scripts) == 1 else {"runs": said}, as_json)


@app.command()
def do(
    context: typer.Context,
    instruction: str,
    url: Annotated[str, typer.Option("--url", help="where to start")],
    model: Model = "builtin",
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
    headed: Headed = False,
    out: Out = None,
    as_json: Json = False,
) -> None:
    """Carry out one instruction, without a script."""
    from agent.api import preferred
    from agent.limits import Limits
    from agent.manifest import describe
    from agent.perform import Job, perform
    from agent.record import Recorder
    from agent.stage import open_stage
    from env import Task

    asked = _size(size) if size else None
    policy = _model(model, ways=options.ways(context, with_, grounder, grammar))
    screen = console(quiet=as_json)
    care = asking.care(context, (), allow=allow, pairs=secret, file=secrets, mode=approve, careful=safe)
    entry, words = _browser(url, asked or preferred(policy), care)
    name = words.scrub(instruction)
    job = Job(Task(name, url), Limits(steps=steps), caution=care.caution, secrets=words)
    manifest = describe(job, policy, entry, name=name)
    with (
        Recorder(_folder(out, name, alone=True), manifest, secrets=words) as record,
        open_stage(entry, headed=headed, start=url, values=care.values) as stage,
    ):
        result = perform(stage.env, policy, job, record=record, watch=StepLine(screen, ""))
    screen.print(outcomes([(name, result)], "run"))
    _end(result.outcome, summary(name, result), as_json)


@app.command()
def replay(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(metavar="RUN", help="a run folder")],
    mode: Annotated[str, typer.Option("--mode", help="exact: every screen must be the recorded one")] = "exact",
    to: Annotated[int | None, typer.Option("--to", min=0, help="go no further than this step")] = None,
    secret: options.Secret = None,
    secrets: options.SecretsFile = None,
    headed: Headed = False,
    as_json: Json = False,
) -> None:
    """Do a recorded run again, without a model."""
    from agent.replay import replay as repeat
    from agent.stage import open_stage

    if mode != "exact":
        _refuse(f"--mode {mode}: expected exact")
    screen = console(quiet=as_json)
    try:
        recorded = read_run(folder)
        entry, start = recorded.manifest.environment, recorded.manifest.task.start
        starting(screen, entry.program)
        admit(entry, start)
        asking.declared(tuple(entry.secrets), secret or ())
        care = asking.care(context, tuple(entry.secrets), allow=None, pairs=secret, file=secrets)
        with open_stage(entry, headed=headed, start=start, values=care.values) as stage:
            result = repeat(recorded, stage.env, origin=stage.origin, to=to)
    except (RecordError, StageError) as error:
        _refuse(str(error))
    screen.print(f"[{STYLES[result.outcome]}]{result.outcome.value}[/]  {_plain(result.detail)}")
    said = {**result.model_dump(mode="json"), "code": result.code, "mode": mode}
    _end(result.outcome, said, as_json)


@app.command()
def view(
    folders: Annotated[list[Path], typer.Argument(metavar="RUN...", help="run folders")],
    out: Annotated[Path | None, typer.Option("--out", help="the page; RUN/report.html by default")] = None,
) -> None:
    """Write one self-contained HTML page about a run, or several."""
    from agent.view import write_report

    try:
        path = write_report([read_run(folder) for folder in folders], out)
    except (RecordError, OSError) as error:
        _refuse(str(error))
    sys.stdout.write(f"{path}\n")


@evals.command("miniwob")
def eval_miniwob(
    context: typer.Context,
    tasks: Annotated[
        str, typer.Option("--tasks", help="names with commas between; all that are known by default")
    ] = "",
    episodes: Annotated[int, typer.Option("--episodes", min=1, help="of each task")] = 20,
    seed: Annotated[
        int, typer.Option("--seed", min=0, help="of the first episode; from 1000000 up for judging")
    ] = 1_000_000,
    model: Model = "builtin",
    with_: options.With = None,
    grounder: options.Grounder = "",
    grammar: options.Grammar = None,
    as_json: Json = False,
) -> None:
    """Play seeded MiniWoB++ episodes by real clicks and keys."""
    from rich.progress import Progress

    from agent.evaluate import Mark, evaluate
    from agent.evaluate import summary as scored
    from env import MiniWoB
    from env.miniwob.oracle import TASKS

    names = _tasks(tasks) or TASKS
    policy = _model(model, ways=options.ways(context, with_, grounder, grammar))
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


@app.command()
def demo(
    context: typer.Context,
    tasks: Annotated[str, typer.Option("--tasks", help="names with commas between; seven easy ones by default")] = "",
    model: Model = "builtin",
    with_: options.With = None,
    grounder: options.Grounder = "",
    grammar: options.Grammar = None,
    headed: Headed = False,
    out: Out = None,
) -> None:
    """Play a few MiniWoB++ pages with the built-in model, and write a report to look at."""
    from agent.demo import TASKS, demonstrate
    from agent.view import write_report

    names = _tasks(tasks) or TASKS
    policy = _model(model, ways=options.ways(context, with_, grounder, grammar))
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


app.command()(ask)
app.command()(doctor)
app.command()(ground)
app.command()(serve)


def _script(path: Path, settings: Sequence[str]) -> Loaded:
    pairs: dict[str, str] = {}
    for setting in settings:
        name, equals, value = setting.partition("=")
        if not equals or not name:
            _refuse(f"--set {setting}: expected NAME=VALUE")
        pairs[name] = value
    try:
        return read_script(path, pairs)
    except ScriptError as error:
        _refuse(str(error))


def _hidden(loaded: Loaded, care: Care) -> Secrets:
    """The secrets of a script that can be started."""
    try:
        return hidden(loaded, care)
    except StageError as error:
        _refuse(str(error))


def _browser(url: str, size: tuple[int, int], care: Care) -> tuple[EnvironmentEntry, Secrets]:
    """A browser without a script, and its secrets."""
    entry = browser(url, size, care)
    try:
        admit(entry, url)
        return entry, known(entry, url, care.values)
    except StageError as error:
        _refuse(f"--url: {error}")


def _model(model: str, actions: Sequence[Action] = (), ways: Ways = AS_IT_IS) -> Policy:
    try:
        return choose(model, actions, ways)
    except ModelError as error:
        _refuse(str(error))


def _folder(out: Path | None, name: str, *, alone: bool) -> Path:
    try:
        if out is None or not alone:
            return claim(out or RUNS, name)
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        _refuse(f"--out: {error}")
    if (out / "run.json").exists():
        _refuse(f"--out: {out} already holds a run; choose another folder")
    return out


def _tasks(text: str) -> tuple[str, ...]:
    """The MiniWoB++ tasks named on the command line, each once; none where none are."""
    from env.miniwob.oracle import TASKS

    names = tuple(dict.fromkeys(text.split(","))) if text else ()
    if unknown := [name for name in names if name not in TASKS]:
        _refuse(f"--tasks: {', '.join(unknown)}: expected some of {', '.join(TASKS)}")
    return names


def _size(text: str) -> tuple[int, int]:
    width, _, height = text.partition("x")
    if not (width.isdecimal() and height.isdecimal() and int(width) and int(height)):
        _refuse(f"--size {text}: expected WIDTHxHEIGHT, such as 1288x728")
    return int(width), int(height)


def _end(outcome: Outcome, said: object, as_json: bool) -> NoReturn:
    if as_json:
        sys.stdout.write(json.dumps(said) + "\n")
    raise typer.Exit(outcome.code)


def _refuse(message: str) -> NoReturn:
    sys.stderr.write(f"handeye: {message}\n")
    raise typer.Exit(BAD_USAGE)


def _plain(text: str) -> str:
    """Text as it is: cleaned of control characters, and no markup."""
    from rich.markup import escape

    from agent.describe import clean

    return escape(clean(text))


def main() -> None:
    """Entry point; what breaks or is interrupted outside a run ends with the code that it has inside one."""
    try:
        app()
    except EnvironmentBroken as error:
        sys.stderr.write(f"handeye: {error}\n")
        sys.exit(Outcome.BROKEN.code)
    except SystemExit as end:
        sys.exit(Outcome.STOPPED.code if end.code == INTERRUPTED else end.code)


if __name__ == "__main__":
    main()
