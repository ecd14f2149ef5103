"""Options that more than one command has."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from agent.choose import Ways

MODEL = (
    "builtin, a checkpoint folder, OWNER/NAME on the hub, transformers:FOLDER-OR-NAME, or a server's http://.../v1#NAME"
    " (several servers of one model: with commas between)"
)
WITH = (
    "more about the model, once for each: dialect, history (newest, last:N, chunk:N, all), max-tokens, min-pixels, "
    "max-pixels, context, dtype, grammar, disk-cache, settings=FILE; of a server: key=VARIABLE, timeout, attempts, "
    "constrain, tokenizer=FILE; cassettes: record=FILE, replay=FILE; grounder.NAME=VALUE for the grounder"
)
PIXELS = "of each image, and each frame of a video, as the model sees it"

Model = Annotated[str, typer.Option("--model", help=MODEL)]
Player = Annotated[str, typer.Option("--model", help=f"{MODEL}; or script (plays the script's own actions)")]
With = Annotated[list[str] | None, typer.Option("--with", metavar="NAME=VALUE", help=WITH)]
Grounder = Annotated[
    str,
    typer.Option("--grounder", metavar="MODEL", help="the model that finds the places; --model then plans in words"),
]
Grammar = Annotated[
    bool | None,
    typer.Option(
        "--grammar/--no-grammar", help="hold the answers of our own engine to actions on this screen (default)"
    ),
]
MaxTokens = Annotated[int, typer.Option("--max-tokens", min=1, help="most tokens to write")]
MinPixels = Annotated[int | None, typer.Option("--min-pixels", min=1, help=f"fewest pixels {PIXELS}")]
MaxPixels = Annotated[int | None, typer.Option("--max-pixels", min=1, help=f"most pixels {PIXELS}")]
Dtype = Annotated[str, typer.Option("--dtype", help="auto (as stored), float32, bfloat16, int8, float16")]
Json = Annotated[bool, typer.Option("--json", help="print one JSON object on standard output, and nothing else")]
Headed = Annotated[bool, typer.Option("--headed", help="show the browser's window")]
Out = Annotated[Path | None, typer.Option("--out", help="folder for the record; a new one in runs/ by default")]
Approval = Annotated[
    str,
    typer.Option(
        "--approve",
        metavar="never|risky|always",
        help="ask before actions: none, what may not be undone, or each",
    ),
]
Safe = Annotated[
    bool,
    typer.Option("--safe", help="refuse what may not be undone: forms, purchases, files, other sites"),
]
Allow = Annotated[
    list[str] | None,
    typer.Option("--allow", metavar="ORIGIN", help="pages may speak to it too (https://example.com); any: to all"),
]
Secret = Annotated[
    list[str] | None,
    typer.Option("--secret", metavar="NAME=VARIABLE", help="<secret:NAME> stands for what this variable holds"),
]
SecretsFile = Annotated[
    Path | None, typer.Option("--secrets", metavar="FILE", help="YAML file with names of secrets and their values")
]
Draw = Annotated[Path | None, typer.Option("--draw", metavar="OUT.png", help="the picture with what was found in it")]


def ways(context: typer.Context, pairs: list[str] | None, grounder: str = "", grammar: bool | None = None) -> Ways:
    """What else is said of a model, and the environment that agent/cli.py has read."""
    said = () if grammar is None else (f"grammar={grammar}",)
    return Ways((*(pairs or ()), *said), grounder, context.find_root().obj)
