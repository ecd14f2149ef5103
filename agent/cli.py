"""The `handeye` command. Arguments are read in agent/commands, the environment here and nowhere else."""

from __future__ import annotations

import os
import sys

import typer

from agent import commands
from agent.outcome import Outcome
from env import EnvironmentBroken

app = typer.Typer(
    help="A GUI agent: sees a screen, decides with a vision-language model, acts by absolute pixels.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
evals = typer.Typer(help="How well a model does, with an interval around the score.", no_args_is_help=True)
app.add_typer(evals, name="eval")
trains = typer.Typer(help="Train the built-in model, and fine-tune other checkpoints.", no_args_is_help=True)
app.add_typer(trains, name="train")

INTERRUPTED = 130
"""What typer makes of Ctrl-C where nobody else has taken it."""


@app.callback()
def main_options(context: typer.Context) -> None:
    os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")  # large pages for weights; torch asks once, when it begins
    context.obj = os.environ  # looked into for API keys


for command in (
    commands.run,
    commands.do,
    commands.replay,
    commands.record,
    commands.view,
    commands.demo,
    commands.ask,
    commands.doctor,
    commands.ground,
    commands.serve,
    commands.export,
    commands.schema,
):
    app.command()(command)
app.command("import")(commands.bring)
for judgement in (commands.miniwob, commands.sites, commands.steps, commands.compare, commands.report):
    evals.command()(judgement)
evals.command("ground")(commands.grounding)
for lesson in (commands.finetune, commands.merge, commands.tiny):
    trains.command()(lesson)


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
