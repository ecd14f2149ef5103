"""The texts of a training sample: calls as the qwen2.5 dialect writes them, and the prompt around them."""

from __future__ import annotations

import json
from collections.abc import Sequence

from agent.data.store import Box, Target

STEPS = 8
"""How many earlier steps a prompt shows."""


def call(action: str, *, at: tuple[int, int] | None = None, text: str = "", pixels: int = 0, status: str = "") -> str:
    """The JSON object of a call, with its keys in the order in which the dialect prints them."""
    arguments: dict[str, str | int | list[int]] = {"action": action}
    if at is not None:
        arguments["coordinate"] = list(at)
    if action in ("type", "select_option"):
        arguments["text"] = text
    if action == "scroll":
        arguments["pixels"] = pixels
    if status:
        arguments["status"] = status
    return json.dumps({"name": "computer_use", "arguments": arguments}, ensure_ascii=False)


def click(at: tuple[int, int]) -> str:
    """The call of a left click."""
    return call("left_click", at=at)


def typing(text: str) -> str:
    """The call that types `text`."""
    return call("type", text=text)


def selecting(at: tuple[int, int], text: str) -> str:
    """The call that selects the option `text` of the drop-down list at a pixel."""
    return call("select_option", at=at, text=text)


def scrolling(at: tuple[int, int], down: int) -> str:
    """The call that turns the wheel at a pixel, so that what lies `down` pixels below comes up."""
    return call("scroll", at=at, pixels=-down)


FINISH = call("terminate", status="success")


def answer(said: str) -> str:
    """The assistant's whole text for a call."""
    return f"<tool_call>\n{said}\n</tool_call>"


def prompt(instruction: str, history: Sequence[str]) -> str:
    """The user turn before the picture; `history` holds the calls made so far, oldest first."""
    shown = list(enumerate(history, start=1))[-STEPS:]
    steps = "".join(f"\nStep {number}: {said}" for number, said in shown) or " None"
    return f"Instruction: {instruction}\nPrevious actions:{steps}\n"


def centre(box: Box) -> tuple[int, int]:
    """The pixel in the middle of a box."""
    x0, y0, x1, y1 = box
    return (x0 + x1) // 2, (y0 + y1) // 2


def target(instruction: str, said: str, *, history: Sequence[str] = (), boxes: Sequence[Box] = ()) -> Target:
    """A sample whose right answer is the call `said`; of `boxes` the first is the one it points at."""
    return Target(
        instruction=instruction,
        prompt=prompt(instruction, history),
        answer=answer(said),
        history=tuple(history),
        box=boxes[0] if boxes else None,
        boxes=tuple(boxes),
    )


def click_target(instruction: str, boxes: Sequence[Box], history: Sequence[str] = ()) -> Target:
    """A sample whose right answer is a click on the middle of the first of `boxes`."""
    return target(instruction, click(centre(boxes[0])), history=history, boxes=boxes)
