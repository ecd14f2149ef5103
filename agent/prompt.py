"""The user turn of every model: the instruction, what was done so far, and the newest screen."""

from __future__ import annotations

from collections.abc import Sequence

from actions import Dialect, Frame
from agent.canonical import Canonical
from agent.step import Step

HISTORY = 8
"""Steps told; older ones are left out."""

_OPEN, _CLOSE = "<tool_call>", "</tool_call>"


def call(text: str) -> str:
    """The call inside its tags, on one line."""
    return text.strip().removeprefix(_OPEN).removesuffix(_CLOSE).strip()


def told(step: Step, dialect: Dialect, frame: Frame) -> str:
    """One earlier step as the model is told of it, in the coordinates of `frame`."""
    if step.action is None or step.error:
        return f"error: {step.error}"
    writer = dialect if dialect.writes(step.action) else Canonical()
    return call(writer.print(step.action, frame))


def write(instruction: str, history: Sequence[Step], dialect: Dialect, frame: Frame) -> str:
    """The text that stands before the image.

    Earlier actions are written in the coordinates of the newest image, so that one picture explains them all.
    """
    lines = [f"Step {step.index}: {told(step, dialect, frame)}" for step in history[-HISTORY:]]
    done = "\n" + "\n".join(lines) if lines else " None"
    return f"Instruction: {instruction}\nPrevious actions:{done}\n"
