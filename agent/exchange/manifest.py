"""What manifest.json beside exported data says: from which runs it comes, how it was written, and what is not in it."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, get_args

from pydantic import Field, ValidationError

from agent.exchange.style import Style
from agent.schema import Entry

NAME = "manifest.json"
Format = Literal["sft", "llamafactory", "shards", "osworld", "pyautogui", "uitars", "playwright"]
FORMATS: tuple[Format, ...] = get_args(Format)


class RunEntry(Entry):
    """One run that data was made of."""

    run: str = Field(description="its name in the data: that of its folder, numbered where two are alike")
    instruction: str
    outcome: str
    steps: int
    kept: int = Field(description="steps that are in the data")
    width: int = Field(default=0, description="of its first screen")
    height: int = 0
    split: Literal["train", "val", ""] = ""


class LeftEntry(Entry):
    """What is not in the data; step 0 is the whole run."""

    run: str
    step: int
    why: str


class Manifest(Entry):
    """The file itself."""

    version: Literal[1] = 1
    format: Format
    style: Style
    files: dict[str, int] = Field(default_factory=dict, description="samples or steps in each file")
    runs: tuple[RunEntry, ...] = ()
    left_out: tuple[LeftEntry, ...] = ()


def beside(file: Path) -> Manifest | None:
    """The manifest that lies beside `file` or one folder above; None where there is none that can be read."""
    for folder in (file.parent, file.parent.parent):
        try:
            return Manifest.model_validate_json((folder / NAME).read_bytes())
        except (OSError, ValidationError):
            continue
    return None
