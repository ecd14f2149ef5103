"""The lines of a record as the steps that they were, screenshots and all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import MappingProxyType

from actions import Frame
from agent.reader import Run
from agent.schema import ChanceEntry, DownloadEntry, Effect, EvidenceEntry, Line, Look, Said
from agent.step import Chance, Reply, Step, Usage
from env import Download, Evidence, Image, Observation, Receipt


def recall(run: Run) -> tuple[Step, ...]:
    """The steps of `run`: recorded once more, they give the same lines.

    A screen that was seen more than once is read once. What no record keeps is not there: the instruction of the
    screen itself, and the timings of a look apart from those of its step. Raises `RecordError` for a screen that is
    gone.
    """
    known: dict[str, Image] = {}

    def screen(name: str) -> Image:
        return known[name] if name in known else known.setdefault(name, run.screen(name))

    steps: list[Step] = []
    told: Receipt | None = None
    for line in run.lines:
        step = remember(line, screen)
        steps.append(replace(step, before=replace(step.before, receipt=told)))
        told = step.after.receipt if step.after else told
    return tuple(steps)


def remember(line: Line, screen: Callable[[str], Image]) -> Step:
    """The step of one line; `screen` gives the pixels that a name stands for."""
    told = receipt(line.receipt) if line.receipt else None
    return Step(
        index=line.index,
        before=observed(line.before, screen(line.before.screen)),
        reply=_reply(line.reply),
        frame=Frame(**line.frame.model_dump()),
        action=line.action,
        error=line.error,
        after=observed(line.after, screen(line.after.screen), told) if line.after else None,
        leg=line.leg,
        timings=MappingProxyType(line.timings),
    )


def observed(look: Look, pixels: Image, told: Receipt | None = None) -> Observation:
    """What was seen, with these `pixels`, and what had led there."""
    return Observation(
        pixels,
        url=look.url,
        title=look.title,
        tabs=look.tabs,
        dialog=look.dialog,
        focus=look.focus,
        value=look.value,
        downloads=look.downloads,
        refused=look.refused,
        notes=look.notes,
        time=look.time,
        receipt=told,
        done=look.done,
        reward=look.reward,
    )


def _reply(said: Said) -> Reply:
    usage = Usage(**said.usage.model_dump())
    return Reply(said.text, usage, MappingProxyType(said.timings), said.warnings, _chance(said.chance))


def _chance(sure: ChanceEntry | None) -> Chance | None:
    return Chance(sure.call, sure.places, sure.held) if sure else None


def receipt(effect: Effect) -> Receipt:
    """What an action did, as environments tell it."""
    return Receipt(
        target=effect.target,
        window=effect.window,
        pixels_changed=effect.pixels_changed,
        changed_box=effect.changed_box,
        navigated=effect.navigated,
        dialog=effect.dialog,
        downloads=effect.downloads,
        files=tuple(_file(file) for file in effect.files),
        url=effect.url,
        focus=effect.focus,
        value=effect.value,
        evidence=tuple(evidence(one) for one in effect.evidence),
    )


def _file(file: DownloadEntry) -> Download:
    return Download(file.name, file.path, file.sha256, file.size)


def evidence(one: EvidenceEntry) -> Evidence:
    """Evidence as environments tell it."""
    return Evidence(one.role, one.name, one.text, one.key, one.box, one.near)
