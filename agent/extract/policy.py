"""A policy that has to tell something in JSON when it finishes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace

from pydantic import JsonValue

from actions import Action, ActionError, ActionSpace, Answer, Dialect, Finish, Frame
from agent.extract.form import Form, FormError
from agent.policy import Policy, within
from agent.step import Reply, Step
from env import Observation, Task


class Answering:
    """`policy`, told what form its answer has, and held to it: what is not of the form is a mistake and costs a step.

    Every `Answer` has to be of the form, and so has the text of a successful `Finish` where no answer came before it.
    """

    def __init__(self, policy: Policy, form: Form) -> None:
        self.policy, self.form = policy, form
        self.name = policy.name

    @property
    def dialect(self) -> Dialect:
        """That of the policy."""
        return self.policy.dialect

    def within(self, space: ActionSpace) -> Answering:
        """The same, offering exactly the actions of `space`."""
        return Answering(within(self.policy, space), self.form)

    def frame(self, seen: Observation) -> Frame:
        """That of the policy."""
        return self.policy.frame(seen)

    def reply(self, task: Task, history: Sequence[Step], seen: Observation) -> Reply:
        """What the policy replies to the task and the form."""
        return self.policy.reply(replace(task, instruction=f"{task.instruction}\n{self.asked}"), history, seen)

    @property
    def asked(self) -> str:
        """The form in words."""
        schema = json.dumps(self.form.schema, ensure_ascii=False)
        return f"When it is done, finish with a text that is one JSON object of this schema: {schema}"

    def check(self, action: Action, history: Sequence[Step]) -> None:
        """ActionError where `action` should tell what was asked for and does not."""
        if isinstance(action, Finish) and (not action.success or any(answered(step) for step in history)):
            return
        if isinstance(action, Answer | Finish):
            try:
                self.form.read(action.text)
            except FormError as error:
                raise ActionError(f"{action.kind}: text: {error}. {self.asked}") from error


def answered(step: Step) -> bool:
    """Whether the step told the user something that was of the form; what was not is no action."""
    return isinstance(step.action, Answer)


def said(form: Form, steps: Sequence[Step]) -> Mapping[str, JsonValue]:
    """The last thing told that is of the form. Raises `FormError` where nothing is."""
    told = [step.action.text for step in steps if isinstance(step.action, Answer | Finish)]
    wrong = FormError("the policy told nothing")
    for text in reversed(told):
        try:
            return form.read(text)
        except FormError as error:
            wrong = error if text else wrong
    raise wrong
