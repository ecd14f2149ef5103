"""A run made ready for the page."""

from __future__ import annotations

from dataclasses import dataclass

from agent.expect import Verdict
from agent.reader import Run
from agent.view.again import Again, agains
from agent.view.album import Album
from agent.view.card import Card, card
from agent.view.times import Times, together


@dataclass(frozen=True)
class Section:
    """One run as it is shown."""

    name: str
    instruction: str
    model: str
    tokens: str
    outcome: str
    stop: str
    facts: tuple[tuple[str, str], ...]
    verdicts: tuple[Verdict, ...]
    cards: tuple[Card, ...]
    again: tuple[Again, ...]
    """Its replays."""

    @property
    def times(self) -> Times:
        """Seconds of all steps, by part."""
        return together(card.times for card in self.cards)

    @property
    def longest(self) -> float:
        """Seconds of the slowest step."""
        return max((card.times.total for card in self.cards), default=0.0)


def section(album: Album, run: Run) -> Section:
    """A run made ready for the template."""
    file = run.manifest
    cards = [card(album, run, line) for line in run.lines]
    if run.pending:
        cards.append(card(album, run, run.pending, cut=True))
    return Section(
        name=file.name,
        instruction=file.task.instruction,
        model=file.model.name,
        tokens=tokens(run),
        outcome=file.outcome or "unfinished",
        stop=f"{file.stop.reason}: {file.stop.detail}".removesuffix(": ") if file.stop else "cut off",
        facts=facts(run),
        verdicts=file.verdicts,
        cards=tuple(cards),
        again=agains(album, run),
    )


def seconds(run: Run) -> float:
    """What policy and environment took together."""
    return sum(line.timings.get(part, 0.0) for line in run.lines for part in ("policy", "env"))


def facts(run: Run) -> tuple[tuple[str, str], ...]:
    """What is to be known of a run beside its steps, as names and values."""
    file, lines = run.manifest, run.lines
    found = (
        ("model", f"{file.model.name} {file.model.hash[:12]}".strip()),
        ("dialect", file.model.dialect),
        ("environment", _room(run)),
        ("start", file.task.start),
        ("script", file.script or ""),
        ("parameters", ", ".join(f"{name}={value}" for name, value in file.parameters.items())),
        ("steps", str(len(lines))),
        ("mistakes", str(sum(bool(line.error) and line.after is None for line in lines))),
        ("recovered", str(sum(bool(line.error) and line.after is not None for line in lines) or "")),
        ("seconds", f"{seconds(run):.1f}"),
        ("tokens", tokens(run)),
        ("seed", str(file.task.seed)),
        ("begun", file.created),
    )
    return tuple((name, value) for name, value in found if value)


def tokens(run: Run) -> str:
    """What was read and written, in words; empty where nobody counted."""
    usages = [line.reply.usage for line in run.lines]
    read = sum(usage.prompt_tokens for usage in usages)
    pictures = sum(usage.image_tokens for usage in usages)
    written = sum(usage.completion_tokens for usage in usages)
    return f"{read} in ({pictures} of pictures), {written} out" if read or written else ""


def _room(run: Run) -> str:
    room = run.manifest.environment
    return f"{room.kind} {room.width}×{room.height}" if room.width else room.kind
