"""Words for the agent about a screen that it goes on with after the one before broke."""

from __future__ import annotations

from env.environment import EnvironmentBroken


def told(broken: EnvironmentBroken, fresh: str) -> str:
    """What is known of the action, and what the agent sees now: `fresh`."""
    if broken.begun:
        return f"Whether the action was carried out is not known: look before doing it again. {fresh}"
    return f"The action was not carried out. {fresh}"
