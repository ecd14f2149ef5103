"""Where pointer and keys arrive, compared with where they were meant to: which transform is wrong, if any.

Pure: a probe of a page or a window gathers the pairs, and this says what they mean.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

Place: TypeAlias = tuple[float, float]
Fault: TypeAlias = Literal["", "lost", "axes", "scale", "origin", "rounding", "layout", "unclear"]

NEAR = 0.51  # pixels that a place may be off by and still be the same pixel
STEP = 1.5  # pixels that rounding may cost, and that a page may scroll more or less at a broken scale


@dataclass(frozen=True)
class Shot:
    """A place that was pointed at, in pixels of the screenshot, and where that arrived; None where nothing did."""

    asked: Place
    arrived: Place | None


@dataclass(frozen=True)
class Diagnosis:
    """What is wrong, and the numbers that show it; no fault where all is right."""

    fault: Fault
    detail: str


def places(size: tuple[int, int]) -> tuple[tuple[int, int], ...]:
    """Pixels to point at: near all edges and within, odd and even, and no two in one line."""
    width, height = size
    shares = ((0.03, 0.05), (0.97, 0.11), (0.11, 0.95), (0.93, 0.97), (0.5, 0.5), (0.31, 0.73), (0.71, 0.29))
    inner = [(int(width * x) // 2 * 2, int(height * y) // 2 * 2) for x, y in shares]
    return tuple((x + place % 2, y + (place // 2) % 2) for place, (x, y) in enumerate(inner))


def pointer(shots: Sequence[Shot]) -> Diagnosis:
    """Which transform stands between the places asked for and those that arrived."""
    lost = [shot.asked for shot in shots if shot.arrived is None]
    if lost:
        return Diagnosis("lost", f"nothing arrived of what was done at {lost[0]}; {len(lost)} of {len(shots)} are lost")
    pairs = [(shot.asked, shot.arrived) for shot in shots if shot.arrived is not None]
    if all(_same(asked, arrived) for asked, arrived in pairs):
        return Diagnosis("", f"{len(pairs)} of {len(pairs)} on the exact pixel")
    asked, arrived = next((asked, arrived) for asked, arrived in pairs if not _same(asked, arrived))
    example = f"({asked[0]:g}, {asked[1]:g}) arrived at ({arrived[0]:g}, {arrived[1]:g})"
    if all(_same((y, x), arrived) for (x, y), arrived in pairs):
        return Diagnosis("axes", f"x and y are exchanged: {example}")
    axes = [axis([(asked[number], arrived[number]) for asked, arrived in pairs]) for number in (0, 1)]
    worst = max((one.fault for one in axes), key=ORDER.index)
    said = "; ".join(f"{name}: {one.detail}" for name, one in zip("xy", axes, strict=True) if one.fault)
    return Diagnosis(worst, f"{said}; {example}")


ORDER: tuple[Fault, ...] = ("", "rounding", "origin", "scale", "unclear")
"""Of two axes with different faults, the later one names the whole."""


def axis(pairs: Sequence[tuple[float, float]]) -> Diagnosis:
    """What is wrong along one axis, by a straight line through (asked, arrived)."""
    off = [arrived - asked for asked, arrived in pairs]
    if max(map(abs, off)) <= NEAR:
        return Diagnosis("", "")
    slope, start = line(pairs)
    spread = max(off) - min(off)
    if spread <= NEAR:
        return Diagnosis("origin", f"shifted by {off[0]:+g} pixels")
    if max(map(abs, off)) <= STEP and min(map(abs, off)) <= NEAR:
        return Diagnosis("rounding", f"off by {min(off):+g} to {max(off):+g} pixels")
    rest = max(abs(arrived - (slope * asked + start)) for asked, arrived in pairs)
    if rest > STEP:
        return Diagnosis("unclear", f"off by {min(off):+g} to {max(off):+g} pixels, in no straight line")
    moved = f" and shifted by {start:+.1f}" if abs(start) > STEP else ""
    if spread <= STEP:
        return Diagnosis("origin", f"shifted by {start:+.1f} pixels, and rounded")
    return Diagnosis("scale", f"scaled by {slope:.3f}{moved}")


def line(pairs: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Slope and start of the straight line nearest to all pairs, by least squares."""
    count = len(pairs)
    mean, level = sum(asked for asked, _ in pairs) / count, sum(arrived for _, arrived in pairs) / count
    width = sum((asked - mean) ** 2 for asked, _ in pairs)
    slope = sum((asked - mean) * (arrived - level) for asked, arrived in pairs) / width if width else 1.0
    return slope, level - slope * mean


def keys(typed: str, arrived: str) -> Diagnosis:
    """Whether the characters that were typed are those that arrived."""
    if typed == arrived:
        return Diagnosis("", f"{len(typed)} of {len(typed)} characters")
    if len(typed) != len(arrived):
        return Diagnosis("lost", f"{len(arrived)} of {len(typed)} characters arrived: {arrived!r} for {typed!r}")
    wrong = {(one, other) for one, other in zip(typed, arrived, strict=True) if one != other}
    steady = len({one for one, _ in wrong}) == len(wrong)
    said = ", ".join(f"{other!r} for {one!r}" for one, other in sorted(wrong))
    return Diagnosis("layout" if steady else "unclear", f"the keyboard has another layout: {said}")


def _same(one: Place, other: Place) -> bool:
    return abs(one[0] - other[0]) <= NEAR and abs(one[1] - other[1]) <= NEAR
