"""The words of a prompt: the instruction, and what was done so far."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from actions import Dialect, Frame
from agent.canonical import Canonical
from agent.describe import aftermath
from agent.step import Step

HISTORY = 8
"""Steps told; older ones are left out."""

_OPEN, _CLOSE = "<tool_call>", "</tool_call>"


def call(text: str) -> str:
    """The call inside its tags, on one line."""
    return text.strip().removeprefix(_OPEN).removesuffix(_CLOSE).strip()


def told(step: Step, dialect: Dialect, frame: Frame) -> str:
    """One earlier step as the model is told of it, in the coordinates of `frame`.

    A place on a screen that had another size keeps its share of the way across.
    """
    if step.action is None or (step.error and not step.recovered):
        return f"error: {step.error}"
    writer = dialect if dialect.writes(step.action) else Canonical()
    then = Frame(step.frame.width, step.frame.height, frame.model_width, frame.model_height)
    said = call(writer.print(step.action, then))
    if step.error:
        return f"{said} error: {step.error}"
    after = aftermath(step.after.receipt) if step.after and step.after.receipt else ""
    return f"{said} ({after})" if after else said


def write(instruction: str, history: Sequence[Step], dialect: Dialect, frame: Frame) -> str:
    """The text that stands before the image.

    Earlier actions are written in the coordinates of the newest image, so that one picture explains them all.
    """
    return compose(instruction, history[-HISTORY:], lambda step: told(step, dialect, frame))


def compose(instruction: str, steps: Sequence[Step], tell: Callable[[Step], str]) -> str:
    """The same of just these steps, each told by `tell`."""
    lines = [f"Step {step.index}: {tell(step)}" for step in steps]
    done = "\n" + "\n".join(lines) if lines else " None"
    return f"Instruction: {instruction}\nPrevious actions:{done}\n"
