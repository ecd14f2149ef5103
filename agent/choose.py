"""From the word on the command line to a policy."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from actions import Action
from agent.engine import Engine
from agent.policy import Policy, PolicyBroken, Scripted
from agent.settings import BUILTIN
from agent.speaker import PLAIN, Sight, Speaker
from agent.spoken import ModelPolicy


class ModelError(ValueError):
    """A model that is not to be had, with what would be."""


def choose(model: str, actions: Sequence[Action] = ()) -> Policy:
    """The policy that `model` names: "builtin", "script" (the script's own actions), or a checkpoint folder."""
    if model == "script":
        if not actions:
            raise ModelError("--model script plays the actions of a task script, and this one has none")
        return Scripted(actions, name="script")
    folder = BUILTIN if model == "builtin" else Path(model)
    if model != "builtin" and not folder.is_dir():
        raise ModelError(f"--model {model}: expected 'builtin', 'script', or a folder that holds a checkpoint")
    try:
        return ModelPolicy(Engine(folder))
    except PolicyBroken as error:
        raise ModelError(f"--model {model}: {error}") from error


def open_speaker(model: str, sight: Sight = PLAIN) -> Speaker:
    """The model that `model` names, to be asked about pictures; none of its weights are loaded yet."""
    folder = BUILTIN if model == "builtin" else Path(model)
    if not folder.is_dir():
        raise ModelError(f"--model {model}: expected 'builtin' or a folder that holds a checkpoint")
    try:
        return Engine(folder, sight=sight)
    except PolicyBroken as error:
        raise ModelError(f"--model {model}: {error}") from error
