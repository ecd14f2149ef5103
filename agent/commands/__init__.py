"""One file a command; agent/cli.py registers them."""

from agent.commands.ask import ask
from agent.commands.demo import demo
from agent.commands.do import do
from agent.commands.doctor import doctor
from agent.commands.evaluate import miniwob
from agent.commands.ground import ground
from agent.commands.replay import replay
from agent.commands.run import run
from agent.commands.schema import schema
from agent.commands.serve import serve
from agent.commands.view import view

__all__ = ["ask", "demo", "do", "doctor", "ground", "miniwob", "replay", "run", "schema", "serve", "view"]
