"""What is drawn on a screen to show an action: where it clicked, dragged, scrolled and typed, and what changed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeAlias

from actions import Action, Key, Scroll, Select, Type, Upload, points
from agent.describe import clean
from agent.schema import Line
from env.observation import Box

Spot: TypeAlias = tuple[float, float]

SHOWN = 40
"""Letters of a typed text that are drawn."""


@dataclass(frozen=True)
class Marks:
    """Places in pixels of the screenshot."""

    points: tuple[Spot, ...] = ()
    arrow: tuple[Spot, Spot] | None = None
    """Where the wheel went."""
    label: str = ""
    """What was typed or chosen, drawn at `corner`."""
    corner: tuple[int, int] = (0, 0)
    box: Box | None = None
    """What changed."""
    radius: float = 10.0

    @property
    def heads(self) -> tuple[tuple[Spot, Spot, Spot], ...]:
        """The arrow heads of a drag and of the wheel, each by its three corners."""
        ends = [(self.points[-2], self.points[-1])] if len(self.points) > 1 else []
        ends += [self.arrow] if self.arrow else []
        return tuple(head(start, end, self.radius * 0.9) for start, end in ends if start != end)


def head(start: Spot, end: Spot, size: float) -> tuple[Spot, Spot, Spot]:
    """The corners of an arrow head at `end`, as it comes from `start`."""
    length = math.dist(start, end)
    ux, uy = (end[0] - start[0]) / length, (end[1] - start[1]) / length
    foot, side = (end[0] - ux * size, end[1] - uy * size), (-uy * size / 2, ux * size / 2)
    return end, (foot[0] + side[0], foot[1] + side[1]), (foot[0] - side[0], foot[1] - side[1])


def marks(line: Line) -> Marks:
    """The marks of a step on the screen before it."""
    look, action = line.before, line.action
    radius = max(look.width, look.height) / 45 + 4
    box = line.receipt.changed_box if line.receipt else None
    if action is None:
        return Marks(box=box, radius=radius)
    places = tuple((point.x, point.y) for point in points(action))
    label = _label(action)
    place = places[0] if places else (box[0], box[1]) if box else (0, round(2 * radius))
    corner = _inside(round(place[0] + radius), round(place[1] - radius), look.width, look.height, radius)
    arrow = _arrow(action, places[0] if places else (look.width // 2, look.height // 2), radius)
    return Marks(places, arrow, label, corner, box, radius)


def _label(action: Action) -> str:
    match action:
        case Type():
            return f"⌨ {clean(action.text, SHOWN)}"
        case Key():
            return f"⌨ {clean('+'.join(action.keys), SHOWN)}{f' ×{action.count}' if action.count > 1 else ''}"
        case Select():
            return f"▾ {clean(action.label, SHOWN)}"
        case Upload():
            return f"↥ {clean(', '.join(action.files), SHOWN)}"
        case _:
            return ""


def _arrow(action: Action, at: Spot, radius: float) -> tuple[Spot, Spot] | None:
    if not isinstance(action, Scroll) or not (action.dx or action.dy):
        return None
    length = math.hypot(action.dx, action.dy)
    return at, (at[0] + 4 * radius * action.dx / length, at[1] + 4 * radius * action.dy / length)


def _inside(x: int, y: int, width: int, height: int, radius: float) -> tuple[int, int]:
    """A corner from which a word can still be read."""
    return max(0, min(x, width - round(5 * radius))), max(round(1.5 * radius), min(y, height - 2))
