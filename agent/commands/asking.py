"""The person at the terminal is asked, where there is one."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import typer

from agent.approve import Approval, Caution, Request, safe
from agent.care import Care, CareError, network, values
from agent.commands.ending import refuse
from agent.describe import clean

MODES = ("never", "risky", "always")


def caution(mode: str, *, careful: bool) -> Caution | None:
    """Who is asked before an action, as --approve and --safe say; None for nobody. Ends the command otherwise."""
    if mode not in MODES:
        refuse(f"--approve {mode}: expected one of {', '.join(MODES)}")
    if careful:
        return Caution(_first_safe if mode == "always" else safe, always=mode == "always")
    return None if mode == "never" else Caution(ask, always=mode == "always")


def care(
    context: typer.Context,
    names: Sequence[str],
    *,
    allow: list[str] | None,
    pairs: list[str] | None,
    file: Path | None,
    mode: str = "never",
    careful: bool = False,
) -> Care:
    """What the command line adds to scripts with secrets of these names. Ends the command for what cannot be had."""
    try:
        found = values(names, pairs or (), file, context.find_root().obj)
    except CareError as error:
        refuse(str(error))
    try:
        network(tuple(allow or ()))
    except CareError as error:
        refuse(f"--allow: {error}")
    return Care(tuple(allow or ()), found, caution(mode, careful=careful), downloads=not careful)


def declared(names: Sequence[str], pairs: Sequence[str]) -> None:
    """End the command where NAME=VARIABLE gives a secret that is none of `names`: it would be typed as it stands."""
    for pair in pairs:
        if (name := pair.partition("=")[0]) not in names:
            refuse(f"--secret {name}: no script has it under `secrets`; there are {', '.join(sorted(names)) or 'none'}")


def _first_safe(request: Request) -> Approval:
    return ask(request) if safe(request).granted else safe(request)


def ask(request: Request) -> Approval:
    """What the person says; nobody there is a no. Ctrl-C at the question ends the run."""
    if not sys.stdin.isatty():
        return Approval(False, "nobody is here to approve it")
    try:
        granted = typer.confirm(f"  {clean(str(request), 400)}. Do it?", default=False, err=True)
    except typer.Abort:
        raise KeyboardInterrupt from None
    return Approval(granted, "" if granted else "the person said no")
