"""`handeye record`: a person demonstrates, and a run folder comes out."""

from __future__ import annotations

import select
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError

from agent.commands import options
from agent.commands.ending import end, refuse
from agent.commands.given import folder_for, size_of
from agent.console import StepLine, console, outcomes, plain, starting, summary
from agent.expect import Check
from agent.outcome import Result
from agent.stage import StageError

KINDS = ("url", "title", "text", "element")
GUIDE = "Go ahead. Close the window to end, or press enter here; p and enter pauses and goes on."
WARNING = "Everything that is typed is kept, passwords too: nobody can tell them here. Pause before you type one."

Url = Annotated[str, typer.Option("--url", help="where to start: an address, or the path of a page")]
Size = Annotated[str, typer.Option("--size", help="WIDTHxHEIGHT of the page, or of the private screen")]
Instruction = Annotated[str, typer.Option("--instruction", help="what you are about to show, in words")]
Expect = Annotated[
    list[str] | None,
    typer.Option("--expect", metavar="KIND=WHAT", help="holds at the end: url=, title=, text= or element="),
]
Program = Annotated[
    str, typer.Option("--program", help="show it on a private screen that this program runs on, in a window (Xephyr)")
]
Display = Annotated[
    str, typer.Option("--display", help="show it on this X display, such as :0: all that is done there is kept")
]
Headless = Annotated[bool, typer.Option("--headless", help="no window, for whoever acts by a protocol")]


def record(
    url: Url = "",
    program: Program = "",
    display: Display = "",
    size: Size = "1288x728",
    instruction: Instruction = "",
    expect: Expect = None,
    headless: Headless = False,
    out: options.Out = None,
    as_json: options.Json = False,
) -> None:
    """Show how it is done: what you do becomes a run that can be replayed.

    In a browser, passwords are not kept: a replay is given them by name (--secret).
    """
    given = [name for name, said in (("--url", url), ("--program", program), ("--display", display)) if said]
    if len(given) != 1:
        refuse(f"record: give one of --url, --program and --display; got {', '.join(given) or 'none'}")
    checks, sides, screen = checks_of(expect or ()), size_of(size), console(quiet=as_json)
    if not url and any(check.title is None for check in checks):
        refuse("--expect: a desktop has windows and no page: only title= can be expected")
    name = instruction or url or program or "desktop"
    try:
        words = tuple(shlex.split(program))
    except ValueError as error:
        refuse(f"--program {program}: {error}")
    starting(screen, words)
    screen.print(GUIDE if url else f"{WARNING}\n{GUIDE}")
    watch = StepLine(screen, "")
    if url:
        result = _browse(url, out, sides, instruction, checks, headed=not headless, watch=watch)
    else:
        from agent.attend import record_desktop
        from env import DesktopOptions

        asked = DesktopOptions(size=sides, program=words, folder=Path.cwd(), nested=not headless and not display)
        if display:
            asked = DesktopOptions(display=display)
        folder = folder_for(out, instruction or "person", alone=True)
        result = record_desktop(asked, out=folder, instruction=instruction, expect=checks, stop=pressed, watch=watch)
    for verdict in result.verdicts:
        screen.print(f"  {'✓' if verdict.held else '✗'} {plain(verdict.check)}")
    screen.print(outcomes([(name, result)], "record"))
    end(result.outcome, summary(name, result), as_json)


def _browse(
    url: str,
    out: Path | None,
    size: tuple[int, int],
    instruction: str,
    checks: tuple[Check, ...],
    *,
    headed: bool,
    watch: StepLine,
) -> Result:
    from agent.attend import place, record_person

    try:
        place(url, size)
        folder = folder_for(out, instruction or "person", alone=True)
        return record_person(
            url,
            out=folder,
            size=size,
            instruction=instruction,
            expect=checks,
            headed=headed,
            stop=pressed,
            watch=watch,
        )
    except StageError as error:
        refuse(f"--url: {error}")


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
    """Why to stop, as the person at the terminal says; empty where nobody says anything, or nobody is there."""
    from agent.attend import PAUSE

    if not sys.stdin.isatty() or not select.select([sys.stdin], [], [], 0)[0]:
        return ""
    return PAUSE if sys.stdin.readline().strip() == "p" else "ended at the terminal"
