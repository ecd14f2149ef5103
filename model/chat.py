"""From messages to tokens and back, as a checkpoint's own tokenizer and chat template say.

Text in messages is data. A special token somebody wrote into a message (say, a page title of "<|im_end|>")
is shielded before the template sees it: a mark, one character that no message holds, goes in front of it. Once
the template has run, only special tokens without a mark are structure; the marks are dropped, and all between
is encoded with the tokenizer's special tokens switched off. Text without special tokens is encoded as the
reference implementation does it, to the token.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Literal, NoReturn, TypeAlias

from jinja2 import Template, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from tokenizers import Tokenizer

from model.fields import ConfigError, Fields

MARKS = range(0xF0000, 0x10FFFE)
"""Private-use characters: one that no message holds serves as the mark."""


class ChatError(ValueError):
    """Messages or images that cannot be made into a prompt."""


class Text(BaseModel):
    """A piece of text in a message."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    type: Literal["text"]
    text: str


class Picture(BaseModel):
    """The place of the next image."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    type: Literal["image"]


Part: TypeAlias = Annotated[Text | Picture, Field(discriminator="type")]


class Message(BaseModel):
    """One turn: plain text, or pieces of text and images in order."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    role: Literal["system", "user", "assistant"]
    content: str | tuple[Part, ...]

    @property
    def parts(self) -> tuple[Text | Picture, ...]:
        return (Text(type="text", text=self.content),) if isinstance(self.content, str) else self.content


MESSAGES = TypeAdapter(tuple[Message, ...])


