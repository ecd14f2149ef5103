"""Several conversations with one network, each with a session of its own as long as there is room for it."""

from __future__ import annotations

import time
from collections.abc import Callable

from model.features import Features
from model.generate import Prompt
from model.prefix import Prefixes
from model.qwen import Qwen
from model.session import Session

ENOUGH = 0.5
"""The part of what a session has read that a prompt has to share for it to be the same conversation."""


class Sessions:
    """At most `most` sessions, which share pictures and beginnings; the one that was used longest ago goes first."""

    def __init__(
        self,
        network: Qwen,
        most: int = 2,
        *,
        features: Features | None = None,
        prefixes: Prefixes | None = None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        if most < 1:
            raise ValueError(f"most: {most}; expected at least one session")
        self.network, self.most, self.clock = network, most, clock
        self.features, self.prefixes = features or Features(network.visual), prefixes or Prefixes()
        self.held: list[Session] = []  # the latest last

    def pick(self, prompt: Prompt) -> Session:
        """The session that `prompt` goes on from, or one to begin with; it counts as used now."""
        parts = [session.shares(prompt) / max(session.length, 1) for session in self.held]
        best = max(parts, default=0.0)
        session = self.held.pop(parts.index(best)) if best >= ENOUGH else self._free()
        self.held.append(session)
        return session

    def _free(self) -> Session:
        if len(self.held) == self.most:
            return self.held.pop(0)
        return Session(self.network, features=self.features, prefixes=self.prefixes, clock=self.clock)
