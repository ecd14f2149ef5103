"""How a model is spoken to, when nobody says otherwise."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from actions import DIALECTS, Dialect
from agent.policy import PolicyBroken

BUILTIN = Path(__file__).resolve().parent.parent / "model" / "weights" / "tiny"
"""The checkpoint that ships with the package."""

Grounding: TypeAlias = Literal["boxes", "click"]
"""How a model points at a thing: it writes boxes or points, or the call that clicks it."""

FAMILIES: Mapping[str, str] = MappingProxyType(
    {"qwen2_vl": "qwen2", "qwen2_5_vl": "qwen2.5", "qwen3_vl": "qwen3", "qwen3_vl_moe": "qwen3"}
)
"""The dialect of each model_type that says which it is; fine-tunes of one family may speak another."""

NAMES = (
    ("uitars15", "ui-tars-1.5"),
    ("uitars", "ui-tars-1.0"),
    ("fara", "fara"),
    ("qwen25vl", "qwen2.5"),
    ("qwen2vl", "qwen2"),
    ("qwen3vl", "qwen3"),
    ("computerusepreview", "openai"),
    ("claude", "anthropic"),
)
"""What a name has to hold, of letters and digits alone, for its dialect to be guessed; the first that fits counts."""


class Settings(BaseModel):
    """handeye.json of a checkpoint folder: how it is spoken to. What is null is found out elsewhere."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    dialect: str | None = None
    """Guessed from the model's family where it is not stated."""
    system: bool = True
    """Whether it needs to be told the actions; a model trained for one schema does not."""
    screen: tuple[int, int] | None = None
    """Width and height of the screens it was trained on; None for a model at home on any."""
    factor: int | None = Field(default=None, ge=1)
    """Pixels of image that a side of one image token covers."""
    min_pixels: int | None = Field(default=None, ge=1)
    max_pixels: int | None = Field(default=None, ge=1)
    max_tokens: int = Field(default=256, ge=1)
    context: int | None = Field(default=None, ge=1)
    """Tokens that a prompt and its answer may have together."""
    history: str = Field(default="newest", pattern=r"^(newest|all|last:[1-9]\d{0,3}|chunk:[1-9]\d{0,3})$")
    """How much of the past it is shown, see `History`."""

    vision: Literal["exact", "approximate"] = "exact"
    """Whether our own engine looks at all of a screen of which a part has changed, see `model.glance`."""
    grammar: bool = True
    """Whether our own engine holds its answers to the grammar of its dialect."""

    ground: Grounding | None = None
    """How it points; guessed from the dialect where it is not stated."""

    @classmethod
    def read(cls, folder: Path) -> Settings:
        """The settings in `folder`, its family's dialect where they state none. Raises `PolicyBroken`."""
        path = folder / "handeye.json"
        try:
            found = cls.model_validate_json(path.read_bytes()) if path.exists() else cls()
        except ValidationError as error:
            raise PolicyBroken(f"{path}: {error}") from error
        if found.dialect is not None and found.dialect not in DIALECTS:
            raise PolicyBroken(f"{path}: dialect: {found.dialect!r} is none of {', '.join(sorted(DIALECTS))}")
        return found if found.dialect else found.model_copy(update={"dialect": FAMILIES.get(family(folder))})

    def over(self, other: Settings) -> Settings:
        """`other`, but for what is stated here."""
        return other.model_copy(update=self.model_dump(exclude_unset=True))

    def speech(self, name: str) -> Dialect:
        """The dialect of the model called `name`. Raises `PolicyBroken` where nobody says which it is."""
        chosen = self.dialect or guess(name)
        if chosen is None or chosen not in DIALECTS:
            said = f"dialect: {chosen!r} is none of" if chosen else "nothing says which dialect it speaks; state one of"
            raise PolicyBroken(f"{name}: {said} {', '.join(sorted(DIALECTS))}")
        return DIALECTS[chosen]

    def pointing(self, name: str) -> Grounding:
        """How the model called `name` points at things."""
        return self.ground or ("boxes" if self.speech(name).name in FAMILIES.values() else "click")


def family(folder: Path) -> str:
    """model_type in FOLDER/config.json; empty where none can be read."""
    try:
        data = json.loads((folder / "config.json").read_bytes())
    except (OSError, ValueError):
        return ""
    found = data.get("model_type") if isinstance(data, dict) else None
    return found if isinstance(found, str) else ""


def guess(name: str) -> str | None:
    """The dialect that a model of this name most likely speaks."""
    plain = "".join(letter for letter in name.lower() if letter.isalnum())
    return next((dialect for mark, dialect in NAMES if mark in plain), None)