class Chat:
    """A tokenizer and a chat template; `image_token` is the id that is repeated for each image token."""

    def __init__(self, tokenizer: Tokenizer, template: str, image_token: int) -> None:
        added = tokenizer.get_added_tokens_decoder().values()
        self.special = sorted((t.content for t in added if t.special and t.content), key=len, reverse=True)
        self.pad = tokenizer.id_to_token(image_token)
        if self.pad not in self.special:
            raise ConfigError(f"image_token_id: {image_token}; expected the id of a special token, not {self.pad!r}")
        self.image_token = image_token
        self.tokenizer = tokenizer
        self.tokenizer.encode_special_tokens = True  # structure is found here, so text never becomes structure
        self.template = _compile(template)
        self.structure = "|".join(map(re.escape, self.special))

    @classmethod
    def read(cls, folder: Path, image_token: int) -> Chat:
        """Read FOLDER/tokenizer.json and the template; `ConfigError` names what cannot be used.

        The template is chat_template.jinja, else chat_template.json, else tokenizer_config.json's.
        """
        path = folder / "tokenizer.json"
        if not path.is_file():
            raise ConfigError(f"{path}: no such file; a checkpoint folder holds tokenizer.json")
        try:
            tokenizer = Tokenizer.from_file(str(path))
        except Exception as error:  # noqa: BLE001 - tokenizers raises nothing narrower
            raise ConfigError(f"{path}: not a tokenizer: {error}") from None
        try:
            return cls(tokenizer, _template(folder), image_token)
        except ConfigError as error:
            raise ConfigError(f"{folder}: {error}") from None

    def encode(self, messages: Sequence[Mapping[str, object]], sizes: Sequence[int]) -> tuple[int, ...]:
        """Tokens of `messages` up to where the assistant begins to speak.

        A message is {"role": "system", "user" or "assistant", "content": C}, where C is text or a list of
        {"type": "text", "text": TEXT} and {"type": "image"}. `sizes` are the image tokens of each image in
        order. Raises `ChatError`.
        """
        try:
            checked = MESSAGES.validate_python(messages)
        except ValidationError as error:
            raise ChatError(f"messages: {error}") from None
        places = sum(isinstance(part, Picture) for message in checked for part in message.parts)
        if places != len(sizes):
            raise ChatError(f"the messages have places for {places} images, {len(sizes)} were given")
        ids = list(self._ids(*self._render(checked)))
        if (pads := ids.count(self.image_token)) != places:
            raise ChatError(f"the chat template writes {pads} {self.pad} for {places} images; expected one for each")
        left = iter(sizes)
        return tuple(i for token in ids for i in (token,) * (next(left) if token == self.image_token else 1))

    def decode(self, tokens: Sequence[int]) -> str:
        """The text of tokens, special ones too."""
        return self.tokenizer.decode(list(tokens), skip_special_tokens=False)

    def _render(self, messages: Sequence[Message]) -> tuple[str, str]:
        """What the template makes of shielded messages, and the mark that shields them."""
        held = {c for m in messages for part in m.parts if isinstance(part, Text) for c in part.text}
        mark = next((c for c in map(chr, MARKS) if c not in held), None)
        if mark is None:
            raise ChatError("the messages hold every private-use character; expected text")
        data = [{"role": message.role, "content": self._content(message, mark)} for message in messages]
        try:
            return self.template.render(messages=data, add_generation_prompt=True), mark
        except (TemplateError, TypeError) as error:  # TypeError: a template for text alone meets a list
            raise ChatError(f"the chat template refuses the messages: {error}") from None

    def _content(self, message: Message, mark: str) -> str | list[dict[str, str]]:
        if isinstance(message.content, str):
            return self._shield(message.content, mark)
        return [
            {"type": "text", "text": self._shield(part.text, mark)} if isinstance(part, Text) else {"type": "image"}
            for part in message.content
        ]

    def _shield(self, text: str, mark: str) -> str:
        """Put the mark before special tokens, and before an end that what follows could complete to one."""
        text = re.sub("[\ud800-\udfff]", "\ufffd", text)  # half a character: JavaScript has them, UTF-8 does not
        whole = {match.start() for match in re.finditer(f"(?={self.structure})", text)}
        tail = range(max(0, len(text) - len(self.special[0])), len(text))
        begun = {i for i in tail if any(token.startswith(text[i:]) for token in self.special)}
        cuts = [0, *sorted(whole | begun), len(text)]
        return mark.join(text[a:b] for a, b in pairwise(cuts))

    def _ids(self, rendered: str, mark: str) -> Iterator[int]:
        """Tokens of a rendered prompt: every second piece of the split is structure."""
        pieces = re.split(f"(?<!{mark})({self.structure})", rendered)
        for index, piece in enumerate(pieces):
            if index % 2:
                token = self.tokenizer.token_to_id(piece)
                assert token is not None, piece
                yield token
            elif piece:
                yield from self.tokenizer.encode(piece.replace(mark, ""), add_special_tokens=False).ids


def _template(folder: Path) -> str:
    plain = folder / "chat_template.jinja"
    if plain.is_file():
        try:
            return plain.read_text(encoding="utf-8")
        except UnicodeDecodeError as error:
            raise ConfigError(f"{plain.name}: not UTF-8: {error}") from None
    for name in ("chat_template.json", "tokenizer_config.json"):
        if (folder / name).is_file():
            found = Fields.read(folder / name).data.get("chat_template")
            for choice in found if isinstance(found, list) else ():  # several templates, each with a name
                if isinstance(choice, dict) and choice.get("name") == "default":
                    found = choice.get("template")
            if isinstance(found, str):
                return found
    names = f"{plain.name}, or chat_template in chat_template.json or tokenizer_config.json"
    raise ConfigError(f"no chat template; expected {names}")


def _compile(template: str) -> Template:
    """The template in a sandbox with what released templates call."""
    sandbox = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols"]
    )
    sandbox.filters["tojson"] = _tojson
    sandbox.globals["raise_exception"] = _refuse
    try:
        return sandbox.from_string(template)
    except TemplateError as error:
        raise ConfigError(f"chat template: {error}") from None


def _tojson(value: object, indent: int | None = None) -> str:
    return json.dumps(value, ensure_ascii=False, indent=indent)


def _refuse(message: str) -> NoReturn:
    raise TemplateError(message)
