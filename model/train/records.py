"""Lines of training files, checked once: qwen-vl-finetune's, LLaMA-Factory's sharegpt, and ours, as one kind of sample.

The format is told in docs/training.md. A line that cannot be used is an `Unusable` with its place, never a guess.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue, ValidationError

Kind: TypeAlias = Literal["dialogue", "grounding", "agent"]
Edge: TypeAlias = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Edges: TypeAlias = tuple[Edge, Edge]
Frame: TypeAlias = Literal["seen", "file", "thousand"] | Edges
"""In which size coordinates are written: as the network sees it, the file's, 1000 x 1000, or a width and height."""

ROLES = {
    "human": "user",
    "user": "user",
    "gpt": "assistant",
    "assistant": "assistant",
    "function_call": "assistant",
    "system": "system",
    "observation": "tool",
    "tool": "tool",
}
TAGS = re.compile(r"<(image|video)>\n?")
POINTS, CALL = re.compile(r"bbox_2d|point_2d|<\|box_start\|>"), re.compile(r'"coordinate"|<tool_call>')


class Unusable(ValueError):
    """A sample that cannot be trained on, and why."""


@dataclass(frozen=True)
class Sample:
    """A conversation as `Chat.encode` takes it, and the files that it shows, in order."""

    name: str  # FILE:LINE
    kind: Kind
    messages: tuple[Mapping[str, JsonValue], ...]
    images: tuple[Path, ...]
    videos: tuple[Path, ...]
    tools: tuple[dict[str, JsonValue], ...]
    frame: Frame
    taught: tuple[bool, ...]  # of each answer, whether it is to be learnt


def _role(name: str) -> str:
    if name not in ROLES:
        raise ValueError(f"{name!r}; expected one of {', '.join(ROLES)}")
    return name


def _files(value: str | tuple[str, ...] | None) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else value or ()


Files: TypeAlias = Annotated[str | tuple[str, ...] | None, AfterValidator(_files)]


