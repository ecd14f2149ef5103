"""Where a checkpoint that is to be trained lies."""

from __future__ import annotations

from pathlib import Path

from agent.reach import ModelError
from agent.settings import BUILTIN


def folder_of(model: str) -> Path:
    """The folder of builtin, a folder, or OWNER/NAME on the hub. Raises `ModelError`."""
    if model == "builtin":
        return BUILTIN
    if (folder := Path(model)).is_dir():
        return folder
    from agent.hub import MORE, HubError, download  # takes a quarter of a second, which no other command has to wait

    try:
        return download(model, more=MORE)
    except HubError as error:
        raise ModelError(f"--model {model}: no such folder; {error}") from error
