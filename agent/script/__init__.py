"""Task scripts: what is to be done and what must hold afterwards, in a YAML file or in Python."""

from agent.script.faults import ScriptError
from agent.script.model import Budget, Leg, Script
from agent.script.read import Loaded, given, read_script

__all__ = ["Budget", "Leg", "Loaded", "Script", "ScriptError", "given", "read_script"]
