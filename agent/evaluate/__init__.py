"""How well a policy does, with an interval around the score: episodes, grounding sets and recorded steps."""

from agent.evaluate.chart import draw
from agent.evaluate.crew import WorkerError
from agent.evaluate.estimate import Estimate, estimate, interval
from agent.evaluate.judged import Judged
from agent.evaluate.kept import AnyEvaluation, Evaluation, EvaluationError, Kept, different, read_evaluation
from agent.evaluate.mark import Chance, Mark, plan
from agent.evaluate.order import Asked, LeftOut, Order
from agent.evaluate.page import render, write_page
from agent.evaluate.paired import Comparison, compare, differences, mcnemar
from agent.evaluate.play import Table, evaluate
from agent.evaluate.score import final, summary
from agent.evaluate.sheet import Sheet
from agent.evaluate.workers import spread

__all__ = [
    "AnyEvaluation",
    "Asked",
    "Chance",
    "Comparison",
    "Estimate",
    "Evaluation",
    "EvaluationError",
    "Judged",
    "Kept",
    "LeftOut",
    "Mark",
    "Order",
    "Sheet",
    "Table",
    "WorkerError",
    "compare",
    "differences",
    "different",
    "draw",
    "estimate",
    "evaluate",
    "final",
    "interval",
    "mcnemar",
    "plan",
    "read_evaluation",
    "render",
    "spread",
    "summary",
    "write_page",
]
