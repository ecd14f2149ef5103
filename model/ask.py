"""What is wanted of an answer: how long it may be, where it ends, which tools there are, how closely is looked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Ask:
    """`stop` are texts that end the answer; `tools` are functions as OpenAI's chat interface has them.

    `min_pixels` and `max_pixels` bound each image, and each frame of a video; None for what the checkpoint's
    processor says of images, and the reference of videos.

    `grammar` is what the answer has to look like, see `model.grammar`; it then ends where the grammar ends, an end
    token or `max_tokens`, and `stop` is not looked for: a text inside the answer may hold anything. `draft` is what
    such an answer may well begin with: it is read along with the prompt, and bears on time alone.
    """

    max_tokens: int = 512
    stop: Sequence[str] = ("</tool_call>",)
    tools: Sequence[Mapping[str, object]] = ()
    min_pixels: int | None = None
    max_pixels: int | None = None
    grammar: str | None = None
    draft: str = ""


DEFAULT = Ask()
"""An answer of usual length that ends with its first call."""
