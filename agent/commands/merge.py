"""`handeye train merge`: a checkpoint with an adapter added to its weights."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from agent.checkpoints import folder_of
from agent.commands.training import need, taught
from agent.console import console

Base = Annotated[str, typer.Option("--model", help="the checkpoint that the adapter was trained for")]
Adapter = Annotated[Path, typer.Option("--adapter", help="folder with adapter_model.safetensors, of here or of peft")]
Out = Annotated[Path, typer.Option("--out", help="new folder for the checkpoint")]


def merge(adapter: Adapter, out: Out, model: Base = "builtin") -> None:
    """Add a LoRA adapter to the weights of its checkpoint; the result needs no peft."""
    need("peft")
    with taught():
        from model.train.lora import merge as add

        add(folder_of(model), adapter, out)
    console().print(f"{out}: the checkpoint with the adapter in it", markup=False)
