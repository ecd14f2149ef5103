"""Loops: the same deeds on the same screens, again and again."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from agent.step import Step
    from env import Observation

LONGEST = 3
"""Steps of the longest loop that is looked for."""


@dataclass(frozen=True)
class Mark:
    """A step for what it is told apart by: what was done, and the screens before and after it."""

    deed: str
    before: str
    after: str


@dataclass(frozen=True)
class Cycle:
    """The last `length` steps, which have been the same `times` times over."""

    length: int
    times: int

    def __str__(self) -> str:
        if self.length == 1:
            return f"the same action {self.times} times on a screen that does not change"
        return f"the same {self.length} actions {self.times} times over, on the same screens"


@dataclass(frozen=True)
class Trail:
    """What has been done so far, and the screen that it has led to."""

    screen: str = ""
    marks: tuple[Mark, ...] = ()

    def after(self, step: Step) -> Trail:
        """The trail with one more step; what was not carried out leads to where it was."""
        there = fingerprint(step.after) if step.after else self.screen
        return self.then(Mark(deed(step), self.screen, there))

    def then(self, mark: Mark) -> Trail:
        """The trail with one more step."""
        return Trail(mark.after, (*self.marks, mark))

    def cycle(self) -> Cycle | None:
        """What the trail ends with that came at least twice over; where several do, what came most often."""
        found = [Cycle(length, self._times(length)) for length in range(1, LONGEST + 1)]
        best = max(found, key=lambda cycle: (cycle.times, -cycle.length))
        return best if best.times > 1 else None

    def _times(self, length: int) -> int:
        """How often in a row the last `length` marks stand at the end; twice can only be where they lead round."""
        last = self.marks[-length:]
        if len(last) < length:
            return 0
        times = 1
        while self.marks[-length * (times + 1) : -length * times] == last:
            times += 1
        return times


def fingerprint(seen: Observation) -> str:
    """Tells one screen from any other: by every pixel, the address, the tabs and the dialog that is open."""
    found = hashlib.blake2b(seen.screenshot.data, digest_size=16)
    found.update(repr((seen.screenshot.shape, seen.url, seen.tabs, seen.dialog)).encode("utf-8", "replace"))
    return found.hexdigest()


def deed(step: Step) -> str:
    """What a step did; what was written, where that was no action."""
    return step.action.model_dump_json() if step.action else step.reply.text
