"""How well a policy does: seeded MiniWoB++ episodes by real clicks and keys, with an interval around the score."""

from agent.evaluate.chart import draw
from agent.evaluate.crew import WorkerError
from agent.evaluate.kept import Asked, EvaluationError, Kept, read_evaluation
from agent.evaluate.mark import Chance, Mark, plan
from agent.evaluate.page import write_page
from agent.evaluate.paired import Comparison, compare, differences, mcnemar
from agent.evaluate.play import Table, evaluate
from agent.evaluate.score import final, interval, summary
from agent.evaluate.workers import spread

__all__ = [
    "Asked",
    "Chance",
    "Comparison",
    "EvaluationError",
    "Kept",
    "Mark",
    "Table",
    "WorkerError",
    "compare",
    "differences",
    "draw",
    "evaluate",
    "final",
    "interval",
    "mcnemar",
    "plan",
    "read_evaluation",
    "spread",
    "summary",
    "write_page",
]
