"""Who plays in a process of its own: what can be sent there, and makes a policy once it has arrived."""

from __future__ import annotations

from dataclasses import dataclass, replace

from agent.choose import AS_IT_IS, Ways, choose
from agent.data.episodes import Oracle, Solving
from agent.policy import Policy

ORACLE = "oracle"
"""Names the policy that does what the pages themselves say is right: the most that can be reached."""


@dataclass(frozen=True)
class Chosen:
    """The model that a name on the command line means; each process loads one of its own. Raises `ModelError`."""

    model: str
    ways: Ways = AS_IT_IS

    def __call__(self, env: Solving) -> Policy:
        """The policy that plays on `env`."""
        return Oracle(env) if self.model == ORACLE else choose(self.model, (), self.ways)

    def __reduce__(self) -> tuple[type[Chosen], tuple[object, ...]]:
        """As it is sent: the environment that keys are looked up in, as plain data."""
        return type(self), (self.model, replace(self.ways, environ=dict(self.ways.environ)))
