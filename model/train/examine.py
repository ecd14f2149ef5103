"""What a stage has brought by its own measure, a loss, on pictures and turns that it did not train on."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from itertools import islice

import torch

from model.train.builtin import Course, Plan, cost
from model.train.lessons import Data
from model.train.loop import ALONE, STATE

SEED = 999_983
"""Of the turns that are asked; training draws by other seeds."""


def examine(plan: Plan, data: Data, lessons: int) -> tuple[float, float]:
    """The measure of `plan`'s stage before its first update and at its checkpoint, over so many lessons of `data`."""
    found = []
    for trained in (False, True):
        course = Course(replace(plan, data=data, seed=SEED), ALONE)
        if trained:
            course.restore(torch.load(plan.out / STATE, weights_only=True))
        found.append(_mean(course, plan.stage.measure, lessons))
    return found[0], found[1]


def _mean(course: Course, measure: str, lessons: int) -> float:
    told: dict[str, list[float]] = defaultdict(list)
    with torch.no_grad():
        for lesson in islice(course.lessons(0), lessons):
            for name, value in cost(course.student, course.stage, course.asked, lesson)[1].items():
                if value == value:
                    told[name].append(value)
    return sum(told[measure]) / len(told[measure])
