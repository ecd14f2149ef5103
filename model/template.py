"""Chat templates of a checkpoint: where they are found, and the sandbox in which they run."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NoReturn

from jinja2 import Template, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from model.fields import ConfigError, Fields

TEXT, CALLED, GIVEN = "aslant", "belatedly", "crosswise"
"""Words that no template has of its own, to see what it shows of what it is given."""


def templates(folder: Path) -> tuple[str, ...]:
    """Every chat template of the checkpoint, the one for words and pictures first.

    That is chat_template.jinja, else chat_template.json's, else tokenizer_config.json's "default" one; others
    may know of tools. Raises `ConfigError` where there is none.
    """
    found = tuple(dict.fromkeys(_found(folder)))
    if not found:
        names = "chat_template.jinja, or chat_template in chat_template.json or tokenizer_config.json"
        raise ConfigError(f"no chat template; expected {names}")
    return found


def _found(folder: Path) -> Iterator[str]:
    for plain in (folder / "chat_template.jinja", folder / "additional_chat_templates" / "tool_use.jinja"):
        if plain.is_file():
            try:
                yield plain.read_text(encoding="utf-8")
            except UnicodeDecodeError as error:
                raise ConfigError(f"{plain.name}: not UTF-8: {error}") from None
    for name in ("chat_template.json", "tokenizer_config.json"):
        if (folder / name).is_file():
            yield from _named(Fields.read(folder / name).data.get("chat_template"))


def _named(found: object) -> Iterator[str]:
    """The template, or of several with names the default one and the one for tools."""
    if isinstance(found, str):
        yield found
    for name in ("default", "tool_use"):
        for choice in found if isinstance(found, list) else ():
            if isinstance(choice, dict) and choice.get("name") == name and isinstance(choice.get("template"), str):
                yield choice["template"]


def build(template: str) -> Template:
    """The template in a sandbox with what released templates call. Raises `ConfigError`."""
    sandbox = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols"]
    )
    sandbox.filters["tojson"] = _tojson
    sandbox.globals["raise_exception"] = _refuse
    try:
        return sandbox.from_string(template)
    except TemplateError as error:
        raise ConfigError(f"chat template: {error}") from None


def render(
    template: Template,
    messages: Sequence[Mapping[str, object]],
    tools: Sequence[Mapping[str, object]],
    *,
    asks: bool = True,
) -> str:
    """The prompt up to where the assistant speaks, or the conversation alone where nobody `asks` it to.

    Raises TemplateError or TypeError, as the template has it.
    """
    return template.render(messages=messages, tools=tools or None, add_generation_prompt=asks)


def knows_tools(template: Template) -> bool:
    """Whether it shows the tools that there are, a call of one, and what that gave."""
    function = {"name": TEXT, "description": TEXT, "parameters": {"type": "object", "properties": {}}}
    call = {"type": "function", "function": {"name": CALLED, "arguments": {}}}
    talk: list[dict[str, object]] = [
        {"role": "user", "content": "?"},
        {"role": "assistant", "content": "", "tool_calls": [call]},
        {"role": "tool", "content": GIVEN},
    ]
    try:
        shown = render(template, talk, [{"type": "function", "function": function}])
    except (TemplateError, TypeError):
        return False
    return all(word in shown for word in (TEXT, CALLED, GIVEN))


def _tojson(
    value: object,
    indent: int | None = None,
    separators: tuple[str, str] | None = None,
    sort_keys: bool = False,
) -> str:
    """JSON as it stands: never escaped to ASCII, which would hide the marks that shield text."""
    return json.dumps(value, ensure_ascii=False, indent=indent, separators=separators, sort_keys=sort_keys)


def _refuse(message: str) -> NoReturn:
    raise TemplateError(message)
