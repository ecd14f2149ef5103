"""`handeye doctor`: whether this machine has what handeye needs, where clicks land, and what dead runs left."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from dataclasses import asdict
from typing import Annotated

import typer
from rich.markup import escape

from agent.commands import options
from agent.console import console
from agent.describe import clean
from agent.outcome import Outcome

ClickTest = Annotated[bool, typer.Option("--click-test", help="act on pages and windows of ours, and compare")]
Real = Annotated[bool, typer.Option("--real", help="with --click-test: the window opens on this session's own screen")]
Reap = Annotated[bool, typer.Option("--reap", help="end what runs that were killed have left, and do no more")]


def doctor(
    click_test: ClickTest = False, real: Real = False, reap: Reap = False, as_json: options.Json = False
) -> None:
    """Look whether this machine has what handeye needs."""
    from agent.doctor import Finding, clear, examine

    if real and not click_test:
        raise typer.BadParameter("--real: goes with --click-test alone")

    screen = console(quiet=as_json)
    findings = []
    looked: Iterable[Finding] = [clear()] if reap else examine(click_test=click_test, real=real)
    for finding in looked:
        findings.append(finding)
        mark = "[green]✓[/]" if finding.well else "[red]✗[/]"
        screen.print(f"{mark} {finding.name:<18} {escape(clean(finding.detail))}")
        if not finding.well:
            screen.print(f"    {escape(clean(finding.remedy))}")
    well = all(finding.well for finding in findings)
    if as_json:
        sys.stdout.write(json.dumps({"well": well, "findings": [asdict(finding) for finding in findings]}) + "\n")
    raise typer.Exit(0 if well else Outcome.BROKEN.code)
