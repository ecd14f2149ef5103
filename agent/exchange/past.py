"""A record as the loop had it: steps and observations again, without their pixels."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from actions import ActionSpace, Frame
from agent.reader import Run
from agent.recall import observed, receipt
from agent.schema import Effect, Line, Look
from agent.step import Reply, Step
from env import Image, Observation
from env.screens import Screens

SPACES: Mapping[str, ActionSpace] = MappingProxyType(
    {
        "desktop": ActionSpace.desktop(),
        "miniwob": ActionSpace(ActionSpace.browser().kinds - {"navigate", "back", "tab", "upload"}),
    }
)
"""What can be done in each kind of environment that cannot do it all."""


def space(run: Run) -> ActionSpace:
    """What could be done on the screens of `run`, as the policy was told."""
    entry = run.manifest.environment
    if entry.kind == "screens":
        return Screens().space
    if entry.kind == "browser":
        return ActionSpace(ActionSpace.browser().kinds - {"upload"})
    return SPACES.get(entry.kind, ActionSpace.browser())


def blank(width: int, height: int) -> Image:
    """A picture of this size that takes no memory: all that a prompt's words need to know of a screen is its size."""
    pixels: Image = np.broadcast_to(np.zeros(3, np.uint8), (height, width, 3))
    return pixels


def step(line: Line) -> Step:
    """The step of a line."""
    frame = line.frame
    return Step(
        index=line.index,
        before=observation(line.before),
        reply=Reply(line.reply.text),
        frame=Frame(frame.width, frame.height, frame.model_width, frame.model_height),
        action=line.action,
        error=line.error,
        after=observation(line.after, line.receipt) if line.after else None,
    )


def observation(look: Look, effect: Effect | None = None) -> Observation:
    """What was seen, with a blank for its picture."""
    return observed(look, blank(look.width, look.height), receipt(effect) if effect else None)
