"""Recorded steps: does a model, shown the same past and the same screen, do what was done?"""

from agent.evaluate.steps.android import Episode, episodes
from agent.evaluate.steps.mark import Matched
from agent.evaluate.steps.match import Rules, Truth, Verdict, match
from agent.evaluate.steps.moment import Ask, Moment, Source
from agent.evaluate.steps.order import Matching
from agent.evaluate.steps.play import Matcher
from agent.evaluate.steps.runs import Recording, recordings

__all__ = [
    "Ask",
    "Episode",
    "Matched",
    "Matcher",
    "Matching",
    "Moment",
    "Recording",
    "Rules",
    "Source",
    "Truth",
    "Verdict",
    "episodes",
    "match",
    "recordings",
]
