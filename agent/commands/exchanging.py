"""What export and import are told alike: how a model speaks, and how it looks at pictures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

import typer
from pydantic import ValidationError

from agent.choose import ModelError, Ways, open_speaker
from agent.commands.ending import refuse, told
from agent.engine import Engine

if TYPE_CHECKING:
    from agent.exchange import Style

Dialect = Annotated[
    str | None, typer.Option("--dialect", help="how the calls are written; that of --model, or qwen2.5")
]
Factor = Annotated[
    int | None, typer.Option("--factor", min=1, help="pixels of a side of one image token; of --model, or 28")
]


def style_of(model: str, ways: Ways, given: Mapping[str, str | int | None]) -> Style:
    """How `model` is spoken to, but for what is given; without a model, as Qwen2.5-VL. Ends the command otherwise."""
    from agent.exchange import Style

    known = like(model, ways) if model else {}
    try:
        style = Style.model_validate(known | {name: value for name, value in given.items() if value is not None})
        style.speech  # noqa: B018 - there has to be one
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        refuse(f"--{str(first['loc'][0]).replace('_', '-')} {first['input']}: {first['msg']}")
    except ValueError as error:
        refuse(f"--{error}")
    if style.min_pixels > style.max_pixels:
        refuse(f"--max-pixels {style.max_pixels}: expected at least --min-pixels {style.min_pixels}")
    return style


def like(model: str, ways: Ways) -> dict[str, str | int]:
    """How a checkpoint on this machine is spoken to, and looks at pictures; its weights stay unloaded."""
    with told():
        speaker = open_speaker(model, ways=ways)
        if not isinstance(speaker, Engine):
            raise ModelError(f"--model {model}: only a checkpoint folder says how it looks at pictures")
        settings, eye = speaker.settings, speaker.processor
        return {
            "dialect": settings.speech(speaker.name).name,
            "history": settings.history,
            "system": settings.system,
            "factor": eye.factor,
            "min_pixels": eye.min_pixels,
            "max_pixels": eye.max_pixels,
        }
