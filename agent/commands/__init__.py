"""One file a command; agent/cli.py registers them."""

from agent.commands.ask import ask
from agent.commands.bring import bring
from agent.commands.demo import demo
from agent.commands.do import do
from agent.commands.doctor import doctor
from agent.commands.evaluate import miniwob
from agent.commands.evaluated import compare, report
from agent.commands.export import export
from agent.commands.finetune import finetune
from agent.commands.ground import ground
from agent.commands.grounded import grounding
from agent.commands.matched import steps
from agent.commands.merge import merge
from agent.commands.record import record
from agent.commands.replay import replay
from agent.commands.run import run
from agent.commands.schema import schema
from agent.commands.serve import serve
from agent.commands.sites import sites
from agent.commands.tiny import tiny
from agent.commands.view import view

__all__ = [
    "ask",
    "bring",
    "compare",
    "demo",
    "do",
    "doctor",
    "export",
    "finetune",
    "ground",
    "grounding",
    "merge",
    "miniwob",
    "record",
    "replay",
    "report",
    "run",
    "schema",
    "serve",
    "sites",
    "steps",
    "tiny",
    "view",
]
