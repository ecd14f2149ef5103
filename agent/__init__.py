"""The episode and everything around it: policies, records, replay, task scripts, evaluation, command line.

Importing this package loads neither a model nor a browser nor an imaging library; names load when first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from agent.guard import check

check()

if TYPE_CHECKING:
    from agent.api import Agent
    from agent.approve import Approval, Caution, Request
    from agent.episode import episode, run
    from agent.expect import Check, Ending
    from agent.extract import Value
    from agent.limits import Limits
    from agent.outcome import Outcome, Result
    from agent.policy import Policy, PolicyBroken, Scripted
    from agent.reader import RecordError, Run, read_run
    from agent.record import Recorder
    from agent.replay import replay
    from agent.script import Leg, Script, ScriptError, read_script
    from agent.spoken import ModelPolicy
    from agent.step import Reply, Step, Stop, Trajectory, Usage
    from agent.view import write_report

__all__ = [
    "Agent",
    "Approval",
    "Caution",
    "Check",
    "Ending",
    "Leg",
    "Limits",
    "ModelPolicy",
    "Outcome",
    "Policy",
    "PolicyBroken",
    "RecordError",
    "Recorder",
    "Reply",
    "Request",
    "Result",
    "Run",
    "Script",
    "ScriptError",
    "Scripted",
    "Step",
    "Stop",
    "Trajectory",
    "Usage",
    "Value",
    "episode",
    "read_run",
    "read_script",
    "replay",
    "run",
    "write_report",
]

_HOMES = {
    "Agent": "api",
    "Approval": "approve",
    "Caution": "approve",
    "Check": "expect",
    "Ending": "expect",
    "Leg": "script",
    "Limits": "limits",
    "ModelPolicy": "spoken",
    "Outcome": "outcome",
    "Policy": "policy",
    "PolicyBroken": "policy",
    "RecordError": "reader",
    "Recorder": "record",
    "Reply": "step",
    "Request": "approve",
    "Result": "outcome",
    "Run": "reader",
    "Script": "script",
    "ScriptError": "script",
    "Scripted": "policy",
    "Step": "step",
    "Stop": "step",
    "Trajectory": "step",
    "Usage": "step",
    "Value": "extract",
    "episode": "episode",
    "read_run": "reader",
    "read_script": "script",
    "replay": "replay",
    "run": "episode",
    "write_report": "view",
}


def __getattr__(name: str) -> object:
    """Load a public name from its file when it is first used."""
    if name not in _HOMES:
        raise AttributeError(f"module 'agent' has no attribute {name!r}")
    value: object = getattr(import_module(f"agent.{_HOMES[name]}"), name)
    globals()[name] = value
    return value
