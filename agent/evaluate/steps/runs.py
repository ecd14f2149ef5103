"""Run folders as recorded steps."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path

from actions import points
from agent.evaluate.order import LeftOut
from agent.evaluate.steps.match import Box, Truth
from agent.evaluate.steps.moment import Ask, Moment
from agent.exchange.gather import Named, gather, worth
from agent.exchange.past import space
from agent.reader import Run
from agent.recall import recall
from agent.schema import Line


class Recording:
    """One run folder; its legs are episodes of their own, since whoever decided knew of no other."""

    def __init__(self, named: Named) -> None:
        self.name, self.run = named.name, named.run

    @cached_property
    def digest(self) -> str:
        """SHA-256 of what was to be done and of all steps."""
        manifest = self.run.manifest
        told = [manifest.task.instruction, *(leg.instruction for leg in manifest.legs)]
        text = "\n".join([*told, *(line.model_dump_json() for line in self.run.lines)])
        return hashlib.sha256(text.encode()).hexdigest()

    @cached_property
    def asks(self) -> Sequence[Ask]:
        """The steps that did something."""
        return [
            Ask(self.name, line.index, self._instruction(line), line.action, not self._before(line))
            for line in self.run.lines
            if line.action is not None and not self._unfit(line)
        ]

    @cached_property
    def left(self) -> Sequence[LeftOut]:
        """The others: nobody knows what would have been right there."""
        unfit = [(line.index, self._unfit(line)) for line in self.run.lines]
        return [LeftOut(place=f"{self.name}, step {index}", why=why) for index, why in unfit if why]

    def moments(self) -> Mapping[int, Moment]:
        """What belongs to each step that is asked for."""
        steps = recall(self.run)
        found = {}
        for ask in self.asks:
            line, now = self.run.lines[ask.step - 1], steps[ask.step - 1]
            past = tuple(steps[index] for index in self._before(line))
            width, height = now.before.size
            truth = Truth(ask.recorded, width, height, boxes(line), self.run.manifest.environment.device is not None)
            found[ask.step] = Moment(past, now.before, truth, space(self.run))
        return found

    def _before(self, line: Line) -> tuple[int, ...]:
        """Where the steps stand that whoever decided knew of."""
        earlier = self.run.lines[: line.index - 1]
        return tuple(index for index, each in enumerate(earlier) if each.leg == line.leg)

    def _instruction(self, line: Line) -> str:
        manifest = self.run.manifest
        return manifest.legs[line.leg - 1].instruction if line.leg else manifest.task.instruction

    def _unfit(self, line: Line) -> str:
        if line.error or line.action is None:
            return f"nothing was carried out: {line.error[:120]}"
        if line.leg and line.leg > len(self.run.manifest.legs):
            return f"belongs to part {line.leg} of the script, and run.json tells of {len(self.run.manifest.legs)}"
        return ""


def boxes(line: Line) -> tuple[tuple[Box, ...], ...]:
    """The boxes of what lay at each place of the action; empty where the record does not tell."""
    evidence = line.receipt.evidence if line.receipt else ()
    assert line.action is not None
    if len(evidence) != len(points(line.action)):
        return ()
    return tuple((one.box,) if one.box else () for one in evidence)


def recordings(folders: Sequence[Path], *, verified: bool) -> Iterator[Recording | LeftOut]:
    """The runs in `folders` and in the folders in those. Raises `RecordError` for a folder without any."""
    for named in gather(folders):
        if not isinstance(named, Named):
            yield LeftOut(place=named.run, why=named.why)
        elif left := worth(named, verified=verified):
            yield LeftOut(place=named.name, why=left.why)
        elif gone := _gone(named.run):
            yield LeftOut(place=named.name, why=gone)
        else:
            yield Recording(named)


def _gone(run: Run) -> str:
    """Why the past of its steps cannot be shown; empty where it can."""
    screens = {look.screen for line in run.lines for look in (line.before, line.after) if look}
    gone = [screen for screen in screens if not run.blob(screen).is_file()]
    return f"{len(gone)} of its {len(screens)} pictures are gone" if gone else ""
