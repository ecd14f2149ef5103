"""`handeye record`: a person demonstrates, and a run folder comes out."""

from __future__ import annotations

import select
import sys
from collections.abc import Sequence
from typing import Annotated

import typer
from pydantic import ValidationError

from agent.commands import options
from agent.commands.ending import end, refuse
from agent.commands.given import folder_for, size_of
from agent.console import StepLine, console, outcomes, plain, summary
from agent.expect import Check
from agent.stage import StageError

KINDS = ("url", "title", "text", "element")


def record(
    url: Annotated[str, typer.Option("--url", help="where to start: an address, or the path of a page")],
    size: Annotated[str, typer.Option("--size", help="WIDTHxHEIGHT of the page")] = "1288x728",
    instruction: Annotated[str, typer.Option("--instruction", help="what the person is about to show, in words")] = "",
    expect: Annotated[
        list[str] | None,
        typer.Option("--expect", metavar="KIND=WHAT", help="holds at the end: url=, title=, text= or element="),
    ] = None,
    headless: Annotated[bool, typer.Option("--headless", help="no window, for whoever acts by a protocol")] = False,
    out: options.Out = None,
    as_json: options.Json = False,
) -> None:
    """Show how it is done: what you do in a browser window becomes a run that can be replayed.

    Close the window to end, or press enter here. Passwords are not kept; what you upload is named and not copied.
    """
    from agent.attend import place, record_person

    checks, sides, screen = checks_of(expect or ()), size_of(size), console(quiet=as_json)
    try:
        place(url, sides)
        folder = folder_for(out, instruction or "person", alone=True)
        screen.print("Go ahead. Close the window to end, or press enter here.")
        result = record_person(
            url,
            out=folder,
            size=sides,
            instruction=instruction,
            expect=checks,
            headed=not headless,
            stop=pressed,
            watch=StepLine(screen, ""),
        )
    except StageError as error:
        refuse(f"--url: {error}")
    for verdict in result.verdicts:
        screen.print(f"  {'✓' if verdict.held else '✗'} {plain(verdict.check)}")
    name = instruction or url
    screen.print(outcomes([(name, result)], "record"))
    end(result.outcome, summary(name, result), as_json)


def checks_of(texts: Sequence[str]) -> tuple[Check, ...]:
    """The expectations that `--expect` names; ends the command for what is none."""
    found = []
    for text in texts:
        kind, equals, what = text.partition("=")
        if kind not in KINDS or not equals:
            refuse(f"--expect {text}: expected one of {', '.join(f'{each}=...' for each in KINDS)}")
        try:
            found.append(Check.model_validate({kind: what}))
        except ValidationError as error:
            refuse(f"--expect {text}: {error.errors(include_url=False)[0]['msg']}")
    return tuple(found)


def pressed() -> str:
    """Why to stop: the person at the terminal has pressed enter; empty where nobody has, or nobody is there."""
    if not sys.stdin.isatty() or not select.select([sys.stdin], [], [], 0)[0]:
        return ""
    sys.stdin.readline()
    return "ended at the terminal"
