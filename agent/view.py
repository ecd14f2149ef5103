"""A run, or several, as one HTML page that needs nothing but itself."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from actions import points
from agent.describe import clean, describe
from agent.expect import Verdict
from agent.reader import RecordError, Run
from agent.record import replace
from agent.schema import Effect, Line, Look

WEB = Path(__file__).parent / "web"


@dataclass(frozen=True)
class Shot:
    """A screen as it is shown: pixels of the screenshot, and `shown`, its width on the page."""

    image: str
    width: int
    height: int
    shown: int
    page: str


@dataclass(frozen=True)
class Card(Shot):
    """One step as it is shown. Whatever a model or a page wrote is text here; the template escapes it."""

    index: int
    points: tuple[tuple[int, int], ...]
    radius: float
    box: tuple[int, int, int, int] | None
    action: str
    reply: str
    error: str
    effect: str
    timings: str


@dataclass(frozen=True)
class Section:
    """One run as it is shown."""

    name: str
    instruction: str
    outcome: str
    stop: str
    seconds: str
    facts: tuple[tuple[str, str], ...]
    verdicts: tuple[Verdict, ...]
    cards: tuple[Card, ...]
    last: Shot | None
    pending: Card | None


def write_report(runs: Sequence[Run], path: Path | None = None) -> Path:
    """Write one page about `runs` and return where; the first run's folder is the default place."""
    if not runs:
        raise RecordError("there is no run to show")
    target = path or runs[0].folder / "report.html"
    replace(target, render(runs).encode())
    return target


def render(runs: Sequence[Run]) -> str:
    """The page as text. Its content policy allows the page's own style and script, and nothing else."""
    style, script = (WEB / "report.css").read_text(), (WEB / "report.js").read_text()
    jinja = Environment(
        loader=FileSystemLoader(WEB),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    sections = [section(run) for run in runs]
    return jinja.get_template("report.html.j2").render(
        title=f"handeye: {sections[0].name}" if len(sections) == 1 else f"handeye: {len(sections)} runs",
        runs=sections,
        style=Markup(style),
        script=Markup(script),
        style_hash=_source(style),
        script_hash=_source(script),
    )


def section(run: Run) -> Section:
    """A run made ready for the template."""
    file, totals = run.manifest, run.manifest.totals
    seconds = sum(line.timings.get(part, 0.0) for line in run.lines for part in ("policy", "env"))
    end = next((line.after or line.before for line in reversed(run.lines)), None)
    tokens = f"{totals.prompt_tokens} in, {totals.completion_tokens} out" if totals else "unknown"
    facts = (
        ("model", f"{file.model.name} {file.model.hash[:12]}".strip()),
        ("environment", _room(run)),
        ("start", file.task.start),
        ("steps", str(len(run.lines))),
        ("mistakes", str(sum(bool(line.error) for line in run.lines))),
        ("seconds", f"{seconds:.1f}"),
        ("tokens", tokens),
        ("seed", str(file.task.seed)),
        ("begun", file.created),
    )
    return Section(
        name=file.name,
        instruction=file.task.instruction,
        outcome=file.outcome or "unfinished",
        stop=f"{file.stop.reason}: {file.stop.detail}".removesuffix(": ") if file.stop else "cut off",
        seconds=f"{seconds:.1f}",
        facts=tuple((name, value) for name, value in facts if value),
        verdicts=file.verdicts,
        cards=tuple(card(run, line) for line in run.lines),
        last=shown(run, end) if end else None,
        pending=card(run, run.pending) if run.pending else None,
    )


def card(run: Run, line: Line) -> Card:
    """A step made ready for the template."""
    look, shot = line.before, shown(run, line.before)
    return Card(
        image=shot.image,
        width=shot.width,
        height=shot.height,
        shown=shot.shown,
        page=shot.page,
        index=line.index,
        points=tuple((point.x, point.y) for point in points(line.action)) if line.action else (),
        radius=max(look.width, look.height) / 28,
        box=line.receipt.changed_box if line.receipt else None,
        action=describe(line.action) if line.action else "no action",
        reply=line.reply.text,
        error=line.error,
        effect=" · ".join(part for part in (effect(line.receipt) if line.receipt else "", refused(line)) if part),
        timings=" · ".join(f"{name} {seconds:.2f} s" for name, seconds in line.timings.items()),
    )


def shown(run: Run, look: Look) -> Shot:
    """A screen made ready for the template; small screens are drawn at twice their size."""
    data = base64.b64encode(run.picture(look.screen)).decode()
    return Shot(
        image=f"data:image/png;base64,{data}",
        width=look.width,
        height=look.height,
        shown=look.width * 2 if look.width <= 280 else min(look.width, 560),
        page=" — ".join(part for part in (look.title, look.url) if part),
    )


def effect(receipt: Effect) -> str:
    """What an action did, in a few words."""
    changed = f"{receipt.pixels_changed} pixels changed" if receipt.pixels_changed else ""
    files = ", ".join(f"{each.name} ({each.size} bytes, sha256 {each.sha256[:12]})" for each in receipt.files)
    focus = f"focus: {receipt.focus}{f' ({receipt.value})' if receipt.value else ''}" if receipt.focus else ""
    said = [
        f"on {receipt.target}" if receipt.target else "",
        f"in {receipt.window}" if receipt.window else "",
        "nothing changed" if receipt.nothing else changed,
        f"page changed: {receipt.url}" if receipt.navigated and receipt.url else "",
        "page changed" if receipt.navigated and not receipt.url else "",
        f"dialog: {receipt.dialog}" if receipt.dialog else "",
        f"downloaded {files or ', '.join(receipt.downloads)}" if receipt.downloads else "",
        focus,
    ]
    return clean(" · ".join(part for part in said if part), 400)


def refused(line: Line) -> str:
    """What a page asked for and did not get."""
    requests = line.after.refused if line.after else ()
    return clean(f"refused: {', '.join(requests)}", 400) if requests else ""


def _room(run: Run) -> str:
    room = run.manifest.environment
    return f"{room.kind} {room.width}x{room.height}" if room.width else room.kind


def _source(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
