"""From the words on the command line to a policy, or to a model that can be asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from actions import Action
from agent.cassette import Played, Recorded
from agent.composed import Composed
from agent.options import GROUNDER, OptionError, Options
from agent.policy import Policy, Scripted
from agent.reach import ModelError, reach
from agent.speaker import PLAIN, Sight, Speaker
from agent.spoken import ModelPolicy
from agent.tape import Tape, TapeError

__all__ = ["AS_IT_IS", "ModelError", "Ways", "choose", "open_speaker"]


def _nothing() -> Mapping[str, str]:
    return MappingProxyType({})


@dataclass(frozen=True)
class Ways:
    """What else is said of a model."""

    options: tuple[str, ...] = ()
    """NAME=VALUE, see `Options`."""
    grounder: str = ""
    """The model that finds the places, where the other one is to plan in words."""
    environ: Mapping[str, str] = field(default_factory=_nothing)
    """Where API keys are looked up."""


AS_IT_IS = Ways()
"""Nothing more."""


def choose(model: str, actions: Sequence[Action] = (), ways: Ways = AS_IT_IS) -> Policy:
    """The policy that `model` names: "script" (the script's own actions), or a model. Raises `ModelError`."""
    if model == "script":
        if not actions:
            raise ModelError("--model script plays the actions of a task script, and this one has none")
        return Scripted(actions, name="script")
    try:
        hands = Hands.read(model, ways)
        if ways.grounder or hands.has("grounder"):
            return Composed(hands.speaker(model), ModelPolicy(hands.speaker(ways.grounder, part="grounder")))
        return ModelPolicy(hands.speaker(model))
    except (OptionError, TapeError) as error:
        raise ModelError(str(error)) from error


def open_speaker(model: str, sight: Sight = PLAIN, ways: Ways = AS_IT_IS) -> Speaker:
    """The model that `model` names, to be asked about pictures; none of its weights are loaded yet."""
    try:
        return Hands.read(model, ways).speaker(model, sight)
    except (OptionError, TapeError) as error:
        raise ModelError(str(error)) from error


@dataclass(frozen=True)
class Hands:
    """Options that were read, and the cassette that they name."""

    ways: Ways
    options: Mapping[str, Options]
    """By the part that they are for."""
    recorded: Tape | None = None
    played: Tape | None = None

    @classmethod
    def read(cls, model: str, ways: Ways) -> Hands:
        """Raises `OptionError` and `TapeError`."""
        whole = Options.of(ways.options)
        parts = {"model": whole, "grounder": Options.of(ways.options, GROUNDER)}
        if whole.record and whole.replay:
            raise OptionError("--with record and replay: expected one of the two")
        if whole.record:
            return cls(ways, parts, recorded=Tape.blank(whole.record))
        return cls(ways, parts, played=Tape.read(whole.replay) if whole.replay else None)

    def has(self, part: str) -> bool:
        """Whether the cassette that is played has this part."""
        return self.played is not None and any(line.part == part for line in self.played.lines)

    def speaker(self, model: str, sight: Sight = PLAIN, *, part: str = "model") -> Speaker:
        """The model of one part, or what stands in for it."""
        if self.played:
            return Played(self.played, part)
        found = reach(model, sight, self.options[part], self.ways.environ)
        return Recorded(found, self.recorded, part) if self.recorded else found
