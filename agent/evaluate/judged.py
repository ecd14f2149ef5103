"""What every kind of evaluation has in common: the line that is kept of each thing that a model was put to."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Protocol

from pydantic import BaseModel, ConfigDict, Field

from agent.step import StopReason

BROKEN: frozenset[StopReason] = frozenset({"environment", "model", "error"})
"""Ends that are no fault of the agent: its screen, its model or its worker broke."""

Key = tuple[str, int]
"""What tells one line from the others of an evaluation."""


class Keyed(Protocol):
    """What is to be judged, or was."""

    @property
    def key(self) -> Key:
        """What tells it from the others of an evaluation."""
        ...


class Judged(BaseModel, ABC):
    """How one thing went that a model was put to, as it is kept: one JSON object a line."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    success: bool
    seconds: float = Field(ge=0)
    prompt_tokens: int = Field(default=0, ge=0)
    image_tokens: int = Field(default=0, ge=0)
    completion_tokens: int = Field(default=0, ge=0)
    stop: StopReason
    detail: str = ""
    attempt: int = Field(default=1, ge=1)
    """2 and more for what was begun anew, as it had broken before."""

    @property
    def broken(self) -> bool:
        """Whether it failed for reasons of ours."""
        return self.stop in BROKEN

    @property
    @abstractmethod
    def key(self) -> Key:
        """What tells it from the others of an evaluation."""

    @property
    @abstractmethod
    def label(self) -> Mapping[str, str | int]:
        """The same for people, by the names of its parts."""

    @property
    @abstractmethod
    def groups(self) -> tuple[str, ...]:
        """The rows of the table that it counts in, the finest first."""

    @property
    @abstractmethod
    def stratum(self) -> str:
        """What it is redrawn within: strata weigh the same, and are no sample of anything."""

    @property
    @abstractmethod
    def unit(self) -> Key:
        """What it is redrawn with: all of a unit depend on each other."""

    @property
    @abstractmethod
    def ended(self) -> str:
        """How it went, in a word."""
