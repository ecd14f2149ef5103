"""`handeye ask`: a question about images and videos, answered in words."""

from __future__ import annotations

import json
import sys
from os.path import isfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agent.choose import open_speaker
from agent.commands import options
from agent.commands.ending import refuse, told
from agent.console import console
from agent.describe import safe
from agent.seeing import Media, SightError, look, sight
from agent.speaker import Question, Said

if TYPE_CHECKING:
    from model import Sampling

Words = Annotated[
    list[str], typer.Argument(metavar="IMAGE|VIDEO... QUESTION", help="files, and what to ask about them")
]
Fps = Annotated[float, typer.Option("--fps", help="frames of a video to look at each second")]


def ask(
    context: typer.Context,
    words: Words,
    model: options.Model = "builtin",
    with_: options.With = None,
    max_tokens: options.MaxTokens = 512,
    min_pixels: options.MinPixels = None,
    max_pixels: options.MaxPixels = None,
    dtype: options.Dtype = "auto",
    fps: Fps = 2.0,
    as_json: options.Json = False,
) -> None:
    """Ask about images and videos; the answer appears as it is written, the likeliest token each time."""
    *files, wanted = words
    if not files or isfile(wanted):
        refuse("ask: expected one or more image or video files, and after them the question")
    with told():
        speaker = open_speaker(model, sight(min_pixels, max_pixels, dtype), options.ways(context, with_))
        seen = look([Path(file) for file in files], speaker, _sampling(fps))
        said = speaker.say(_question(seen, wanted, max_tokens), None if as_json else _show)
    if as_json:
        sys.stdout.write(json.dumps(summary(said)) + "\n")
        return
    sys.stdout.write("\n")
    usage, spent = said.usage, sum(said.timings.values())
    prompt = f"{usage.prompt_tokens} tokens read, {usage.image_tokens} of them seen"
    console().print(f"[dim]{prompt}; {usage.completion_tokens} written; {spent:.1f} s[/dim]")


def summary(said: Said) -> dict[str, object]:
    """The answer as `--json` prints it."""
    usage = {
        "prompt_tokens": said.usage.prompt_tokens,
        "image_tokens": said.usage.image_tokens,
        "completion_tokens": said.usage.completion_tokens,
    }
    return {
        "text": said.text,
        "tokens": list(said.tokens),
        "usage": usage,
        "image_sizes": [list(size) for size in said.image_sizes],
        "timings": dict(said.timings),
    }


def _question(seen: Media, wanted: str, max_tokens: int) -> Question:
    content = [*({"type": kind} for kind in seen.kinds), {"type": "text", "text": wanted}]
    return Question(({"role": "user", "content": content},), seen.images, seen.videos, max_tokens)


def _sampling(fps: float) -> Sampling:
    from model import Sampling, VideoError

    try:
        return Sampling(fps=fps)
    except VideoError as error:
        raise SightError(f"--{error}") from None


def _show(piece: str) -> None:
    sys.stdout.write(safe(piece))
    sys.stdout.flush()
