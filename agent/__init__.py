"""The episode and everything around it: policies, records, replay, task scripts, evaluation, command line.

Importing this package loads neither a model nor a browser nor an imaging library; names load when first used.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING

from agent.guard import check

check()

if TYPE_CHECKING:
    from agent.api import Agent
    from agent.approve import Approval, Caution, Request
    from agent.attend import record_person
    from agent.episode import episode, run
    from agent.expect import Check, Ending
    from agent.extract import Value
    from agent.limits import Limits
    from agent.onward import ResumeError, Terms, Unreached, branch, resume
    from agent.outcome import Outcome, Result
    from agent.policy import Policy, PolicyBroken, Scripted
    from agent.reader import RecordError, Run, read_run
    from agent.record import Recorder
    from agent.replay import replay
    from agent.script import Leg, Script, ScriptError, read_script
    from agent.spoken import ModelPolicy
    from agent.stage import Stage, StageError, open_stage
    from agent.step import Reply, Step, Stop, Trajectory, Usage
    from agent.terminal import Terminal
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
    "ResumeError",
    "Run",
    "Script",
    "ScriptError",
    "Scripted",
    "Stage",
    "StageError",
    "Step",
    "Stop",
    "Terminal",
    "Terms",
    "Trajectory",
    "Unreached",
    "Usage",
    "Value",
    "branch",
    "episode",
    "open_stage",
    "read_run",
    "read_script",
    "record_person",
    "replay",
    "resume",
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
    "ResumeError": "onward",
    "Run": "reader",
    "Script": "script",
    "ScriptError": "script",
    "Scripted": "policy",
    "Stage": "stage",
    "StageError": "stage",
    "Step": "step",
    "Stop": "step",
    "Terminal": "terminal",
    "Terms": "onward",
    "Trajectory": "step",
    "Unreached": "onward",
    "Usage": "step",
    "branch": "onward",
    "Value": "extract",
    "episode": "episode",
    "open_stage": "stage",
    "read_run": "reader",
    "read_script": "script",
    "record_person": "attend",
    "replay": "replay",
    "resume": "onward",
    "run": "episode",
    "write_report": "view",
}


def __getattr__(name: str) -> object:
    """Load a public name from its file when it is first used."""
    if name not in _HOMES:
        raise AttributeError(f"module 'agent' has no attribute {name!r}")
    value: object = getattr(import_module(f"agent.{_HOMES[name]}"), name)
    globals()[name] = value
    for public, home in _HOMES.items():  # once anything imports a file, its name hides what is called the same in it
        if public == home and (file := sys.modules.get(f"agent.{home}")) is not None:
            globals()[public] = file.__dict__[public]
    return value
