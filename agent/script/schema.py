"""The JSON Schema of task scripts, for editors: what may be written, more than what it is read into."""

from __future__ import annotations

from pydantic.json_schema import JsonSchemaValue

from agent.script.model import Script

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schema() -> JsonSchemaValue:
    """The schema of a script as it stands in a file."""
    found = Script.model_json_schema(by_alias=True)
    keys, parts = found["properties"], found["$defs"]
    kinds = parts["Place"]["properties"]["kind"]["enum"]
    short: dict[str, list[JsonSchemaValue]] = {
        "environment": [{"$ref": "#/$defs/Place"}, {"enum": kinds}],
        "network": [{"type": "array", "items": {"type": "string"}}, {"type": "string"}],
        "secrets": [keys["secrets"], {"type": "array", "items": {"type": "string"}}],
    }
    for name, forms in short.items():
        keys[name] = {"description": keys[name]["description"], "anyOf": [_bare(form) for form in forms]}
    scalar = {"type": ["string", "number", "boolean", "null"]}
    keys["parameters"]["additionalProperties"] = scalar
    return {"$schema": DIALECT, **found}


def _bare(form: JsonSchemaValue) -> JsonSchemaValue:
    return {key: value for key, value in form.items() if key not in ("default", "description", "title")}
