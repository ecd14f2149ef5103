"""The form of what a policy is to tell: a JSON Schema, and how its words are held to it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NoReturn, Protocol

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError, best_match
from pydantic import BaseModel, JsonValue, TypeAdapter, ValidationError
from pydantic.json_schema import JsonSchemaValue
from referencing import Registry
from referencing.exceptions import Unresolvable

from agent.describe import clean
from agent.extract.value import Value

LONGEST = 1_000_000
"""Characters of an answer that are read."""

SHOWN = 300
"""Characters of a complaint."""

_FENCE = re.compile(r"```(?:json)?\s*(.*?)\s*```", re.DOTALL)
_JSON: TypeAdapter[dict[str, JsonValue]] = TypeAdapter(dict[str, JsonValue])


class FormError(ValueError):
    """Words that are not of the form: where, and what would be right."""


class Form(Protocol):
    """What is to be told."""

    @property
    def schema(self) -> Mapping[str, JsonValue]:
        """Its JSON Schema, an object's."""
        ...

    def read(self, text: str) -> Mapping[str, JsonValue]:
        """What `text`, JSON alone or between fences, says. Raises `FormError`."""
        ...


@dataclass(frozen=True)
class Schemed:
    """A form by JSON Schemas of its values. No reference leads out of them: nothing is fetched."""

    values: Mapping[str, Mapping[str, JsonValue]]

    @cached_property
    def schema(self) -> Mapping[str, JsonValue]:
        """All of the values, and nothing else."""
        return {
            "type": "object",
            "properties": {name: dict(each) for name, each in self.values.items()},
            "required": list(self.values),
            "additionalProperties": False,
        }

    def read(self, text: str) -> Mapping[str, JsonValue]:
        """What `text` says. Raises `FormError`."""
        data, validator = parse(text), Draft202012Validator(dict(self.schema), registry=Registry())
        try:
            wrong = best_match(validator.iter_errors(data))
        except Unresolvable as error:
            raise FormError(f"schema: {error} leads nowhere") from error
        except RecursionError:
            raise FormError("nested too deeply") from None
        if wrong is not None:
            place = ".".join(str(part) for part in wrong.absolute_path)
            raise FormError(clean(f"{place}: {wrong.message}".removeprefix(": "), SHOWN))
        return data


@dataclass(frozen=True)
class Modelled:
    """A form by a pydantic model, whose own validators speak too."""

    model: type[BaseModel]

    @cached_property
    def schema(self) -> JsonSchemaValue:
        """The model's."""
        return self.model.model_json_schema()

    def read(self, text: str) -> Mapping[str, JsonValue]:
        """What `text` says, as the model writes it. Raises `FormError`."""
        data = parse(text)
        try:
            told = self.model.model_validate_json(json.dumps(data))
        except ValidationError as error:
            one = error.errors(include_url=False, include_context=False)[0]
            place = ".".join(str(part) for part in one["loc"])
            raise FormError(clean(f"{place}: {one['msg']}".removeprefix(": "), SHOWN)) from error
        return _JSON.validate_json(told.model_dump_json(by_alias=True))


def form(values: Mapping[str, Value]) -> Form | None:
    """The form of those of `values` that a policy is to tell; None where it has nothing to tell."""
    asked = {name: value.asked for name, value in values.items() if value.element is None}
    return Schemed(asked) if asked else None


def sound(schema: Mapping[str, JsonValue]) -> None:
    """ValueError for what is no JSON Schema."""
    try:
        Draft202012Validator.check_schema(dict(schema))
    except SchemaError as error:
        place = ".".join(str(part) for part in error.absolute_path)
        raise ValueError(clean(f"schema: {place}: {error.message}".replace(": : ", ": "), SHOWN)) from error


def parse(text: str) -> dict[str, JsonValue]:
    """The JSON object in `text`, plain or between fences. Raises `FormError`."""
    text = text.strip()
    if len(text) > LONGEST:
        raise FormError(f"{len(text)} characters; at most {LONGEST} are read")
    fenced = _FENCE.fullmatch(text)
    try:
        data: JsonValue = json.loads(fenced[1] if fenced else text, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        said = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise FormError(f"expected a JSON object, got {clean(text, 80)!r}: {said}") from error
    if not isinstance(data, dict):
        raise FormError(f"expected a JSON object, got {clean(text, 80)!r}")
    return data


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")
