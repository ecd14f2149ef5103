"""The form that a client wants an answer to have, as a grammar."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from model.grammar import json_grammar
from model.serve.errors import ApiError

LONGEST = 2**16
"""Characters of a form."""

LINES = 500
"""Lines of a form, each of which may be a rule; and references from one part of a schema to another.

llguidance follows rules by recursion, and one that leads through thousands of others ends the process.
"""

DENSE = 2**14
"""Characters of a form that is no schema: it may hold schemas in a spelling of its own, references among them."""


def bounded(grammar: str, param: str, *, longest: int = LONGEST) -> str:
    """`grammar`, which came from the field `param`; `ApiError` where it is too large to be compiled."""
    sizes = {
        "characters": (len(grammar), longest),
        "lines": (len(grammar.splitlines()), LINES),
        "references": (grammar.count('"$ref"'), LINES),
    }
    for name, (size, most) in sizes.items():
        if size > most:
            raise ApiError(400, f"{param}: a form of {size} {name}; expected at most {most}", param=param)
    return grammar


class Entry(BaseModel):
    """Frozen; what it does not know changes no answer and is left aside."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Plain(Entry):
    """Any text."""

    type: Literal["text"]

    @property
    def grammar(self) -> str | None:
        """What the answer has to look like."""
        return None


class AnyObject(Entry):
    """A JSON object, whatever is in it."""

    type: Literal["json_object"]

    @property
    def grammar(self) -> str | None:
        """What the answer has to look like."""
        return json_grammar({"type": "object"})


class NamedSchema(Entry):
    """A JSON Schema and what the client calls it."""

    name: str = ""
    schema_: dict[str, JsonValue] = Field(alias="schema")


class Schema(Entry):
    """JSON that a schema describes."""

    type: Literal["json_schema"]
    json_schema: NamedSchema

    @property
    def grammar(self) -> str | None:
        """What the answer has to look like."""
        return json_grammar(self.json_schema.schema_)


class Lark(Entry):
    """Text that follows a grammar in the variant of Lark of llguidance, under the name that llgtrt gave it."""

    type: Literal["lark_grammar"]
    lark_grammar: str = Field(min_length=1)

    @property
    def grammar(self) -> str | None:
        """What the answer has to look like."""
        return bounded(self.lark_grammar, "response_format", longest=DENSE)


Form = Annotated[Plain | AnyObject | Schema | Lark, Field(discriminator="type")]
