"""A task script, checked."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from actions import Action
from agent.expect import Check
from agent.extract.value import Value
from agent.limits import Limits
from agent.place import Part, Place

Until = Literal["finish", "expect"]
SEEN = ("title", "screenshot", "python")
"""What can be expected of a desktop, which has windows and no page."""


class Budget(Part):
    """Limits; null is no limit."""

    steps: int | None = Field(default=30, ge=1)
    """Actions."""
    seconds: float | None = Field(default=600.0, gt=0)
    """Time from the start."""
    tokens: int | None = Field(default=None, ge=1)
    """Prompt and completion tokens together."""
    repeats: int | None = Field(default=3, ge=2)
    """The same action this often on a screen that did not change ends it."""
    recoveries: int | None = Field(default=2, ge=0)
    """How often it may go on with a fresh screen after one that broke."""

    def limits(self) -> Limits:
        """As the loop takes them."""
        return Limits(
            steps=self.steps,
            seconds=self.seconds,
            tokens=self.tokens,
            repeats=self.repeats,
            recoveries=self.recoveries,
        )


class Leg(Part):
    """One step of a script: an instruction of its own, in the same environment as the steps before it."""

    name: str = ""
    """What reports call it."""
    instruction: str = Field(min_length=1)
    """What is to be done in this step."""
    limits: Budget | None = None
    """Limits of this step, beside those of the whole script."""
    until: Until = "finish"
    """When the step ends: when the policy says so, or as soon as every expectation of the step holds."""
    expect: tuple[Check, ...] = Field(default=(), strict=False)
    """What must hold at the end of this step; the steps after it are not begun otherwise."""
    extract: dict[str, Value] = Field(default_factory=dict)
    """Values that this step brings back, by their names."""
    actions: tuple[Action, ...] = Field(default=(), strict=False)
    """What `--model script` plays in this step."""

    @model_validator(mode="after")
    def _ends(self) -> Self:
        if self.until == "expect" and not self.expect:
            raise ValueError("until: expect needs at least one expectation")
        return self


class Script(Part):
    """A task script of handeye.

    `{{name}}` stands for a parameter everywhere but in `parameters` and `python`.
    """

    name: str = Field(min_length=1)
    """What reports call it."""
    start: str = ""
    """An address, the path of a page beside the script, a MiniWoB++ task or a screen's name; a desktop has none."""
    instruction: str = ""
    """What is to be done. Either this or `steps`."""
    steps: tuple[Leg, ...] = Field(default=(), strict=False)
    """Steps with an instruction each, done one after another in one environment. Either these or `instruction`."""
    environment: Place = Place()
    """Where it is done; a word alone is its kind."""
    parameters: dict[str, str | None] = Field(default_factory=dict)
    """Names and their values, for `--set NAME=VALUE`; one that is null has to be set."""
    limits: Budget = Budget()
    """Limits of the whole script."""
    seed: int = 0
    """For environments that draw lots."""
    retries: int = Field(default=0, ge=0, le=10)
    """How often a run that failed is begun anew, from a fresh environment. Only for what may be done twice."""
    until: Until = "finish"
    """When to stop: when the policy says so, or as soon as every expectation holds."""
    network: tuple[str, ...] = Field(default=(), strict=False)
    """Origins that pages may speak to beside those that the script names; "any" for all there are."""
    secrets: dict[str, tuple[str, ...]] = Field(default_factory=dict, strict=False)
    """Names that stand for secrets as <secret:NAME>, and the origins that each is typed into; none: that of `start`."""
    masks: tuple[str, ...] = Field(default=(), strict=False)
    """CSS selectors of what is covered in every screenshot."""
    expect: tuple[Check, ...] = Field(default=(), strict=False)
    """What must hold at the end."""
    extract: dict[str, Value] = Field(default_factory=dict)
    """Values that the run brings back, by their names."""
    actions: tuple[Action, ...] = Field(default=(), strict=False)
    """What `--model script` plays."""

    @field_validator("environment", mode="before")
    @classmethod
    def _short(cls, value: object) -> object:
        return {"kind": value} if isinstance(value, str) else value

    @field_validator("network", mode="before")
    @classmethod
    def _all(cls, value: object) -> object:
        return (value,) if isinstance(value, str) else value

    @field_validator("secrets", mode="before")
    @classmethod
    def _bound(cls, value: object) -> object:
        """A list of names binds each to the start's origin."""
        if isinstance(value, list) and all(isinstance(name, str) for name in value):
            return {name: () for name in value}
        return value

    @model_validator(mode="after")
    def _starts(self) -> Self:
        if self.environment.kind == "desktop":
            if self.start:
                raise ValueError("start: a desktop starts the program of its environment; leave it out")
            self._pageless()
        elif not self.start:
            raise ValueError("start: missing: the address or page to start from")
        return self

    def _pageless(self) -> None:
        if any(check.subject not in SEEN for check in self.checks):
            raise ValueError(f"expect: a desktop has windows and no page: only {', '.join(SEEN)} can be expected")
        if any(value.element for _, value in self.values):
            raise ValueError("extract: a desktop has windows and no page: the policy has to tell each value")

    @model_validator(mode="after")
    def _asks(self) -> Self:
        if self.steps:
            self._either()
        elif not self.instruction and self.environment.kind in ("browser", "desktop"):
            raise ValueError("instruction: missing; only miniwob and screens bring their own")
        if self.until == "expect" and not self.expect:
            raise ValueError("until: expect needs at least one expectation")
        return self

    def _either(self) -> None:
        if self.instruction:
            raise ValueError("instruction: each of the steps has its own; leave out one of instruction and steps")
        if self.environment.kind == "miniwob":
            raise ValueError("steps: miniwob brings one task of its own")
        for name in ("actions", "until"):
            if name in self.model_fields_set:
                raise ValueError(f"{name}: belongs to each of the steps")
        names = [leg.name for leg in self.steps if leg.name]
        if len(set(names)) != len(names):
            raise ValueError(f"steps: two have the same name, of {', '.join(names)}")
        values = [name for name, _ in self.values]
        if len(set(values)) != len(values):
            raise ValueError(f"extract: two values have the same name, of {', '.join(values)}")

    @property
    def checks(self) -> tuple[Check, ...]:
        """All that is expected, of the steps and at the end."""
        return (*(check for leg in self.steps for check in leg.expect), *self.expect)

    @property
    def values(self) -> tuple[tuple[str, Value], ...]:
        """All that is brought back, of the steps and at the end, by name."""
        return (*(each for leg in self.steps for each in leg.extract.items()), *self.extract.items())

    @property
    def played(self) -> tuple[tuple[Action, ...], ...]:
        """What `--model script` plays: the actions of each step, or of the only one."""
        return tuple(leg.actions for leg in self.steps) or (self.actions,)

    @property
    def told(self) -> str:
        """What is to be done, in one text."""
        if not self.steps:
            return self.instruction
        return "\n".join(f"{number}. {leg.instruction}" for number, leg in enumerate(self.steps, start=1))
