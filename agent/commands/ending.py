"""How a command ends early: what is wrong goes to standard error, and the exit code says whose fault it is."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import typer

from agent.choose import ModelError
from agent.outcome import BAD_USAGE, Outcome
from agent.policy import PolicyBroken
from agent.seeing import SightError
from agent.speaker import QuestionError


def refuse(message: str, code: int = BAD_USAGE) -> NoReturn:
    """End the command, as bad usage unless another code is given."""
    sys.stderr.write(f"handeye: {message}\n")
    raise typer.Exit(code)


def end(outcome: Outcome, said: object, as_json: bool) -> NoReturn:
    if as_json:
        sys.stdout.write(json.dumps(said) + "\n")
    raise typer.Exit(outcome.code)


@contextmanager
def told() -> Iterator[None]:
    """What goes wrong inside ends the command: with 2 if the arguments are to blame, with 5 if the model broke."""
    try:
        yield
    except (ModelError, SightError, QuestionError) as error:
        refuse(str(error))
    except PolicyBroken as error:
        refuse(str(error), Outcome.BROKEN.code)
