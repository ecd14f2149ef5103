"""A chat request, checked once: what can be answered, and what has to be refused rather than ignored."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import ConfigDict, Field, JsonValue

from model.ask import Ask
from model.image import ImageError, decode
from model.serve.calls import CLOSE, grammar, write
from model.serve.errors import ApiError
from model.serve.form import Entry, Form, bounded


class Words(Entry):
    """A piece of text."""

    type: Literal["text"]
    text: str


class Address(Entry):
    """Where an image is: inside the request itself, as a data URL."""

    url: str


class Picture(Entry):
    """An image in its place between the words."""

    type: Literal["image_url"]
    image_url: Address


Part = Annotated[Words | Picture, Field(discriminator="type")]


class Function(Entry):
    """The function that a model called, its arguments as JSON text."""

    name: str
    arguments: str


class Called(Entry):
    """A call that the model made in an earlier turn."""

    type: Literal["function"] = "function"
    function: Function


class Message(Entry):
    """One turn of the conversation."""

    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str | tuple[Part, ...] | None = None
    tool_calls: tuple[Called, ...] = ()

    @property
    def pictures(self) -> tuple[Picture, ...]:
        """The images of this turn in order."""
        return tuple(part for part in self.content or () if isinstance(part, Picture))

    def plain(self) -> Mapping[str, object]:
        """The message as `Model.chat` takes it, the pictures left to be handed over beside it."""
        role = "system" if self.role == "developer" else self.role
        content: object = self.content if isinstance(self.content, str | None) else [*map(_part, self.content)]
        said: dict[str, object] = {"role": role, "content": content}
        if self.tool_calls:
            said["tool_calls"] = [
                {"type": "function", "function": each.function.model_dump()} for each in self.tool_calls
            ]
        return said

    def spelled(self) -> Mapping[str, object]:
        """The same with calls and what they gave written out, for a chat template that shows neither."""
        said = dict(self.plain())
        if self.role == "tool":
            said |= {"role": "user", "content": f"<tool_response>\n{_words(self)}\n</tool_response>"}
        if said.pop("tool_calls", ()):
            calls = [write(each.function.name, each.function.arguments) for each in self.tool_calls]
            said["content"] = "\n".join((*filter(None, [_words(self)]), *calls))
        return said


class Signature(Entry):
    """A function that may be called."""

    model_config = ConfigDict(frozen=True, extra="allow")
    name: str = Field(min_length=1)
    parameters: dict[str, JsonValue] | None = None


class Tool(Entry):
    """A tool that may be used; functions are the only kind."""

    model_config = ConfigDict(frozen=True, extra="allow")
    type: Literal["function"]
    function: Signature


class Named(Entry):
    """The one tool that has to be used."""

    type: Literal["function"]
    function: Signature


class StreamOptions(Entry):
    """What a stream tells besides text."""

    include_usage: bool = False


class Budgets(Entry):
    """Pixels of each image, under the names that vLLM gave them."""

    min_pixels: int | None = Field(default=None, ge=1)
    max_pixels: int | None = Field(default=None, ge=1)


class ChatRequest(Entry):
    """The body of POST /v1/chat/completions. Decoding is greedy, so what asks for chance is refused."""

    model: str | None = None
    messages: tuple[Message, ...] = Field(min_length=1)
    max_tokens: int | None = Field(default=None, ge=1)
    max_completion_tokens: int | None = Field(default=None, ge=1)
    stop: str | tuple[str, ...] | None = None
    stream: bool = False
    stream_options: StreamOptions | None = None
    tools: tuple[Tool, ...] = ()
    tool_choice: Literal["none", "auto", "required"] | Named | None = None
    parallel_tool_calls: bool = True
    temperature: float = Field(default=0.0, ge=0.0, le=0.0)
    n: int = Field(default=1, ge=1, le=1)
    frequency_penalty: float = Field(default=0.0, ge=0.0, le=0.0)
    presence_penalty: float = Field(default=0.0, ge=0.0, le=0.0)
    logit_bias: dict[str, float] = Field(default_factory=dict, max_length=0)
    logprobs: Literal[False] | None = None
    response_format: Form | None = None
    mm_processor_kwargs: Budgets = Field(default_factory=Budgets)

    @property
    def stops(self) -> tuple[str, ...]:
        """The texts that end the answer; none where its form says where it ends, as these may be inside it."""
        if self.response_format is not None and self.response_format.type != "text":
            return ()
        return (self.stop,) if isinstance(self.stop, str) else self.stop or ()

    @property
    def offered(self) -> tuple[Tool, ...]:
        """The tools that the choice leaves."""
        if self.tool_choice == "none":
            return ()
        if not isinstance(self.tool_choice, Named):
            if self.tool_choice == "required" and not self.tools:
                raise ApiError(400, "tool_choice: required, and no tools are given", param="tool_choice")
            return self.tools
        name = self.tool_choice.function.name
        if found := tuple(tool for tool in self.tools if tool.function.name == name):
            return found
        known = ", ".join(tool.function.name for tool in self.tools) or "none"
        raise ApiError(400, f"tool_choice: {name!r} is none of the tools: {known}", param="tool_choice")

    @property
    def form(self) -> str | None:
        """The grammar of the answer that the client asks for."""
        found = None if self.response_format is None else self.response_format.grammar
        if found is not None and self.offered:
            text = "response_format: a form along with tools; expected one of the two, or tool_choice none"
            raise ApiError(400, text, param="response_format")
        return None if found is None else bounded(found, "response_format")

    @property
    def forced(self) -> bool:
        """Whether an answer without a call is none."""
        return self.tool_choice == "required" or isinstance(self.tool_choice, Named)

    def ask(self, limit: int, *, told: bool = True) -> Ask:
        """How the model is to be asked; `limit` is the most tokens where the client names none.

        A model that is not `told` of the tools was trained on its own, and is not held to the schema of these.
        """
        form = self.form
        if told and self.forced:
            schemas = {tool.function.name: tool.function.parameters or {} for tool in self.offered}
            form = bounded(grammar(schemas, several=self.parallel_tool_calls), "tools")
        tools = tuple(tool.model_dump(exclude_unset=True) for tool in self.offered) if told else ()
        ends = (CLOSE,) if self.offered and not self.parallel_tool_calls else ()
        return Ask(
            max_tokens=self.max_completion_tokens or self.max_tokens or limit,
            stop=(*self.stops, *ends),
            tools=tools,
            min_pixels=self.mm_processor_kwargs.min_pixels,
            max_pixels=self.mm_processor_kwargs.max_pixels,
            grammar=form,
        )

    def images(self) -> Iterator[NDArray[np.uint8]]:
        """The pictures of all messages in order; `ApiError` names the one that is none."""
        for number, message in enumerate(self.messages):
            for picture in message.pictures:
                yield _decode(picture.image_url.url, f"messages.{number}.content")


def _words(message: Message) -> str:
    content = message.content or ""
    return content if isinstance(content, str) else "".join(part.text for part in content if isinstance(part, Words))


def _part(part: Words | Picture) -> Mapping[str, str]:
    return {"type": "text", "text": part.text} if isinstance(part, Words) else {"type": "image"}


def _decode(url: str, place: str) -> NDArray[np.uint8]:
    head, comma, data = url.partition(",")
    if not comma or not head.startswith("data:image/") or not head.endswith(";base64"):
        raise ApiError(
            400,
            f"{place}: image_url {head[:40]!r}; expected a data URL such as data:image/png;base64,...: "
            "this server opens no addresses and no files",
            param=place,
            code="invalid_image_url",
        )
    try:
        return decode(base64.b64decode(data, validate=True))
    except (binascii.Error, ImageError) as error:
        raise ApiError(400, f"{place}: image_url: {error}", param=place, code="invalid_image") from None
