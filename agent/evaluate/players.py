"""Who plays in a process of its own: what can be sent there, and makes a policy once it has arrived."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

from agent.cache import PLACES
from agent.choose import AS_IT_IS, Ways, choose
from agent.data.episodes import Oracle, Solving
from agent.options import GROUNDER, Options
from agent.policy import Policy
from agent.reach import turned

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

    def at(self, place: int) -> Self:
        """The same for the worker of this number: of several servers, another is its first."""
        ways = replace(self.ways, grounder=turned(self.ways.grounder, place))
        return replace(self, model=turned(self.model, place), ways=ways)

    def __reduce__(self) -> tuple[type[Chosen], tuple[object, ...]]:
        """As it is sent: of the environment no more than the API keys and the place of the cache."""
        return type(self), (self.model, replace(self.ways, environ=self._needed()))

    def _needed(self) -> dict[str, str]:
        """The part of the environment that a worker looks into."""
        keys = {Options.of(self.ways.options, part).key for part in ("", GROUNDER)}
        needed = keys.union(name for name, _ in PLACES)
        return {name: value for name, value in self.ways.environ.items() if name in needed}
