"""Commands that are files of their own; agent/cli.py registers them."""

from agent.commands.ask import ask
from agent.commands.doctor import doctor
from agent.commands.ground import ground
from agent.commands.serve import serve

__all__ = ["ask", "doctor", "ground", "serve"]