class Line(BaseModel):
    """Public files have members that nobody here reads."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Said(Line):
    """One turn of `conversations`."""

    from_: Annotated[str, AfterValidator(_role)] = Field(alias="from")
    value: str

    def message(self) -> dict[str, JsonValue]:
        """The same as a message."""
        if self.from_ == "function_call":
            return {"role": "assistant", "content": "", "tool_calls": _calls(self.value)}
        return {"role": ROLES[self.from_], "content": self.value}


class Spoken(Line):
    """One turn of `messages`; an answer of weight 0 is read and not learnt."""

    role: Annotated[str, AfterValidator(_role)]
    content: JsonValue = ""
    tool_calls: JsonValue = None
    weight: Literal[0, 1] = 1

    def message(self) -> dict[str, JsonValue]:
        """The same without its weight."""
        if self.role == "function_call":
            return {"role": "assistant", "content": "", "tool_calls": _calls(self.content)}
        plain: dict[str, JsonValue] = {"role": ROLES[self.role], "content": self.content}
        return plain if self.tool_calls is None else plain | {"tool_calls": self.tool_calls}


class Record(Line):
    """One object of a training file."""

    conversations: tuple[Said, ...] = ()
    messages: tuple[Spoken, ...] = ()
    image: Files = None
    images: Files = None
    video: Files = None
    videos: Files = None
    system: str = ""
    tools: JsonValue = None
    kind: Kind | None = None
    coordinates: Frame | None = None


@dataclass(frozen=True)
class Place:
    """Where a record stands, and in which size its file writes coordinates where it does not say so itself."""

    path: Path
    line: int
    frame: Frame

    @property
    def name(self) -> str:
        return f"{self.path.name}:{self.line}"


def read_file(path: Path, frame: Frame = "seen") -> Iterator[Sample | Unusable]:
    """Every sample of a JSON or JSONL file; a line that holds a list is several. OSError where it cannot be read."""
    data = path.read_bytes().removeprefix(b"\xef\xbb\xbf")
    lines = [data] if data.lstrip()[:1] == b"[" and path.suffix == ".json" else data.split(b"\n")
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            found = json.loads(line.decode("utf-8"))
        except (ValueError, RecursionError) as error:
            yield Unusable(f"{path.name}:{number}: no JSON: {error}")
            continue
        several = len(lines) == 1 and isinstance(found, list)
        for index, one in enumerate(found if isinstance(found, list) else [found], 1):
            yield _tried(one, Place(path, index if several else number, frame))


def _tried(value: JsonValue, place: Place) -> Sample | Unusable:
    try:
        return _sample(Record.model_validate(value), place)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "record"
        return Unusable(f"{place.name}: {where}: {first['msg']}")
    except Unusable as error:
        return Unusable(f"{place.name}: {error}")


def _sample(record: Record, place: Place) -> Sample:
    messages = [turn.message() for turn in record.conversations or record.messages]
    if record.system:
        messages.insert(0, {"role": "system", "content": record.system})
    weights = [turn.weight for turn in record.messages if ROLES[turn.role] == "assistant"]
    answers = [message for message in messages if message["role"] == "assistant"]
    if not answers:
        raise Unusable("no answer; expected a turn of the assistant")
    taught = tuple(map(bool, weights)) if weights and not record.conversations else (True,) * len(answers)
    if not any(taught):
        raise Unusable("every answer has weight 0; expected one to learn")
    media: dict[str, tuple[Path, ...]] = {}
    for kind, given in (("image", (record.image, record.images)), ("video", (record.video, record.videos))):
        media[kind] = tuple(place.path.parent / name for files in given for name in files or ())
    shown = tuple(message | {"content": _content(message)} for message in messages)
    for kind, paths in media.items():
        if (places := _count(shown, kind)) != len(paths):
            raise Unusable(f"{places} places for {kind}s, {len(paths)} files; expected as many of one as of the other")
    frame = record.coordinates or place.frame
    return Sample(
        name=place.name,
        kind=record.kind or _kind(answers),
        messages=shown,
        images=media["image"],
        videos=media["video"],
        tools=_tools(record.tools),
        frame=frame,
        taught=taught,
    )


def _kind(answers: Sequence[Mapping[str, JsonValue]]) -> Kind:
    """What the answers do: act, point, or talk."""
    said = "\n".join(str(answer["content"]) for answer in answers)
    if CALL.search(said) or any("tool_calls" in answer for answer in answers):
        return "agent"
    return "grounding" if POINTS.search(said) else "dialogue"


def _content(message: Mapping[str, JsonValue]) -> JsonValue:
    """Content in pieces, with places where the tags are; answers show nothing, so a tag in them is text."""
    content = message["content"]
    if not isinstance(content, str) or message["role"] == "assistant":
        return content
    pieces = TAGS.split(content)  # text, tag, text, tag, ..., text
    parts: list[JsonValue] = [
        {"type": piece} if index % 2 else {"type": "text", "text": piece} for index, piece in enumerate(pieces)
    ]
    kept = [part for part in parts if part != {"type": "text", "text": ""}]
    return kept if len(pieces) > 1 else content


def _count(messages: tuple[Mapping[str, JsonValue], ...], kind: str) -> int:
    contents = [message["content"] for message in messages]
    parts = [part for content in contents if isinstance(content, list) for part in content]
    return sum(isinstance(part, dict) and part.get("type") == kind for part in parts)


def _calls(value: JsonValue) -> JsonValue:
    """Calls as LLaMA-Factory writes them: JSON text of one or several {"name", "arguments"}."""
    try:
        found = json.loads(value) if isinstance(value, str) else value
    except (ValueError, RecursionError) as error:
        raise Unusable(f"a function_call is no JSON: {error}") from None
    functions = found if isinstance(found, list) else [found]
    return [{"type": "function", "function": function} for function in functions]


def _tools(value: JsonValue) -> tuple[dict[str, JsonValue], ...]:
    """Tools in OpenAI's shape; LLaMA-Factory writes the functions alone, as JSON text."""
    try:
        found = json.loads(value) if isinstance(value, str) and value else value or []
    except (ValueError, RecursionError) as error:
        raise Unusable(f"tools are no JSON: {error}") from None
    tools = [tool for tool in found if isinstance(tool, dict)] if isinstance(found, list) else []
    if not isinstance(found, list) or len(tools) < len(found):
        raise Unusable("tools; expected a list of objects")
    return tuple(tool if "function" in tool else {"type": "function", "function": tool} for tool in tools)
