"""What marks come to, of whatever kind they are, and what those of episodes do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

from agent.evaluate.estimate import estimate
from agent.evaluate.judged import Judged
from agent.evaluate.mark import Mark
from agent.evaluate.sheet import Sheet, parted, percent, tabled

J = TypeVar("J", bound=Judged)


def last(marks: Iterable[J], order: Sequence[str]) -> tuple[J, ...]:
    """The last mark of each thing that belongs to one of `order`, in that order and then by number."""
    latest = {mark.key: mark for mark in marks}
    places = {name: number for number, name in enumerate(order)}
    asked = [mark for mark in latest.values() if mark.key[0] in places]
    return tuple(sorted(asked, key=lambda mark: (places[mark.key[0]], mark.key[1])))


def final(marks: Iterable[Mark], tasks: Sequence[str]) -> tuple[Mark, ...]:
    """The last mark of each episode of `tasks`, in their order and that of seeds, however they were played."""
    return last(marks, tasks)


def grouped(marks: Iterable[J]) -> dict[str, list[J]]:
    """Marks by the finest group that they count in."""
    groups: dict[str, list[J]] = {}
    for mark in marks:
        groups.setdefault(mark.groups[0], []).append(mark)
    return groups


def spent(marks: Sequence[Judged]) -> dict[str, object]:
    """What all of it cost, and what broke on the way."""
    return {
        "broken": sum(mark.broken for mark in marks),
        "relaunched": sum(mark.attempt > 1 for mark in marks),
        "seconds": round(sum(mark.seconds for mark in marks), 1),
        "tokens": {
            "prompt": sum(mark.prompt_tokens for mark in marks),
            "image": sum(mark.image_tokens for mark in marks),
            "completion": sum(mark.completion_tokens for mark in marks),
        },
    }


def cost(marks: Sequence[Judged]) -> str:
    """The same in words."""
    prompt, written = sum(mark.prompt_tokens for mark in marks), sum(mark.completion_tokens for mark in marks)
    broken, again = sum(mark.broken for mark in marks), sum(mark.attempt > 1 for mark in marks)
    seconds = sum(mark.seconds for mark in marks)
    return (
        f"{seconds:.1f} s in all · {prompt} prompt and {written} completion tokens · "
        f"{broken} broken · {again} begun anew"
    )


def summary(marks: Sequence[Mark], model: str, suite: str = "miniwob") -> dict[str, object]:
    """The scores as `handeye eval miniwob --json` prints them; success is the mean over tasks.

    What broke counts as lost, and `broken` says how many these are. `first_action_correct` is the mean over the
    tasks whose answers are known, None where there are none.
    """
    groups, score, first = grouped(marks), estimate(marks), _first_of_all(marks)
    return {
        "suite": suite,
        "episodes": len(marks),
        "success": round(score.mean, 4),
        "first_action_correct": None if first is None else round(first, 4),
        "tasks": {task: _scores(group) for task, group in groups.items()},
        "model": model,
        "confidence": score.confidence,
        "first_action_known": sum(mark.first is not None for mark in marks),
        "steps": round(mean([mark.steps for mark in marks]), 2),
        **spent(marks),
    }


def sheet(marks: Sequence[Mark], model: str, suite: str, facts: Sequence[str] = ()) -> Sheet:
    """The same for people."""
    first, known = _first_of_all(marks), sum(mark.first is not None for mark in marks)
    steps = mean([mark.steps for mark in marks])
    return Sheet(
        suite=suite,
        model=model,
        measure="success",
        over=f"{len(marks)} episodes of {len(grouped(marks))} tasks",
        facts=(
            f"First action correct: {'unknown' if first is None else f'{100 * first:.1f} %'} "
            f"({known} episodes whose answers are known) · {steps:.2f} steps an episode · {cost(marks)}",
            *facts,
        ),
        heads=("first action", "steps", "s a step", "tokens", "broken"),
        rows=tabled(marks, _cells, "all tasks", best=True),
        entry_heads=("seed", "won", "first action", "steps", "seconds", "ended"),
        parts=parted(marks, _entry),
    )


def _cells(group: Sequence[Mark]) -> tuple[str, ...]:
    steps = sum(mark.steps for mark in group)
    tokens = mean([mark.prompt_tokens + mark.completion_tokens for mark in group])
    return (
        percent(_first_of_all(group)),
        f"{steps / len(group):.2f}",
        f"{_pace(group):.3f}",
        f"{tokens:.1f}",
        str(sum(mark.broken for mark in group)),
    )


def _entry(mark: Mark) -> tuple[str, ...]:
    return (
        str(mark.seed),
        "yes" if mark.success else "broken" if mark.broken else "no",
        "–" if mark.first is None else "right" if mark.first else "wrong",
        str(mark.steps),
        f"{mark.seconds:.2f}",
        f"{mark.stop}: {mark.detail}" if mark.detail else mark.stop,
    )


def _scores(group: Sequence[Mark]) -> Mapping[str, object]:
    score, first = estimate(group), _first(group)
    return {
        "success": round(score.mean, 4),
        "first_action_correct": None if first is None else round(first, 4),
        "steps": round(mean([mark.steps for mark in group]), 2),
        "seconds_per_step": round(_pace(group), 3),
        "confidence": score.confidence,
        "episodes": len(group),
        "broken": sum(mark.broken for mark in group),
        "tokens": round(mean([mark.prompt_tokens + mark.completion_tokens for mark in group]), 1),
    }


def _pace(group: Sequence[Mark]) -> float:
    return sum(mark.seconds for mark in group) / max(sum(mark.steps for mark in group), 1)


def _first(group: Sequence[Mark]) -> float | None:
    known = [mark.first for mark in group if mark.first is not None]
    return mean(known) if known else None


def _first_of_all(marks: Sequence[Mark]) -> float | None:
    known = [share for group in grouped(marks).values() if (share := _first(group)) is not None]
    return mean(known) if known else None


def mean(values: Sequence[float]) -> float:
    """The mean of at least one value."""
    return sum(values) / len(values)
