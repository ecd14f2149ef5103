"""A model is shown recorded steps, one after the other, each with the past that truly was."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from agent.episode import decide
from agent.evaluate.steps.mark import Matched
from agent.evaluate.steps.match import Rules, match
from agent.evaluate.steps.moment import Ask, Moment, Source, own
from agent.exchange.outside import Wrong
from agent.policy import Policy, PolicyBroken, within
from agent.reader import RecordError
from agent.speaker import QuestionError
from agent.step import Step, StopReason
from env import Task


@dataclass
class Matcher:
    """Asks `policy` what to do in each step of `sources`; the pictures of one run are in memory at a time."""

    policy: Policy
    sources: Mapping[str, Source]
    rules: Rules = field(default_factory=Rules)
    clock: Callable[[], float] = time.perf_counter
    opened: str = field(default="", init=False)
    moments: Mapping[int, Moment] = field(default_factory=dict, init=False)

    def __call__(self, ask: Ask) -> Matched:
        """How its action compares with the recorded one."""
        try:
            moment = self._moment(ask)
        except (RecordError, Wrong) as error:
            return broken(ask, "error", str(error), 0.0)
        began = self.clock()
        try:
            step = self._decided(ask, moment)
        except PolicyBroken as error:
            return broken(ask, "model", str(error), self.clock() - began)
        except QuestionError as error:
            return broken(ask, "error", str(error), self.clock() - began)
        return compared(ask, moment, step, self.rules, self.clock() - began)

    def _moment(self, ask: Ask) -> Moment:
        if ask.run != self.opened:
            self.opened, self.moments = "", {}
            self.moments = self.sources[ask.run].moments()
            self.opened = ask.run
        return self.moments[ask.step]

    def _decided(self, ask: Ask, moment: Moment) -> Step:
        policy = within(self.policy, moment.space)
        return decide(policy, Task(ask.instruction), list(own(moment.past, policy)), moment.seen, self.clock)


def compared(ask: Ask, moment: Moment, step: Step, rules: Rules, seconds: float) -> Matched:
    """What the step that a model decided on comes to."""
    verdict = match(moment.truth, step.action, rules) if step.action is not None else None
    used = step.reply.usage
    return Matched(
        run=ask.run,
        step=ask.step,
        instruction=ask.instruction,
        first=ask.first,
        recorded=ask.recorded,
        given=step.action,
        kind_correct=verdict.kind if verdict else False,
        place_correct=verdict.place if verdict else None,
        why=verdict.why if verdict else None,
        success=verdict.correct if verdict else False,
        seconds=round(seconds, 4),
        prompt_tokens=used.prompt_tokens,
        image_tokens=used.image_tokens,
        completion_tokens=used.completion_tokens,
        stop="finished",
        detail=step.error[:500],
    )


def broken(ask: Ask, stop: StopReason, detail: str, seconds: float) -> Matched:
    """The mark of a step that nothing came of for reasons of ours."""
    return Matched(
        run=ask.run,
        step=ask.step,
        instruction=ask.instruction,
        first=ask.first,
        recorded=ask.recorded,
        kind_correct=False,
        success=False,
        seconds=round(seconds, 4),
        stop=stop,
        detail=detail[:500],
    )
