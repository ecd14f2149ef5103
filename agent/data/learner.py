"""A trained model acts where training pictures are made, so that they show the screens that it brings itself to.

The model acts, the oracle says what it should have done, and the next training learns from that: what goes wrong in
closed loop is seen as it goes wrong (DAgger, Ross et al. 2011, arXiv 1011.0686).
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Protocol

from actions import DIALECTS, Action, ActionError, Click, Frame, Point, Scroll, Select, Type
from agent.data import calls
from agent.data.rollouts import Hand, Scene, obey
from agent.data.store import encode
from model.train.samples import Picture

PATIENCE = 2
"""Wrong actions in a row behind which the oracle takes one step: one that is stuck shows the same screen for ever."""


class Speaker(Protocol):
    """Answers a prompt about a picture in words."""

    def answer(self, picture: Picture, prompt: str) -> str:
        """What it says."""
        ...


@dataclass
class Learner:
    """Acts in the model's own words, read greedily."""

    random: Random
    model: Speaker
    wrong: int = 0
    """How many of its last actions in a row were not what the oracle would have taken."""

    def __call__(self, hand: Hand, scene: Scene) -> None:
        """What the model says; what is right where it has gone wrong too often or says what no page answers to."""
        if not hand.history:
            self.wrong = 0
        action = self._say(hand, scene) if self.wrong < PATIENCE else None
        if action is None or not follow(hand, action):
            self.wrong = 0
            obey(self.random, hand, scene.expected)
        else:
            self.wrong = 0 if scene.expected.accepts(action) else self.wrong + 1

    def _say(self, hand: Hand, scene: Scene) -> Action | None:
        prompt = calls.prompt(scene.instruction, hand.history)
        said = self.model.answer(Picture("", encode(scene.image), (), ()), prompt)
        height, width, _ = scene.image.shape
        try:
            return DIALECTS["qwen2.5"].parse(said, Frame(width, height, width, height))  # it sees the screen as it is
        except ActionError:
            return None


def follow(hand: Hand, action: Action) -> bool:
    """Do `action` on the page; False, and nothing is done, for one that training pictures do not show."""
    match action:
        case Click(at=Point(x=x, y=y), button="left", count=1 | 3, modifiers=(), hold=0):
            hand.click((x, y), action.count)
        case Type(text=text):
            hand.type(text)
        case Select(at=Point(x=x, y=y), label=str(label)):
            hand.select((x, y), label)
        case Scroll(at=Point(x=x, y=y), dy=down) if down:
            hand.scroll((x, y), down)
        case _:
            return False
    return True
