"""What a conversation is made of: turns of text, images and videos, calls of tools, and what they gave.

The shapes are those of OpenAI's chat interface, as far as a chat template can show them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Annotated, Literal, TypeAlias

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    TypeAdapter,
    ValidationError,
)


class ChatError(ValueError):
    """Messages, images, videos or tools that cannot be made into a prompt."""


class Frozen(BaseModel):
    """Checked once, and trusted after; members that nobody reads are a mistake."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Text(Frozen):
    """A piece of text in a message."""

    type: Literal["text"]
    text: str


class Picture(Frozen):
    """The place of the next image."""

    type: Literal["image"]


class Film(Frozen):
    """The place of the next video."""

    type: Literal["video"]


Part: TypeAlias = Annotated[Text | Picture | Film, Field(discriminator="type")]
Content: TypeAlias = str | tuple[Part, ...]


def _object(value: object) -> object:
    """The object itself, also where it came as JSON text, as OpenAI's interface writes arguments."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"arguments are no JSON object: {error}") from None


def _writable(value: dict[str, JsonValue]) -> dict[str, JsonValue]:
    """The object, if JSON has words for all in it: none for infinity."""
    json.dumps(value, allow_nan=False)
    return value


Object: TypeAlias = Annotated[dict[str, JsonValue], AfterValidator(_writable)]


class Function(Frozen):
    """The name and the arguments of a call."""

    name: str
    arguments: Annotated[Object, BeforeValidator(_object)]


class Call(Frozen):
    """One call that the assistant made."""

    id: str | None = None
    type: Literal["function"] = "function"
    function: Function


class Turn(Frozen):
    """Plain text, or pieces of text, images and videos in order."""

    role: Literal["system", "user"]
    content: Content


class Answer(Frozen):
    """What the assistant said, and what it called."""

    role: Literal["assistant"]
    content: Content | None = None
    tool_calls: tuple[Call, ...] | None = None


class Result(Frozen):
    """What a tool gave back."""

    role: Literal["tool"]
    content: Content
    tool_call_id: str | None = None
    name: str | None = None


Message: TypeAlias = Annotated[Turn | Answer | Result, Field(discriminator="role")]
MESSAGES = TypeAdapter(tuple[Message, ...])


class Named(BaseModel):
    """The part of a tool that every template needs; what else it says is told to the model as it stands."""

    model_config = ConfigDict(frozen=True, extra="allow")
    name: str = Field(min_length=1)


class Tool(BaseModel):
    """A function that may be called."""

    model_config = ConfigDict(frozen=True, extra="allow")
    type: Literal["function"]
    function: Named


TOOLS = TypeAdapter(tuple[Tool, ...])
OBJECTS = TypeAdapter(tuple[Object, ...])


def check_messages(messages: Sequence[Mapping[str, object]]) -> tuple[Message, ...]:
    """The messages as types. Raises `ChatError`."""
    try:
        return MESSAGES.validate_python(messages)
    except ValidationError as error:
        raise ChatError(f"messages: {error}") from None


def check_tools(tools: Sequence[Mapping[str, object]]) -> tuple[dict[str, JsonValue], ...]:
    """The tools as JSON, their members in the order given. Raises `ChatError`."""
    try:
        TOOLS.validate_python(tools)
        return OBJECTS.validate_python(tools)
    except ValidationError as error:
        raise ChatError(f"tools: {error}") from None


def parts(message: Message) -> tuple[Text | Picture | Film, ...]:
    """The pieces of a message, plain text as one piece."""
    if isinstance(message.content, str):
        return (Text(type="text", text=message.content),)
    return message.content or ()


def calls(message: Message) -> tuple[Call, ...]:
    """The calls in a message."""
    return message.tool_calls or () if isinstance(message, Answer) else ()


def texts(value: JsonValue) -> Iterator[str]:
    """Every string in a JSON value, keys too."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from (text for pair in value.items() for one in pair for text in texts(one))
    elif isinstance(value, list):
        yield from (text for one in value for text in texts(one))


def said(messages: Iterable[Message], tools: Iterable[dict[str, JsonValue]]) -> Iterator[str]:
    """Every text that somebody wrote into the messages and the tools."""
    for message in messages:
        yield from (part.text for part in parts(message) if isinstance(part, Text))
        for call in calls(message):
            yield call.function.name
            yield from texts(call.function.arguments)
        if isinstance(message, Result):
            yield from (text for text in (message.tool_call_id, message.name) if text)
    for tool in tools:
        yield from texts(tool)
