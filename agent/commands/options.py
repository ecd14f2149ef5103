"""Options that more than one command has."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

MODEL = "builtin, or a checkpoint folder"
PIXELS = "of each image, and each frame of a video, as the model sees it"

Model = Annotated[str, typer.Option("--model", help=MODEL)]
MaxTokens = Annotated[int, typer.Option("--max-tokens", min=1, help="most tokens to write")]
MinPixels = Annotated[int | None, typer.Option("--min-pixels", min=1, help=f"fewest pixels {PIXELS}")]
MaxPixels = Annotated[int | None, typer.Option("--max-pixels", min=1, help=f"most pixels {PIXELS}")]
Dtype = Annotated[str, typer.Option("--dtype", help="auto (as stored), float32, bfloat16, or float16 off the CPU")]
Json = Annotated[bool, typer.Option("--json", help="print one JSON object on standard output, and nothing else")]
Draw = Annotated[Path | None, typer.Option("--draw", metavar="OUT.png", help="the picture with what was found in it")]
