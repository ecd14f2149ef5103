"""What a person at a terminal sees: a live line a step on standard error, and tables at the end."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from agent.describe import clean, describe
from agent.outcome import LegResult, Outcome, Result
from agent.step import Step

if TYPE_CHECKING:
    from agent.evaluate import Sheet

STYLES = {
    Outcome.VERIFIED: "bold green",
    Outcome.UNVERIFIED: "bold yellow",
    Outcome.STOPPED: "bold yellow",
    Outcome.FAILED: "bold red",
    Outcome.BROKEN: "bold magenta",
}


def console(*, quiet: bool = False) -> Console:
    """A console on standard error; standard output belongs to results."""
    return Console(stderr=True, quiet=quiet, highlight=False)


class StepLine:
    """Prints a step as it happens: number, action, what it hit, how much changed, seconds."""

    def __init__(self, screen: Console, name: str) -> None:
        self.screen, self.name = screen, name

    def __call__(self, step: Step) -> None:
        """Text that a model or a page wrote is cleaned, so that no terminal obeys it."""
        line = Text(f"  {self.name:<22} " if self.name else "  ", style="dim")
        line.append(f"{step.index:>3}  ", style="bold cyan")
        line.append(describe(step.action) if step.action else clean(step.reply.text, 60))
        receipt = step.after.receipt if step.after else None
        if step.error:
            line.append(f"  ✗ {clean(step.error, 120)}", style="red")
        elif receipt:
            hit = f"  → {clean(receipt.target, 40)}" if receipt.target else ""
            changed = "nothing changed" if receipt.nothing else f"{receipt.pixels_changed} px"
            line.append(f"{hit}  {changed}", style="dim")
        if step.after and step.after.refused:
            line.append(f"  refused: {clean(', '.join(step.after.refused), 80)}", style="yellow")
        seconds = step.timings.get("policy", 0.0) + step.timings.get("env", 0.0)
        line.append(f"  {seconds:.2f} s", style="dim")
        self.screen.print(line)


def starting(screen: Console, program: Sequence[str]) -> None:
    """Say which program is started on a desktop: it runs with this user's rights."""
    if program:
        screen.print(f"  starts {escape(clean(shlex.join(program)))}")


def outcomes(rows: list[tuple[str, Result]], title: str) -> Table:
    """One row for each run: name, outcome, steps, seconds, why it ended."""
    table = Table(title=title)
    for name in ("task", "outcome", "steps", "seconds", "ended"):
        table.add_column(name, justify="right" if name in ("steps", "seconds") else "left")
    for name, result in rows:
        steps = result.trajectory.steps
        ended = f"{result.stop.reason}: {result.stop.detail}".removesuffix(": ")
        outcome = Text(result.outcome.value + (" (flaky)" if result.flaky else ""), style=STYLES[result.outcome])
        table.add_row(clean(name, 40), outcome, str(len(steps)), f"{result.seconds:.1f}", clean(ended, 60))
    return table


def scores(sheet: Sheet) -> Table:
    """One row for each group of an evaluation, and one of all."""
    low, high = sheet.score.confidence
    title = f"{sheet.title}: {sheet.measure} {sheet.score.mean:.4f} [{low}, {high}]"
    table = Table(title=escape(clean(title, 200)), caption=escape(clean(f"{sheet.over}. {sheet.facts[0]}", 400)))
    for name in ("", sheet.measure, "interval", *sheet.heads):
        table.add_column(escape(name), justify="right" if name else "left", no_wrap=name in ("", "interval"))
    for row in sheet.rows:
        score = row.score
        cells = (f"{score.mean:.2f}", f"{score.low:.2f}–{score.high:.2f}", *row.cells)
        table.add_row(plain(row.name), *map(plain, cells), end_section=row is sheet.rows[-2])
    return table


def flips(found: dict[str, object]) -> Table:
    """One row for each pair of marks of which one evaluation alone won one."""
    rows, models = found["flips"], found["models"]
    assert isinstance(rows, list)
    assert isinstance(models, list)
    names = [clean(str(model), 40) for model in models]
    title = f"{names[1]} against {names[0]}: {found['difference']:+} {found['confidence']}"
    counts = f"both won {found['both']}, first alone {found['first_only']}, second alone {found['second_only']}"
    table = Table(
        title=escape(title), caption=f"{found['pairs']} pairs: {counts}, neither {found['neither']}; p {found['p']}"
    )
    labels = [name for name in (rows[0] if rows else {}) if name not in ("won_by", "stops", "steps")]
    for name in (*labels, "won by", "came to"):
        table.add_column(name)
    for row in rows:
        told = [plain(str(row[name])) for name in labels]
        table.add_row(*told, f"the {row['won_by']}", plain(" / ".join(row["stops"])))
    return table


def summary(name: str, result: Result) -> dict[str, object]:
    """A run as --json prints it."""
    steps = result.trajectory.steps
    return {
        "name": name,
        "outcome": result.outcome.value,
        "code": result.outcome.code,
        "stop": result.stop.reason,
        "detail": result.stop.detail,
        "steps": len(steps),
        "seconds": round(result.seconds, 3),
        "attempt": result.attempt,
        "flaky": result.flaky,
        "answers": list(result.answers),
        "values": dict(result.values),
        "legs": [leg(each) for each in result.legs],
        "verdicts": [verdict.model_dump() for verdict in result.verdicts],
        "folder": str(result.folder) if result.folder else None,
    }


def leg(result: LegResult) -> dict[str, object]:
    """A step of a script as --json prints it."""
    return {
        "name": result.name,
        "outcome": result.outcome.value if result.outcome else None,
        "stop": result.stop.reason if result.stop else None,
        "seconds": round(result.seconds, 3),
    }


def concluded(screen: Console, result: Result) -> None:
    """What a run expected, what it brings back, and at which attempt."""
    for number, each in enumerate(result.legs, start=1):
        screen.print(f"  step {number}, {plain(each.name)}: {each.outcome.value if each.outcome else 'not begun'}")
    for verdict in result.verdicts:
        found = "" if verdict.held else f"  [dim]found: {plain(verdict.found)}[/dim]"
        screen.print(f"  {'✓' if verdict.held else '✗'} {plain(verdict.check)}{found}")
    for name, value in result.values.items():
        screen.print(f"  {plain(name)}: {plain(json.dumps(value, ensure_ascii=False))}")
    if result.attempt > 1:
        screen.print(f"  attempt {result.attempt}: {result.outcome.value}{', so it is flaky' if result.flaky else ''}")


def plain(text: str) -> str:
    """Text as it is: cleaned of control characters, and no markup."""
    from rich.markup import escape

    from agent.describe import clean

    return escape(clean(text))
