"""What leaves a screen, with the names of secrets in their place."""

from __future__ import annotations

from dataclasses import replace

from env.environment import EnvironmentBroken
from env.observation import Observation, Receipt
from env.secrets import Secrets


def scrub(seen: Observation, secrets: Secrets) -> Observation:
    """`seen`, with every word in it that a page may have repeated scrubbed."""
    if not secrets:
        return seen
    return replace(
        seen,
        url=secrets.scrub(seen.url),
        title=secrets.scrub(seen.title),
        tabs=_each(seen.tabs, secrets),
        dialog=secrets.scrub(seen.dialog),
        focus=secrets.scrub(seen.focus),
        downloads=_each(seen.downloads, secrets),
        refused=_each(seen.refused, secrets),
        instruction=secrets.scrub(seen.instruction),
        receipt=_receipt(seen.receipt, secrets) if seen.receipt else None,
    )


def _receipt(receipt: Receipt, secrets: Secrets) -> Receipt:
    return replace(
        receipt,
        target=secrets.scrub(receipt.target),
        dialog=secrets.scrub(receipt.dialog),
        downloads=_each(receipt.downloads, secrets),
    )


def _each(texts: tuple[str, ...], secrets: Secrets) -> tuple[str, ...]:
    return tuple(secrets.scrub(text) for text in texts)


def still(broken: EnvironmentBroken, secrets: Secrets) -> EnvironmentBroken:
    """`broken` without the words, and without the errors that led to it, which may hold them too."""
    return EnvironmentBroken(broken.reason, secrets.scrub(broken.message)) if secrets else broken


def hush(mistake: ValueError, secrets: Secrets) -> ValueError:
    """The same of an error that ends nothing."""
    return type(mistake)(secrets.scrub(str(mistake))) if secrets else mistake
