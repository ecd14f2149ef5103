"""Finding a recorded target on the present screen, strongest evidence first; and never taking one of two."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from actions import Point
from agent.ladder.aim import Aim, Known, Missing, Refused, Spot, told
from agent.ladder.crops import Crop, clear, crops, matches, same
from agent.ladder.names import Likeness, agrees, choose
from agent.ladder.sight import Sight
from env import Box, Evidence

LIKE = 0.25  # how much a box may differ in size for the recorded place in it to count

Read = Callable[[Aim, Sight], Spot]
"""Looks for a target by words in the picture; `Missing` and `Refused` as all of them."""


def find(aim: Aim, sight: Sight, known: Known, read: Read | None = None) -> Spot:
    """Where the target of `aim` is now; `Missing` or `Refused` otherwise. Nothing is done for it.

    What is found by its picture is held against the words of the record, where the environment can say them.
    """
    wide, tight = crops(aim)
    if spot := _in_place(aim, sight, wide, tight):
        return spot
    if spot := _elsewhere(aim, sight, wide, tight):
        return spot
    if sight.names and aim.told:
        return placed(aim, sight, choose(aim, sight.named, known))
    if read is not None:
        return read(aim, sight)
    raise Missing(f"nothing on the screen looks like {told(aim.evidence)} of the record")


def _in_place(aim: Aim, sight: Sight, wide: Crop, tight: Crop) -> Spot | None:
    """The recorded place, where it looks as it did and is what it was."""
    if not sight.shows(aim.at) or not same(wide, sight.screen):
        return None
    whole = aim.screen.shape == sight.screen.shape and np.array_equal(aim.screen, sight.screen)
    if not (sight.names and aim.told):
        return Spot(aim.at, "pixels", 1.0) if whole or not wide.flat else None
    there = sight.lies(aim.at)
    if there is None or not agrees(aim.evidence, there):
        return None
    if not whole and _more(aim, sight, tight):
        raise Refused(f"{told(aim.evidence)} may be any of several that look alike, more than in the record")
    return Spot(aim.at, "pixels", 1.0, there)


def _more(aim: Aim, sight: Sight, tight: Crop) -> bool:
    """Whether more things look like the target and are called so than there were."""
    twins = [each for each in sight.named if agrees(aim.evidence, each)]
    return len(twins) > 1 and len(matches(tight, sight.screen)) > len(matches(tight, aim.screen))


def _elsewhere(aim: Aim, sight: Sight, wide: Crop, tight: Crop) -> Spot | None:
    """The one place that looks as the recorded one did, where that was the only one too."""
    for crop in (wide, tight):
        found = matches(crop, sight.screen)
        if not clear(found):
            continue
        score, at = found[0]
        if sight.names and aim.told and _twins(aim, sight):
            return None
        if not clear(matches(crop, aim.screen)):
            continue
        if not (sight.names and aim.told):
            return Spot(at, "template", round(score, 3))
        there = sight.lies(at)
        if there is None or not agrees(aim.evidence, there):
            continue
        return Spot(at, "template", round(score, 3), there)
    if not (sight.names and aim.told) and len(matches(tight, sight.screen)) > 1:
        raise Refused(f"{told(aim.evidence)} may be any of several places that look alike")
    return None


def _twins(aim: Aim, sight: Sight) -> bool:
    return sum(agrees(aim.evidence, each) for each in sight.named) > 1


def placed(aim: Aim, sight: Sight, like: Likeness) -> Spot:
    """Where in the box of what was found the action belongs; `Missing` where something covers it there."""
    found = like.found
    assert found.box is not None
    for at in _spots(aim, found.box):
        if not sight.shows(at):
            return Spot(at, "names", like.score, found)
        there = sight.lies(at)
        if there is not None and identical(there, found):
            return Spot(at, "names", like.score, there)
    raise Missing(f"something covers {told(found)}")


def identical(one: Evidence, other: Evidence) -> bool:
    """Whether two pieces of evidence, taken of one screen, are of one thing."""
    return (one.role, one.name, one.key, one.near) == (other.role, other.name, other.key, other.near)


def _spots(aim: Aim, box: Box) -> list[Point]:
    """The recorded place within a box of like size, then the middle, then places beside it."""
    left, top, right, bottom = box
    wide, high = right - left, bottom - top
    spots = [
        (left + wide // 2, top + high // 2),
        (left + wide // 5, top + high // 2),
        (left + wide // 2, top + high // 4),
    ]
    if (old := aim.evidence.box) and _like(old, box):
        inside = aim.at.x - old[0], aim.at.y - old[1]
        if 0 <= inside[0] < wide and 0 <= inside[1] < high:
            spots.insert(0, (left + inside[0], top + inside[1]))
    return [Point(x=x, y=y) for x, y in spots]


def _like(one: Box, other: Box) -> bool:
    sides = ((one[2] - one[0], other[2] - other[0]), (one[3] - one[1], other[3] - other[1]))
    return all(abs(old - new) <= LIKE * max(old, new) for old, new in sides)
