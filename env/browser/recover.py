"""Words for the agent about a screen that it goes on with after the one before broke."""

from __future__ import annotations

from env.environment import EnvironmentBroken

SAME = "This is a fresh page in the same browser; what was typed or scrolled on the last one is gone."
NEW = "This is a page in a new browser; logins, other tabs and what was typed or scrolled are gone."


def told(broken: EnvironmentBroken, *, same: bool) -> str:
    """What is known of the action, and what the agent sees now."""
    if broken.begun:
        known = "Whether the action was carried out is not known: look before doing it again."
    else:
        known = "The action was not carried out."
    return f"{known} {SAME if same else NEW}"
