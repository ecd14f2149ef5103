"""What must hold at the end of a task, and the look at the screen that tells whether it does."""

from agent.expect.check import SUBJECTS, Check, Verdict
from agent.expect.code import CodeError, Ending, Judge
from agent.expect.ground import BARE, Ground
from agent.expect.page import Page
from agent.expect.verify import awaited, verify

__all__ = [
    "BARE",
    "SUBJECTS",
    "Check",
    "CodeError",
    "Ending",
    "Ground",
    "Judge",
    "Page",
    "Verdict",
    "awaited",
    "verify",
]
