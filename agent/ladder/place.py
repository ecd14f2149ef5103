"""A recorded action at the places where its targets are now."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from actions import Action, Drag, Point, points
from agent.ladder.aim import Spot, plain, told
from agent.ladder.heal import Healed
from agent.replay import Found
from env import Evidence, Observation


def moved(action: Action, places: Sequence[Point]) -> Action:
    """`action` with other places, as many as it has."""
    if not places:
        return action
    update = {"path": tuple(places)} if isinstance(action, Drag) else {"at": places[0]}
    return action.model_copy(update=update)


@dataclass(frozen=True)
class Aimed:
    """An action that may be done now, on the screen `seen`."""

    recorded: Action
    spots: tuple[Spot, ...]
    seen: Observation
    scrolled: tuple[int, int] = (0, 0)
    """How far the page was scrolled for it."""
    healed: Healed | None = None

    @property
    def action(self) -> Action:
        """What is to be done."""
        return moved(self.recorded, [spot.at for spot in self.spots])

    def found(self, step: int) -> Iterator[Found]:
        """What a report says of it."""
        for old, spot in zip(points(self.recorded), self.spots, strict=True):
            yield Found(
                step=step,
                rung=spot.rung,
                recorded=(old.x, old.y),
                at=(spot.at.x, spot.at.y),
                score=spot.score,
                target=told(spot.evidence) if spot.evidence else "",
                scrolled=self.scrolled,
            )

    def slipped(self, hit: Sequence[Evidence]) -> str:
        """What was hit in the place of a target, in words; empty where all were hit."""
        for spot, there in zip(self.spots, hit, strict=False):
            if spot.evidence and _words(spot.evidence) != _words(there):
                return told(there)
        return ""


def _words(evidence: Evidence) -> tuple[str, str, str]:
    return evidence.role, plain(evidence.name), evidence.key
