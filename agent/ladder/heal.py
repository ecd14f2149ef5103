"""Ask a model for the place of one step that was not found, and for nothing else."""

from __future__ import annotations

from dataclasses import dataclass

from actions import Action, ActionError, Point, Select, Type, points
from agent.ladder.aim import Aim, Known, Missing, Spot, plain, told
from agent.ladder.names import ENTERED
from agent.ladder.sight import Sight
from agent.policy import Policy, within
from env import Environment, Evidence, Task

NEAR = 2  # texts around the target that the model is told of
WRITTEN = frozenset({"searchbox", "spinbutton", "textbox"})
PRESSED = frozenset({"button", "link", "menuitem", "tab"})


@dataclass(frozen=True)
class Healer:
    """Who is asked where a target is now."""

    policy: Policy


@dataclass(frozen=True)
class Healed:
    """What the model pointed at, and the words that led there."""

    spot: Spot
    instruction: str
    said: str
    reason: str = ""
    """Why it was asked."""


def heal(healer: Healer, env: Environment, action: Action, aim: Aim, sight: Sight, known: Known) -> Healed:
    """Where the model says that the target of `action` is. `Missing` where its answer names no such place.

    Only a place is taken from it: what is done there stays as recorded. What it points at has to be of the recorded
    kind, and must not be another target of the record.
    """
    if len(points(action)) != 1:
        raise Missing(f"a {action.kind} over several places is not repaired")
    policy = within(healer.policy, env.space)
    instruction = ask(action, aim.evidence)
    reply = policy.reply(Task(instruction), (), sight.seen)
    frame = policy.frame(sight.seen)
    try:
        named = points(frame.check(policy.dialect.parse(reply.text, frame)))
    except ActionError as mistake:
        raise Missing(f"{policy.name} gave no place: {mistake}") from mistake
    if len(named) != 1:
        raise Missing(f"{policy.name} named {len(named)} places where one is wanted")
    there = _checked(policy.name, aim, sight, named[0], known)
    return Healed(Spot(named[0], "model", 1.0, there), instruction, reply.text)


def ask(action: Action, target: Evidence) -> str:
    """The instruction for one step. Text that a page wrote stands in quotation marks in it."""
    name = target.name or target.text
    role = target.role or "place"
    verb = "Click"
    if isinstance(action, Type | Select):
        role = role if target.role in ENTERED else "field"
    said = f'{verb} the {role} "{name}".' if name else f"{verb} the {role}."
    near = [f'"{text}"' for text in target.near[:NEAR]]
    return f"{said} It is near {' and '.join(near)}." if near else said


def _checked(who: str, aim: Aim, sight: Sight, at: Point, known: Known) -> Evidence | None:
    there = sight.lies(at)
    if there is None:
        if sight.names:
            raise Missing(f"{who} pointed at {at.x}, {at.y}, and nobody can say what lies there")
        return None
    if kind(there.role) != kind(aim.evidence.role):
        raise Missing(f"{who} pointed at {told(there)}, which is no {aim.evidence.role or 'such place'}")
    if plain(there.name) in known.names and plain(there.name) != plain(aim.evidence.name):
        raise Missing(f"{who} pointed at {told(there)}, which the record knows as something else")
    return there


def kind(role: str) -> str:
    """Roles that are used alike have one name."""
    if role in WRITTEN:
        return "textbox"
    return "button" if role in PRESSED else role
