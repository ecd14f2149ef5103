"""One value that is to be brought back, as a script says it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal, Self

from pydantic import Field, JsonValue, model_validator

from agent.place import Part

Kind = Literal["string", "number", "integer", "boolean"]


class Value(Part):
    """A typed value: read from an element of the page, or told by the policy when it finishes.

    Without `element` it is the policy's to tell, of the `type` or the JSON `schema` given here.
    """

    type: Kind | None = None
    """What it is; a string by default."""
    description: str = ""
    """What it means; the policy reads it."""
    element: str | None = Field(default=None, min_length=1)
    """A CSS selector: the value is what stands in the first such element."""
    attribute: str | None = Field(default=None, min_length=1)
    """The attribute of the element that holds the value, in place of its text."""
    pattern: str | None = None
    """A regular expression that is looked for in the text; its group, where it has one, is the value."""
    all: bool = False
    """Whether to take every such element, as a list."""
    form: dict[str, JsonValue] | None = Field(default=None, alias="schema")
    """A JSON Schema (2020-12) of what the policy tells, in place of `type`."""

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if self.element is None and (self.attribute, self.pattern, self.all) != (None, None, False):
            raise ValueError("attribute, pattern and all belong to element")
        if self.form is not None and (self.element is not None or self.type is not None):
            raise ValueError("schema: stands alone, without element and type")
        return self

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if self.pattern is not None:
            try:
                groups = re.compile(self.pattern).groups
            except re.error as error:
                raise ValueError(f"pattern: {error}") from error
            if groups > 1:
                raise ValueError(f"pattern: has {groups} groups; one is the value")
        if self.form is not None:
            from agent.extract.form import sound

            sound(self.form)
        return self

    @property
    def asked(self) -> Mapping[str, JsonValue]:
        """The JSON Schema of what the policy is to tell."""
        told: dict[str, JsonValue] = dict(self.form) if self.form is not None else {"type": self.type or "string"}
        return {"description": self.description, **told} if self.description else told
