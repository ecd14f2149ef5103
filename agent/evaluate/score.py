"""What marks come to: means over tasks, with an interval around the success."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from agent.evaluate.mark import Mark

DRAWS = 2000
Score = Mapping[str, object]


def final(marks: Iterable[Mark], tasks: Sequence[str]) -> tuple[Mark, ...]:
    """The last mark of each episode of `tasks`, in their order and that of seeds, however they were played."""
    last = {mark.key: mark for mark in marks}
    order = {task: number for number, task in enumerate(tasks)}
    asked = [mark for mark in last.values() if mark.task in order]
    return tuple(sorted(asked, key=lambda mark: (order[mark.task], mark.seed)))


def grouped(marks: Iterable[Mark]) -> dict[str, list[Mark]]:
    """Marks by their task."""
    groups: dict[str, list[Mark]] = {}
    for mark in marks:
        groups.setdefault(mark.task, []).append(mark)
    return groups


def summary(marks: Sequence[Mark], model: str, suite: str = "miniwob") -> dict[str, object]:
    """The scores as `handeye eval miniwob --json` prints them; success is the mean over tasks.

    What broke counts as lost, and `broken` says how many these are. `first_action_correct` is the mean over the
    tasks whose answers are known, None where there are none.
    """
    groups = grouped(marks)
    low, high = interval([[mark.success for mark in group] for group in groups.values()])
    first = [correct for group in groups.values() if (correct := _first(group)) is not None]
    return {
        "suite": suite,
        "episodes": len(marks),
        "success": round(_mean([_mean([m.success for m in group]) for group in groups.values()]), 4),
        "first_action_correct": round(_mean(first), 4) if first else None,
        "tasks": {task: _scores(group) for task, group in groups.items()},
        "model": model,
        "confidence": [round(low, 4), round(high, 4)],
        "broken": sum(mark.broken for mark in marks),
        "first_action_known": sum(mark.first is not None for mark in marks),
        "relaunched": sum(mark.attempt > 1 for mark in marks),
        "steps": round(_mean([mark.steps for mark in marks]), 2),
        "seconds": round(sum(mark.seconds for mark in marks), 1),
        "tokens": _tokens(marks),
    }


def _scores(group: Sequence[Mark]) -> Score:
    steps = sum(mark.steps for mark in group)
    low, high = interval([[mark.success for mark in group]])
    first = _first(group)
    return {
        "success": round(_mean([mark.success for mark in group]), 4),
        "first_action_correct": None if first is None else round(first, 4),
        "steps": round(steps / len(group), 2),
        "seconds_per_step": round(sum(mark.seconds for mark in group) / max(steps, 1), 3),
        "confidence": [round(low, 4), round(high, 4)],
        "episodes": len(group),
        "broken": sum(mark.broken for mark in group),
        "tokens": round(_mean([mark.prompt_tokens + mark.completion_tokens for mark in group]), 1),
    }


def _tokens(marks: Sequence[Mark]) -> dict[str, int]:
    return {
        "prompt": sum(mark.prompt_tokens for mark in marks),
        "image": sum(mark.image_tokens for mark in marks),
        "completion": sum(mark.completion_tokens for mark in marks),
    }


def _first(group: Sequence[Mark]) -> float | None:
    known = [mark.first for mark in group if mark.first is not None]
    return _mean(known) if known else None


def interval(groups: Sequence[Sequence[float]], draws: int = DRAWS, seed: int = 0) -> tuple[float, float]:
    """95 % bootstrap interval of the mean of group means; episodes are redrawn within each group."""
    low, high = np.percentile(resampled(groups, draws, seed), [2.5, 97.5])
    return float(low), float(high)


def resampled(groups: Sequence[Sequence[float]], draws: int = DRAWS, seed: int = 0) -> NDArray[np.float64]:
    """The mean of group means in each of `draws` redrawings, float64 [draws]."""
    random = np.random.default_rng(seed)
    means = [np.asarray(g, dtype=float)[random.integers(len(g), size=(draws, len(g)))].mean(1) for g in groups]
    return np.asarray(np.mean(means, axis=0), dtype=float)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
