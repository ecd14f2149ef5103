"""One file a command; agent/cli.py registers them."""

from agent.commands.ask import ask
from agent.commands.demo import demo
from agent.commands.do import do
from agent.commands.doctor import doctor
from agent.commands.evaluate import miniwob
from agent.commands.ground import ground
from agent.commands.record import record
from agent.commands.replay import replay
from agent.commands.run import run
from agent.commands.serve import serve
from agent.commands.view import view

__all__ = ["ask", "demo", "do", "doctor", "ground", "miniwob", "record", "replay", "run", "serve", "view"]
