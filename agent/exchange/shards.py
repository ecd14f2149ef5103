"""Training samples as the shards of our own trainer, see `agent.data.store`.

A record keeps one right place for each click and no glyphs, so these teach the answer, and not the extra readers. Where
the record has evidence of what lay there, its box is the target.
"""

from __future__ import annotations

from pathlib import Path

from actions import Click
from agent.data.store import UNIT, Box, Record, Shard, Target, decode, shard_path
from agent.exchange.album import png
from agent.exchange.sample import IMAGE, Left, Sample
from agent.exchange.style import Style
from agent.reader import Run
from agent.schema import Line

PICTURES = 400
"""Pictures in a shard, at most."""


class Shelf:
    """Fills the shards of one folder."""

    def __init__(self, folder: Path, style: Style) -> None:
        self.folder, self.style = folder, style
        self.count = self._index = 0
        self._shard = Shard()
        folder.mkdir()

    def add(self, run: Run, sample: Sample) -> Left | None:
        """Keep a sample, or say why the trainer cannot take it. Raises `RecordError` where its picture is gone."""
        if len(sample.screens) != 1 or [turn.role for turn in sample.turns] != ["user", "assistant"]:
            return Left(sample.run, sample.step, "a shard holds one user turn with one screen, and its answer")
        look, line = sample.screens[0], run.lines[sample.step - 1]
        size = self.style.kept(look.width, look.height)
        if any(side % UNIT for side in size):
            shown = f"its screen is {size[0]}x{size[1]}"
            return Left(sample.run, sample.step, f"{shown}, and sides have to be multiples of {UNIT} pixels")
        kind = run.manifest.task.start or run.manifest.environment.kind
        self._shard.add(decode(png(run, look, size)), Record(kind, targets=(_target(sample, line, size),)))
        self.count += 1
        if len(self._shard.records) == PICTURES:
            self.close()
        return None

    def close(self) -> None:
        """Write what is left."""
        if self._shard.records:
            self._shard.save(shard_path(self.folder, self._index))
            self._shard, self._index = Shard(), self._index + 1


def _target(sample: Sample, line: Line, size: tuple[int, int]) -> Target:
    asked, answer = sample.turns
    box = _box(line, size)
    return Target(
        instruction=sample.instruction,
        prompt=asked.text.removesuffix(IMAGE),
        answer=answer.text,
        history=sample.earlier,
        box=box,
        boxes=(box,) if box else (),
    )


def _box(line: Line, size: tuple[int, int]) -> Box | None:
    """Where a click belongs, in pixels of the picture; None where nobody said how far its target goes."""
    evidence = line.receipt.evidence if line.receipt else ()
    if not isinstance(line.action, Click) or not evidence or (found := evidence[0].box) is None:
        return None
    if size != (line.before.width, line.before.height):
        return None
    x0, y0, x1, y1 = max(found[0], 0), max(found[1], 0), min(found[2], size[0]), min(found[3], size[1])
    return (x0, y0, x1, y1) if x0 < x1 and y0 < y1 else None
