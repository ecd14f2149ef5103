"""`handeye eval ground`: how often a model points at the right place."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agent.choose import open_speaker
from agent.commands import options
from agent.commands.ending import refuse, told
from agent.commands.judging import Out, judge, name_left, tell
from agent.seeing import sight
from agent.spoken import ModelPolicy

if TYPE_CHECKING:
    from agent.evaluate.ground import Data, Form


def grounding(
    context: typer.Context,
    data: Annotated[
        Path, typer.Option("--data", metavar="FOLDER|FILE", help="a .json or .jsonl file, or a folder of them")
    ],
    boxes: Annotated[
        str, typer.Option("--boxes", help="xywh (corner, width, height), xyxy (two corners), or fields (they tell)")
    ] = "fields",
    images: Annotated[
        Path | None, typer.Option("--images", metavar="FOLDER", help="where pictures lie, if not beside the data")
    ] = None,
    wording: Annotated[
        str, typer.Option("--wording", help="how an item is asked for; {} stands for its instruction")
    ] = "{}",
    out: Out = None,
    model: options.Model = "builtin",
    with_: options.With = None,
    max_tokens: options.MaxTokens = 512,
    min_pixels: options.MinPixels = None,
    max_pixels: options.MaxPixels = None,
    dtype: options.Dtype = "auto",
    as_json: options.Json = False,
) -> None:
    """Click accuracy on a grounding set in ScreenSpot's formats."""
    from agent.evaluate import evaluate
    from agent.evaluate.ground import Pointer, Pointing, seen
    from agent.manifest import model as described
    from agent.manifest import versions

    if wording.count("{}") != 1:
        refuse(f"--wording {wording}: expected one {{}}, where the instruction goes")
    read = _read(data, _form(boxes), images)
    with told():
        ways = options.ways(context, with_)
        speaker = open_speaker(model, sight(min_pixels, max_pixels, dtype), ways)
        found = seen(read, speaker)
    asked = Pointing(
        suite=f"ground:{data.name or data.resolve().name}",
        model=described(ModelPolicy(speaker)),
        options=(*ways.options, *_said(min_pixels, max_pixels, dtype, max_tokens), f"wording={wording}"),
        versions=versions(),
        files=dict(found.files),
        boxes=found.form,
        said_by=found.said_by,
        wording=wording,
        items=len(found.items),
        left_out=found.left,
    )
    name_left(asked.left_out)
    pointer = Pointer(speaker, wording, max_tokens)
    tell(asked, judge(asked, found.items, lambda missing: evaluate(pointer, missing), out), as_json)


def _form(boxes: str) -> Form | None:
    forms: dict[str, Form | None] = {"xywh": "xywh", "xyxy": "xyxy", "fields": None}
    if boxes not in forms:
        refuse(f"--boxes {boxes}: expected one of {', '.join(forms)}")
    return forms[boxes]


def _read(path: Path, form: Form | None, images: Path | None) -> Data:
    from agent.evaluate.ground import DataError, read

    if images is not None and not images.is_dir():
        refuse(f"--images {images}: expected a folder that is there")
    try:
        return read(path, form=form, pictures=images)
    except DataError as error:
        refuse(f"--data: {error}")


def _said(min_pixels: int | None, max_pixels: int | None, dtype: str, max_tokens: int) -> tuple[str, ...]:
    """What was said beside --with, in the same form."""
    given = {"min-pixels": min_pixels, "max-pixels": max_pixels, "answer-tokens": max_tokens}
    said = tuple(f"{name}={value}" for name, value in given.items() if value is not None)
    return said if dtype == "auto" else (*said, f"dtype={dtype}")
