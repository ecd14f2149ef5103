"""A model points at the items of a grounding set, one after the other, as `handeye ground` has it do."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from agent.evaluate.ground.data import Box, Item
from agent.evaluate.ground.mark import Answer, Pointed
from agent.grounding import Found, find
from agent.policy import PolicyBroken
from agent.seeing import SightError, picture
from agent.speaker import QuestionError, Speaker
from agent.step import StopReason, Usage
from env import Image

TOKENS = 512
"""Most tokens of an answer."""

WORDING = "{}"
"""How an item is asked for: its instruction as it stands."""


@dataclass(frozen=True)
class Pointer:
    """Asks `speaker` for each item; `wording` is what its instruction stands in."""

    speaker: Speaker
    wording: str = WORDING
    max_tokens: int = TOKENS
    clock: Callable[[], float] = time.perf_counter

    def __call__(self, item: Item) -> Pointed:
        """How it points at `item`."""
        began = self.clock()
        try:
            image = _upright(picture(item.path, self.speaker), item)
            target = self.wording.replace("{}", item.row.instruction)
            found = find(self.speaker, image, target, max_tokens=self.max_tokens)
        except PolicyBroken as error:
            return self._mark(item, began, "broken", stop="model", detail=str(error))
        except (QuestionError, SightError) as error:
            return self._mark(item, began, "broken", stop="error", detail=str(error))
        answer, at = judged(found, item.box)
        return self._mark(item, began, answer, at=at, used=found.said.usage, detail=found.problem)

    def _mark(
        self,
        item: Item,
        began: float,
        answer: Answer,
        *,
        at: tuple[float, float] | None = None,
        used: Usage | None = None,
        stop: StopReason = "finished",
        detail: str = "",
    ) -> Pointed:
        used = used or Usage()
        return Pointed(
            file=item.file,
            item=item.number,
            picture=item.row.img_filename,
            instruction=item.row.instruction,
            platform=item.row.where,
            type=item.row.ui_type or item.row.data_type or "",
            box=item.box,
            answer=answer,
            at=at,
            success=answer == "hit",
            seconds=round(self.clock() - began, 4),
            prompt_tokens=used.prompt_tokens,
            image_tokens=used.image_tokens,
            completion_tokens=used.completion_tokens,
            stop=stop,
            detail=detail[:500],
        )


def _upright(image: Image, item: Item) -> Image:
    """`image`, if it is as large as its head said, since the box was read by that."""
    height, width = image.shape[:2]
    if (width, height) != item.size:
        raise SightError(f"{item.path}: {width}x{height} pixels, and its head says {item.size[0]}x{item.size[1]}")
    return image


def judged(found: Found, box: Box) -> tuple[Answer, tuple[float, float] | None]:
    """What an answer comes to, and its place: the first point, else the middle of the first box.

    The four borders of `box` belong to it, as they do in the published scripts.
    """
    if found.problem:
        return ("nowhere" if found.nowhere else "invalid"), None
    if found.grounded.points:
        point = found.grounded.points[0]
        at = (float(point.x), float(point.y))
    else:
        left, top, right, bottom = found.grounded.boxes[0]
        at = ((left + right) / 2, (top + bottom) / 2)
    x1, y1, x2, y2 = box
    return ("hit" if x1 <= at[0] <= x2 and y1 <= at[1] <= y2 else "miss"), at
