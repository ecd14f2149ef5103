"""`handeye ground`: where in a picture a thing is."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from actions import Grounded
from agent.choose import open_speaker
from agent.commands import options
from agent.commands.ask import summary
from agent.commands.ending import refuse, told
from agent.describe import clean
from agent.grounding import find
from agent.outcome import Outcome
from agent.seeing import picture, sight

File = Annotated[Path, typer.Argument(metavar="IMAGE", help="an image file")]
Target = Annotated[str, typer.Argument(metavar="TARGET", help="what to find, such as 'the Submit button'")]


def ground(
    context: typer.Context,
    file: File,
    target: Target,
    model: options.Model = "builtin",
    with_: options.With = None,
    draw: options.Draw = None,
    max_tokens: options.MaxTokens = 512,
    min_pixels: options.MinPixels = None,
    max_pixels: options.MaxPixels = None,
    dtype: options.Dtype = "auto",
    as_json: options.Json = False,
) -> None:
    """Find a thing in an image: boxes or points, in pixels of the image file."""
    if not target.strip():
        refuse("ground: TARGET is empty; expected what to find")
    if draw is not None and (draw.suffix.lower() != ".png" or not draw.parent.is_dir()):
        refuse(f"--draw {draw}: expected a PNG file in a folder that is there")
    with told():
        speaker = open_speaker(model, sight(min_pixels, max_pixels, dtype), options.ways(context, with_))
        image = picture(file, speaker)
        found = find(speaker, image, target, max_tokens=max_tokens)
    if draw is not None:
        from agent.drawing import mark

        try:
            mark(image, found.grounded, draw)
        except OSError as error:
            refuse(f"--draw {draw}: cannot be written: {error.strerror}")
    places = {
        "boxes": [list(box) for box in found.grounded.boxes],
        "points": [[point.x, point.y] for point in found.grounded.points],
    }
    if as_json:
        sys.stdout.write(json.dumps(summary(found.said) | places) + "\n")
    else:
        sys.stdout.write("".join(f"{line}\n" for line in lines(found.grounded)))
    if found.problem:
        refuse(f"nothing found: {clean(found.problem)}; the model wrote: {clean(found.said.text)}", Outcome.FAILED.code)


def lines(grounded: Grounded) -> list[str]:
    """One line for each place: numbers, then the label."""
    count = len(grounded.boxes)
    boxes = [("box", *box) for box in grounded.boxes]
    points = [("point", point.x, point.y) for point in grounded.points]
    labels = [*grounded.labels[:count], *grounded.labels[count:]]
    return [
        " ".join(map(str, place)) + (f"  {clean(label)}" if label else "")
        for place, label in zip([*boxes, *points], labels, strict=True)
    ]
