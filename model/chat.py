"""From messages to tokens and back, as a checkpoint's own tokenizer and chat templates say.

Text in messages is data, and so are tools, arguments of calls and what they gave. A special token somebody wrote into
any of them (say, a page title of "<|im_end|>") is shielded before the template sees it. Once the template has run,
only special tokens that it wrote itself are structure; all between is encoded with the tokenizer's special tokens
switched off. Text without special tokens is encoded as the reference implementation does it, to the token.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path

from jinja2 import Template, TemplateError
from pydantic import JsonValue
from tokenizers import Tokenizer

from model.fields import ConfigError
from model.messages import (
    ChatError,
    Film,
    Message,
    Picture,
    Result,
    Text,
    calls,
    check_messages,
    check_tools,
    parts,
    said,
)
from model.shield import Shield
from model.template import build, knows_tools, render, templates

KINDS: Mapping[str, type] = {"image": Picture, "video": Film}
"""Kinds of places in a message."""

BESIDE = "\N{REFERENCE MARK}"
"""Stands on both sides of a place, to see what a template writes for it."""


class Chat:
    """A tokenizer and chat templates, the first of them for words and pictures.

    `image_token` and `video_token` are the ids that are repeated for each token of an image or a video; a
    `video_token` that the tokenizer does not know means that it can show none.
    """

    def __init__(
        self, tokenizer: Tokenizer, templates: Sequence[str], image_token: int, video_token: int | None = None
    ) -> None:
        added = tokenizer.get_added_tokens_decoder().values()
        self.special = sorted((t.content for t in added if t.special and t.content), key=len, reverse=True)
        pad = tokenizer.id_to_token(image_token)
        if pad not in self.special:
            raise ConfigError(f"image_token_id: {image_token}; expected the id of a special token, not {pad!r}")
        self.pads = {"image": image_token}
        if video_token is not None and tokenizer.id_to_token(video_token) in self.special:
            self.pads["video"] = video_token
        self.tokenizer = tokenizer
        self.tokenizer.encode_special_tokens = True  # structure is found here, so text never becomes structure
        self.template, self.others = build(templates[0]), tuple(templates[1:])

    @classmethod
    def read(cls, folder: Path, image_token: int, video_token: int | None = None) -> Chat:
        """Read FOLDER/tokenizer.json and the templates; `ConfigError` names what cannot be used."""
        path = folder / "tokenizer.json"
        if not path.is_file():
            raise ConfigError(f"{path}: no such file; a checkpoint folder holds tokenizer.json")
        try:
            tokenizer = Tokenizer.from_file(str(path))
        except Exception as error:  # noqa: BLE001 - tokenizers raises nothing narrower
            raise ConfigError(f"{path}: not a tokenizer: {error}") from None
        try:
            return cls(tokenizer, templates(folder), image_token, video_token)
        except ConfigError as error:
            raise ConfigError(f"{folder}: {error}") from None

    @cached_property
    def tooled(self) -> Template | None:
        """The first template that shows tools, calls of them and what they gave."""
        if knows_tools(self.template):
            return self.template
        for source in self.others:
            try:
                if knows_tools(other := build(source)):
                    return other
            except ConfigError:  # one that does not compile, and that nothing else asks for
                continue
        return None

    def encode(
        self,
        messages: Sequence[Mapping[str, object]],
        sizes: Sequence[int],
        videos: Sequence[int] = (),
        tools: Sequence[Mapping[str, object]] = (),
    ) -> tuple[int, ...]:
        """Tokens of `messages` up to where the assistant begins to speak.

        A message is {"role": "system", "user" or "assistant", "content": C}, where C is text or a list of
        {"type": "text", "text": TEXT}, {"type": "image"} and {"type": "video"}. An assistant's may have
        "tool_calls", and {"role": "tool", "content": C} is what a call gave. `sizes` are the tokens of each
        image in order, `videos` those of each video, `tools` the functions on offer. Raises `ChatError`.
        """
        counts = {"image": sizes, "video": videos}
        pieces = self.pieces(messages, counts, tools)
        ids = [token for piece, meant in pieces for token in self.ids(piece, meant)]
        repeats = self.repeats(ids, counts)
        return tuple(i for token, times in zip(ids, repeats, strict=True) for i in (token,) * times)

    def pieces(
        self,
        messages: Sequence[Mapping[str, object]],
        counts: Mapping[str, Sequence[int]],
        tools: Sequence[Mapping[str, object]] = (),
        marks: Collection[str] | None = None,
    ) -> Iterator[tuple[str, bool]]:
        """Text of `messages`, as for `encode`, and special tokens in it that are meant, in order.

        `counts` are tokens of each "image" and "video". With `marks` the conversation is over: nobody is asked to
        speak, and these special tokens are meant in what the assistant said.
        """
        checked, listed = check_messages(messages), check_tools(tools)
        for kind, given in counts.items():
            self._check_places(checked, kind, len(given))
        shield = Shield.over(self.special, said(checked, listed))
        return shield.split(self._render(checked, listed, shield, marks))

    def ids(self, piece: str, meant: bool) -> Sequence[int]:
        """Tokens of one of `pieces`."""
        if not meant:
            return self.tokenizer.encode(piece, add_special_tokens=False).ids if piece else ()
        token = self.tokenizer.token_to_id(piece)
        assert token is not None, piece
        return (token,)

    def decode(self, tokens: Sequence[int]) -> str:
        """The text of tokens, special ones too."""
        return self.tokenizer.decode(list(tokens), skip_special_tokens=False)

    def _check_places(self, messages: Sequence[Message], kind: str, given: int) -> None:
        places = sum(isinstance(part, KINDS[kind]) for message in messages for part in parts(message))
        if places != given:
            raise ChatError(f"the messages have places for {places} {kind}s, {given} were given")
        if given and kind not in self.pads:
            raise ChatError(f"the tokenizer of this checkpoint has no {kind} token; expected messages without {kind}s")

    def _render(
        self,
        messages: Sequence[Message],
        tools: Sequence[dict[str, JsonValue]],
        shield: Shield,
        marks: Collection[str] | None,
    ) -> str:
        """What a template makes of messages and tools, text shielded."""
        template = self.template
        if tools or any(calls(message) or isinstance(message, Result) for message in messages):
            if self.tooled is None:
                raise ChatError("no chat template of this checkpoint shows tools; expected messages without them")
            template = self.tooled
        own = shield.sparing(marks or ())
        data = [_plain(message, own if message.role == "assistant" else shield) for message in messages]
        if template is not self.template:  # one for text alone
            data = [message | {"content": self._flat(message["content"])} for message in data]
        return _run(template, data, [shield.members(tool) for tool in tools], asks=marks is None)

    def _flat(self, content: object) -> object:
        """Content as one text, with what the first template writes for images and videos."""
        if not isinstance(content, list):
            return content
        return "".join(part["text"] if "text" in part else self._place(part["type"]) for part in content)

    def _place(self, kind: str) -> str:
        """What the first template writes for an image or a video."""
        beside = {"type": "text", "text": BESIDE}
        shown = _run(self.template, [{"role": "user", "content": [beside, {"type": kind}, beside]}], ())
        if shown.count(BESIDE) != 2:
            raise ChatError(f"the chat template has no place for {kind}s between texts")
        return shown.split(BESIDE)[1]

    def repeats(self, ids: Sequence[int], counts: Mapping[str, Sequence[int]]) -> list[int]:
        """How often each token stands: one for an image or a video as often as that has tokens. Raises `ChatError`."""
        left: dict[int, Iterator[int]] = {}
        for kind, token in self.pads.items():
            if (pads := ids.count(token)) != (wanted := len(counts[kind])):
                pad = self.tokenizer.id_to_token(token)
                raise ChatError(f"the chat template writes {pads} {pad} for {wanted} {kind}s; expected one for each")
            left[token] = iter(counts[kind])
        return [next(left[token]) if token in left else 1 for token in ids]


def _run(
    template: Template,
    data: Sequence[Mapping[str, object]],
    tools: Sequence[Mapping[str, object]],
    *,
    asks: bool = True,
) -> str:
    try:
        return render(template, data, tools, asks=asks)
    except (TemplateError, TypeError) as error:  # TypeError: a template for text alone meets a list
        raise ChatError(f"the chat template refuses the messages: {error}") from None


def _plain(message: Message, shield: Shield) -> dict[str, object]:
    """The message as templates read it, every text of it shielded."""
    plain: dict[str, object] = {"role": message.role, "content": ""}
    if isinstance(message.content, str):
        plain["content"] = shield.text(message.content)
    elif message.content is not None:
        plain["content"] = [
            {"type": "text", "text": shield.text(part.text)} if isinstance(part, Text) else {"type": part.type}
            for part in message.content
        ]
    if called := calls(message):
        functions = [call.function for call in called]
        plain["tool_calls"] = [
            {"type": "function", "function": {"name": shield.text(f.name), "arguments": shield.members(f.arguments)}}
            for f in functions
        ]
    if isinstance(message, Result):
        given = {"tool_call_id": message.tool_call_id, "name": message.name}
        plain |= {key: shield.text(text) for key, text in given.items() if text is not None}
    return plain
