"""Models on a cassette: one that is listened to, and one that is played back without the model."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import JsonValue

from agent.policy import PolicyBroken
from agent.settings import Settings
from agent.speaker import Question, QuestionError, Said, Speaker
from agent.step import Chance, Usage
from agent.tape import Answered, Count, Known, Size, Spent, Sure, Tape, TapeError, content, difference, fingerprint

if TYPE_CHECKING:
    from model import Clip, Sampling


class Recorded:
    """Another speaker, with everything it says kept on `tape`."""

    def __init__(self, speaker: Speaker, tape: Tape, part: str = "model") -> None:
        self.speaker, self.tape, self.part = speaker, tape, part
        self._sizes: dict[tuple[int, int], tuple[int, int]] = {}

    @property
    def name(self) -> str:
        """That of the speaker."""
        return self.speaker.name

    @cached_property
    def settings(self) -> Settings:
        """Those of the speaker."""
        found, speaker = self.speaker.settings, self.speaker
        self.tape.write(Known(part=self.part, name=speaker.name, hash=speaker.hash, room=speaker.room, settings=found))
        return found

    @property
    def hash(self) -> str:
        """That of the speaker."""
        return self.speaker.hash

    @property
    def room(self) -> int | None:
        """That of the speaker."""
        return self.speaker.room

    def size(self, width: int, height: int) -> tuple[int, int]:
        """As the speaker has it."""
        if (width, height) not in self._sizes:
            seen = self._sizes[width, height] = self.speaker.size(width, height)
            self.tape.write(Size(part=self.part, given=(width, height), seen=seen))
        return self._sizes[width, height]

    def clip(self, path: Path, sampling: Sampling) -> Clip:
        """As the speaker has it."""
        return self.speaker.clip(path, sampling)

    def count(self, question: Question) -> int:
        """As the speaker has it."""
        tokens = self.speaker.count(question)
        self.tape.write(Count(part=self.part, key=fingerprint(content(question)), tokens=tokens))
        return tokens

    def say(self, question: Question, watch: Callable[[str], None] | None = None) -> Said:
        """What the speaker says, once it is on disk."""
        _ = self.settings
        said, data = self.speaker.say(question, watch), content(question)
        self.tape.write(
            Answered(
                part=self.part,
                key=fingerprint(data),
                question=data,
                text=said.text,
                tokens=said.tokens,
                usage=Spent(**asdict(said.usage)),
                image_sizes=said.image_sizes,
                timings=dict(said.timings),
                warnings=said.warnings,
                chance=Sure(**asdict(said.chance)) if said.chance else None,
            )
        )
        return said


class Played:
    """The model that `tape` was recorded from. Raises `TapeError` where none was.

    The same question asked again gets the next of its answers, and the last one from then on.
    """

    def __init__(self, tape: Tape, part: str = "model") -> None:
        known = [line for line in tape.lines if isinstance(line, Known) and line.part == part]
        if not known:
            parts = ", ".join(sorted({line.part for line in tape.lines}))
            raise TapeError(f"{tape.path}: nobody was recorded as {part}; there are {parts}")
        self.path, self.known = tape.path, known[0]
        lines = [line for line in tape.lines if line.part == part]
        self._sizes = {line.given: line.seen for line in lines if isinstance(line, Size)}
        self._counts = {line.key: line.tokens for line in lines if isinstance(line, Count)}
        self._answers: defaultdict[str, list[Answered]] = defaultdict(list)
        for line in lines:
            if isinstance(line, Answered):
                self._answers[line.key].append(line)
        self._asked: Counter[str] = Counter()

    @property
    def name(self) -> str:
        """That of the recorded model."""
        return self.known.name

    @property
    def settings(self) -> Settings:
        """Those of the recorded model."""
        return self.known.settings

    @property
    def hash(self) -> str:
        """That of the recorded model."""
        return self.known.hash

    @property
    def room(self) -> int | None:
        """That of the recorded model."""
        return self.known.room

    def size(self, width: int, height: int) -> tuple[int, int]:
        """As it was recorded."""
        if (width, height) in self._sizes:
            return self._sizes[width, height]
        known = ", ".join(f"{w}x{h}" for w, h in self._sizes) or "none"
        raise PolicyBroken(f"{self.path}: images of {width}x{height} pixels were not shown; shown were {known}")

    def clip(self, path: Path, sampling: Sampling) -> Clip:
        """Nothing: which frames a model takes of a video is not recorded."""
        raise QuestionError(f"{self.path}: videos cannot be played back")

    def count(self, question: Question) -> int:
        """As it was recorded."""
        data = content(question)
        if (key := fingerprint(data)) in self._counts:
            return self._counts[key]
        raise self._miss(data)

    def say(self, question: Question, watch: Callable[[str], None] | None = None) -> Said:
        """The recorded answer; `PolicyBroken` shows how the question differs from all that were recorded."""
        data = content(question)
        key = fingerprint(data)
        if key not in self._answers:
            raise self._miss(data)
        answers = self._answers[key]
        found = answers[min(self._asked[key], len(answers) - 1)]
        self._asked[key] += 1
        if watch:
            watch(found.text)
        usage = Usage(**found.usage.model_dump())
        sure = Chance(**found.chance.model_dump()) if found.chance else None
        return Said(found.text, found.tokens, usage, found.image_sizes, found.timings, found.warnings, sure)

    def _miss(self, data: dict[str, JsonValue]) -> PolicyBroken:
        known = [line for lines in self._answers.values() for line in lines]
        return PolicyBroken(f"{self.path}: this was not recorded:\n{difference(data, known)}")
