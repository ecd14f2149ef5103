"""The file of a cassette: one JSON object a line, each a thing that was asked of a model and what came of it.

Pictures stand in it by their content hash alone, keys and addresses not at all.
"""

from __future__ import annotations

import difflib
import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, TypeAdapter, ValidationError

from agent.picture import digest, encode
from agent.settings import Settings
from agent.speaker import Question

LONGEST = 40
"""Lines of a difference that are shown."""


class TapeError(ValueError):
    """A cassette that cannot be used, and why."""


class Entry(BaseModel):
    """One line. `part` tells models apart that share a cassette."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    part: str


class Known(Entry):
    """Who was asked."""

    kind: Literal["speaker"] = "speaker"
    name: str
    hash: str
    room: int | None
    settings: Settings


class Size(Entry):
    """At which size the model sees an image."""

    kind: Literal["size"] = "size"
    given: tuple[int, int]
    seen: tuple[int, int]


class Count(Entry):
    """Tokens of the prompt of a question."""

    kind: Literal["count"] = "count"
    key: str
    tokens: int


class Spent(BaseModel):
    """Tokens of an answer."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    prompt_tokens: int
    image_tokens: int
    completion_tokens: int
    prefilled_tokens: int | None = None


class Sure(BaseModel):
    """How sure the model was, see `agent.step.Chance`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    call: float
    places: float | None = None
    held: bool


class Answered(Entry):
    """A question, by its content, and the answer to it."""

    kind: Literal["answer"] = "answer"
    key: str
    question: dict[str, JsonValue]
    text: str
    tokens: tuple[int, ...] = ()
    usage: Spent
    image_sizes: tuple[tuple[int, int, int, int], ...] = ()
    timings: dict[str, float] = Field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    chance: Sure | None = None


Line = Annotated[Known | Size | Count | Answered, Field(discriminator="kind")]
LINE: TypeAdapter[Line] = TypeAdapter(Line)


class Tape:
    """Lines that are read or written. Raises `TapeError` for a file that is not as it has to be."""

    def __init__(self, path: Path, lines: tuple[Line, ...] = ()) -> None:
        self.path, self.lines = path, lines

    @classmethod
    def blank(cls, path: Path) -> Tape:
        """A new cassette in a file that is not there yet."""
        try:
            path.open("x").close()
        except OSError as error:
            raise TapeError(f"{path}: {error.strerror}; expected a new file in a folder that is there") from error
        return cls(path)

    @classmethod
    def read(cls, path: Path) -> Tape:
        """A cassette that was recorded. A last line that was cut off counts as not there."""
        try:
            texts = path.read_bytes().split(b"\n")[:-1]
        except OSError as error:
            raise TapeError(f"{path}: {error.strerror}") from error
        lines = []
        for number, text in enumerate(texts, 1):
            try:
                lines.append(LINE.validate_json(text))
            except ValidationError as error:
                raise TapeError(f"{path}:{number}: {error.errors(include_url=False)[0]['msg']}") from error
        if not lines:
            raise TapeError(f"{path}: an empty cassette")
        return cls(path, tuple(lines))

    def write(self, line: Line) -> None:
        """Put one more line on disk."""
        with self.path.open("ab") as file:
            file.write(LINE.dump_json(line) + b"\n")


def content(question: Question) -> dict[str, JsonValue]:
    """A question as data: the same for the same words, pictures and limits, on any machine."""
    images, clips = iter(question.images), iter(question.videos)

    def part(given: Mapping[str, object]) -> dict[str, object]:
        if given["type"] == "image":
            image = next(images)
            return {"type": "image", "sha256": digest(encode(image)), "size": [image.shape[1], image.shape[0]]}
        if given["type"] == "video":
            clip = next(clips)
            return {"type": "video", "sha256": digest(clip.frames.tobytes()), "fps": clip.fps}
        return dict(given)

    def message(given: Mapping[str, object]) -> dict[str, object]:
        parts = given.get("content")
        return {**given, "content": [part(each) for each in parts]} if isinstance(parts, list) else dict(given)

    data = {
        "messages": [message(each) for each in question.messages],
        "max_tokens": question.max_tokens,
        "stop": list(question.stop),
        "tools": [dict(tool) for tool in question.tools],
        "schema": question.schema,
    }
    found: dict[str, JsonValue] = json.loads(json.dumps(data))
    return found


def fingerprint(data: Mapping[str, JsonValue]) -> str:
    """SHA-256 of a question's content."""
    return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()


def difference(asked: Mapping[str, JsonValue], known: list[Answered]) -> str:
    """How `asked` differs from the recorded question that is most like it."""
    new = list(spread(dict(asked)))
    if not known:
        return "nothing was asked of it"
    olds = [list(spread(each.question)) for each in known]
    nearest = max(olds, key=lambda old: difflib.SequenceMatcher(None, old, new, autojunk=False).quick_ratio())
    lines = list(difflib.unified_diff(nearest, new, "recorded", "asked", lineterm="", n=1))
    more = [f"... and {len(lines) - LONGEST} more lines"] if len(lines) > LONGEST else []
    return "\n".join((*(line[:200] for line in lines[:LONGEST]), *more))


def spread(data: JsonValue, name: str = "") -> Iterator[str]:
    """Data as lines: one for each line of each text in it."""
    if isinstance(data, dict):
        for key, value in data.items():
            yield from spread(value, f"{name}.{key}" if name else key)
    elif isinstance(data, list):
        for number, value in enumerate(data):
            yield from spread(value, f"{name}[{number}]")
    else:
        yield from (f"{name}: {line}" for line in str(data).split("\n"))
