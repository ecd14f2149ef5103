"""Where an episode begins: at a start, or after steps that were done before it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from actions import Answer, AskUser, Finish
from agent.loops import Trail, fingerprint
from agent.policy import Policy
from agent.prompt import told
from agent.step import Step
from env import Observation

DOUBT = (
    "the run was cut off and goes on here. It is not known whether the action that was under way then was done: "
    "{call}. Look at the screen before you do it again."
)


@dataclass(frozen=True)
class Opening:
    """The first screen of an episode, and the steps that have led to it."""

    seen: Observation
    past: tuple[Step, ...] = ()
    doubt: Step | None = None
    """What was decided when the episode was cut off: perhaps it was done."""

    @property
    def trail(self) -> Trail:
        """What was done before, for loops that go on."""
        trail = Trail(fingerprint(self.past[0].before if self.past else self.seen))
        for step in self.past:
            trail = trail.after(step)
        return trail

    @property
    def finished(self) -> Finish | None:
        """The policy's last word, where it was said already."""
        last = self.past[-1].action if self.past else None
        return last if isinstance(last, Finish) else None

    def notes(self, policy: Policy) -> tuple[str, ...]:
        """What has to be said to `policy` of a step in doubt, in its own words. Raises `PolicyBroken`."""
        step = self.doubt
        if step is None or step.action is None or isinstance(step.action, Finish | Answer | AskUser):
            return ()
        plain = replace(step, error="", after=None)
        return (DOUBT.format(call=told(plain, policy.dialect, policy.frame(self.seen))),)
