"""A step made ready for the page. Whatever a model or a page wrote is text in it, which the template escapes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from agent.describe import clean, describe
from agent.reader import Run
from agent.schema import ChanceEntry, Effect, Line, Look
from agent.view.album import Album, Shot, shoot
from agent.view.marks import Marks, marks
from agent.view.times import Times, spent

State = Literal["done", "idle", "mistake", "recovered", "pending"]
"""Done, done and nothing changed, refused or not understood, the screen broke and was mended, cut off in the middle."""

TOLD: dict[State, str] = {
    "done": "",
    "idle": "nothing changed",
    "mistake": "mistake",
    "recovered": "the screen broke; the run went on with a fresh one",
    "pending": "decided when the run was cut off; whether it was carried out is not known",
}


@dataclass(frozen=True)
class Card:
    """One step as it is shown."""

    index: int
    state: State
    told: str
    before: Shot
    after: Shot | None
    marks: Marks
    action: str
    reply: str
    error: str
    effect: str
    evidence: tuple[str, ...]
    saw: tuple[str, ...]
    """What the model was shown and told of the screen."""
    warnings: tuple[str, ...]
    chance: str
    times: Times
    tokens: str


def card(album: Album, run: Run, line: Line, *, cut: bool = False) -> Card:
    """A step made ready for the template; `cut` where the run ended in it."""
    state = "pending" if cut else state_of(line)
    receipt = line.receipt
    return Card(
        index=line.index,
        state=state,
        told=TOLD[state],
        before=look_at(album, run, line.before),
        after=look_at(album, run, line.after) if line.after else None,
        marks=marks(line),
        action=describe(line.action) if line.action else "no action",
        reply=line.reply.text,
        error=line.error,
        effect=" · ".join(part for part in (effect(receipt) if receipt else "", refused(line)) if part),
        evidence=_evidence(receipt) if receipt else (),
        saw=_saw(line),
        warnings=line.reply.warnings,
        chance=sure(line.reply.chance) if line.reply.chance else "",
        times=spent(line),
        tokens=_tokens(line),
    )


def state_of(line: Line) -> State:
    """What became of a step."""
    if line.error:
        return "recovered" if line.after else "mistake"
    return "idle" if line.receipt and line.receipt.nothing else "done"


def last(lines: Sequence[Line]) -> Look:
    """The last screen of a run of at least one step."""
    return lines[-1].after or lines[-1].before


def look_at(album: Album, run: Run, look: Look) -> Shot:
    """A recorded screen made ready to be shown."""
    page = " — ".join(part for part in (look.title, look.url) if part)
    return shoot(album, run.blob(look.screen), (look.width, look.height), page)


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


def sure(chance: ChanceEntry) -> str:
    """How sure the model was, in percent."""
    places = f", of its places {percent(chance.places)}" if chance.places is not None else ""
    among = "what the grammar allowed" if chance.held else "all it could write"
    return f"sure of the call {percent(chance.call)}{places} (among {among})"


def percent(log: float) -> str:
    """A probability of which the natural log is given."""
    return f"{100 * math.exp(min(0.0, log)):.3g} %"


def _evidence(receipt: Effect) -> tuple[str, ...]:
    said = []
    for each in receipt.evidence:
        words = [each.role, f'"{each.name}"' if each.name else "", each.text if each.text != each.name else ""]
        near = f"near {', '.join(each.near)}" if each.near else ""
        said.append(clean(" · ".join(part for part in (*words, near) if part), 300))
    return tuple(part for part in said if part)


def _saw(line: Line) -> tuple[str, ...]:
    look, frame = line.before, line.frame
    shown = f"{frame.width}×{frame.height} pixels"
    if (frame.width, frame.height) != (frame.model_width, frame.model_height):
        shown += f", shown to the model as {frame.model_width}×{frame.model_height}"
    dialog = f"A dialog was open: {clean(look.dialog, 300)}" if look.dialog else ""
    return tuple(part for part in (shown, dialog, *look.notes) if part)


def _tokens(line: Line) -> str:
    usage = line.reply.usage
    if not (usage.prompt_tokens or usage.completion_tokens):
        return ""
    read = "" if usage.prefilled_tokens is None else f", {usage.prefilled_tokens} of it newly read"
    image = f" ({usage.image_tokens} of pictures{read})" if usage.image_tokens or read else ""
    return f"{usage.prompt_tokens} in{image}, {usage.completion_tokens} out"
