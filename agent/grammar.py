"""How a server is told to hold its model to the form of a call. The ways differ by server; the names are theirs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Literal

from pydantic import JsonValue

from agent.speaker import QuestionError

Constrain = Literal["none", "schema", "grammar"]
"""Not at all, by the JSON Schema of a call, or by a grammar that has the tags around it as well."""

JSON_RULES = r"""
object ::= "{" ws (pair ("," ws pair)*)? "}" ws
pair ::= string ":" ws value
value ::= object | array | string | number | ("true" | "false" | "null") ws
array ::= "[" ws (value ("," ws value)*)? "]" ws
string ::= "\"" ([^"\\\x00-\x1f] | "\\" (["\\/bfnrt] | "u" [0-9a-fA-F] [0-9a-fA-F] [0-9a-fA-F] [0-9a-fA-F]))* "\"" ws
number ::= "-"? ("0" | [1-9] [0-9]*) ("." [0-9]+)? ws
ws ::= [ \n]?
""".strip()
"""JSON in the notation that llama.cpp, vLLM (xgrammar) and SGLang share."""


def constraint(kind: Constrain, owner: str, schema: Mapping[str, JsonValue] | None) -> dict[str, JsonValue]:
    """The fields of a request that ask for it; `owner` is the `owned_by` of the server's models.

    Raises `QuestionError` where the dialect has no such form or the server no such way.
    """
    if kind == "none":
        return {}
    if schema is None:
        raise QuestionError(f"constrain={kind}: what this dialect writes is no JSON; leave constrain out")
    if kind == "schema":
        form: JsonValue = {"name": "call", "schema": dict(schema), "strict": True}
        return {"response_format": {"type": "json_schema", "json_schema": form}}
    text = grammar(schema)
    ways: dict[str, dict[str, JsonValue]] = {
        "llamacpp": {"grammar": text},
        "sglang": {"ebnf": text},
        "vllm": {"structured_outputs": {"grammar": text}},
    }
    if owner not in ways:
        known = ", ".join(ways)
        raise QuestionError(f"constrain=grammar: known for {known}, not for {owner!r}; try constrain=schema")
    return ways[owner]


def grammar(schema: Mapping[str, JsonValue]) -> str:
    """A call of the function that `schema` names, in its tags, with any JSON object for its arguments."""
    properties = schema["properties"]
    assert isinstance(properties, dict)
    named = properties["name"]
    assert isinstance(named, dict)
    names = named["enum"]
    assert isinstance(names, list)
    head = json.dumps(f'<tool_call>\n{{"name": {json.dumps(names[0])}, "arguments": ')
    return f'root ::= {head} object "}}\\n</tool_call>"\n{JSON_RULES}'
