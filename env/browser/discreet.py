"""What leaves a screen, with the names of secrets in their place."""

from __future__ import annotations

from copy import copy
from dataclasses import fields, replace
from typing import TypeVar

from actions.action import ActionError
from env.browser.script import ScriptError
from env.environment import EnvironmentBroken
from env.observation import Download, Evidence, Observation, Receipt
from env.secrets import Secrets


def scrub(seen: Observation, secrets: Secrets) -> Observation:
    """`seen`, with every word in it scrubbed, of the page's and of the receipt's."""
    if not secrets:
        return seen
    receipt = _cleaned(seen.receipt, secrets) if seen.receipt else None
    if receipt and (receipt.files or receipt.evidence):
        files, told = receipt.files, receipt.evidence
        files = tuple(_cleaned(each, secrets) for each in files)
        receipt = replace(receipt, files=files, evidence=quiet(told, secrets))
    return replace(_cleaned(replace(seen, receipt=None), secrets), receipt=receipt)


def quiet(told: tuple[Evidence, ...], secrets: Secrets) -> tuple[Evidence, ...]:
    """The same evidence, scrubbed."""
    return tuple(_cleaned(each, secrets) for each in told) if secrets else told


D = TypeVar("D", Observation, Receipt, Download, Evidence)


def _cleaned(words: D, secrets: Secrets) -> D:
    """All fields that are text, or rows of it, whichever there are: a new field is not forgotten here."""
    clean = copy(words)
    for part in fields(words):
        value: object = vars(words)[part.name]
        if isinstance(value, str):
            object.__setattr__(clean, part.name, secrets.scrub(value))  # frozen, but nobody else has it yet
        elif isinstance(value, tuple) and all(isinstance(one, str) for one in value):
            object.__setattr__(clean, part.name, tuple(secrets.scrub(one) for one in value))
    return clean


def still(broken: EnvironmentBroken, secrets: Secrets) -> EnvironmentBroken:
    """`broken` without the words, and without the errors that led to it, which may hold them too."""
    return EnvironmentBroken(broken.reason, secrets.scrub(broken.message), broken.begun) if secrets else broken


def hush(mistake: ValueError, secrets: Secrets) -> ValueError:
    """The same of an error that ends nothing."""
    if not secrets:
        return mistake
    said = secrets.scrub(str(mistake))
    if isinstance(mistake, ActionError):
        return ActionError(said)
    return ScriptError(said) if isinstance(mistake, ScriptError) else ValueError(f"{type(mistake).__name__}: {said}")
