"""`handeye schema`: the JSON Schemas of task scripts and records."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from agent.commands.ending import refuse

SCHEMAS = Path(__file__).parent.parent / "schemas"


def schema(name: Annotated[str, typer.Argument(help="script, run (run.json) or step (a line of steps.jsonl)")]) -> None:
    """Print a JSON Schema.

    With `handeye schema script > script.schema.json`, an editor completes a script whose first line is
    `# yaml-language-server: $schema=script.schema.json`.
    """
    known = sorted(path.stem for path in SCHEMAS.glob("*.json"))
    if name not in known:
        refuse(f"schema {name}: expected one of {', '.join(known)}")
    sys.stdout.write((SCHEMAS / f"{name}.json").read_text(encoding="utf-8"))
