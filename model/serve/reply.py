"""What a client is told: whole answers, and the pieces of a stream."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pydantic import JsonValue

from model.model import Generation
from model.serve.calls import OPEN, Call, Sieve, split
from model.serve.errors import ApiError
from model.serve.request import ChatRequest

DONE = "data: [DONE]\n\n"


@dataclass(frozen=True)
class Stamp:
    """What every object of one answer carries."""

    id: str
    created: int  # seconds since 1970
    model: str

    def wrap(self, kind: str, choices: Sequence[JsonValue], usage: JsonValue = None) -> dict[str, JsonValue]:
        """An object of the interface."""
        said: dict[str, JsonValue] = {"id": self.id, "object": kind, "created": self.created, "model": self.model}
        return {**said, "choices": list(choices), "usage": usage}


@dataclass(frozen=True)
class Answer:
    """A generation as the request wants to hear it. Stop strings are left out of the words, as the interface has it."""

    request: ChatRequest
    said: Generation
    words: str
    calls: tuple[Call, ...]
    stopped: str | None

    @classmethod
    def of(cls, request: ChatRequest, said: Generation) -> Answer:
        """Raises `ApiError` where the request demands a call and the model made none."""
        stopped = ended(request, said)
        text = said.text.removesuffix(stopped or "")
        words, calls = split(text, [tool.function.name for tool in request.offered])
        if request.forced and not calls:
            raise ApiError(
                500, f"the model made no call of the tools it was given: {text[:200]!r}", code="no_tool_call"
            )
        return cls(request, said, words, calls, stopped)

    @property
    def reason(self) -> str:
        """Why the answer ended."""
        if self.said.stop == "length":
            return "length"
        return "tool_calls" if self.calls else "stop"

    @property
    def usage(self) -> dict[str, JsonValue]:
        """What it cost; image tokens and cached ones are among those of the prompt."""
        prompt, completion = self.said.prompt_tokens, len(self.said.tokens)
        return {
            "prompt_tokens": prompt,
            "completion_tokens": completion,
            "total_tokens": prompt + completion,
            "prompt_tokens_details": {
                "image_tokens": self.said.image_tokens,
                "cached_tokens": prompt - self.said.prefilled_tokens,
            },
        }

    def whole(self, stamp: Stamp) -> dict[str, JsonValue]:
        """The object chat.completion."""
        message: dict[str, JsonValue] = {"role": "assistant", "content": self.words}
        if self.calls:
            calls: JsonValue = list(map(_call, self.calls, _ids(stamp, self.calls)))
            message |= {"content": self.words.strip() or None, "tool_calls": calls}
        choice: JsonValue = {"index": 0, "message": message, "finish_reason": self.reason, "stop_reason": self.stopped}
        return stamp.wrap("chat.completion", [choice], self.usage)


def ended(request: ChatRequest, said: Generation) -> str | None:
    """The client's stop string that ended the answer; None where something else did."""
    if said.stop != "stop":
        return None
    return next((text for text in request.stops if said.text.endswith(text)), None)


@dataclass
class Stream:
    """The events of a streamed answer; calls are told whole, once they are written."""

    request: ChatRequest
    stamp: Stamp
    shown: str = ""
    sieve: Sieve = field(init=False)

    def __post_init__(self) -> None:
        self.sieve = Sieve((*self.request.stops, *((OPEN,) if self.request.offered else ())))

    def begin(self) -> str:
        """The first event: who speaks."""
        return self._chunk({"role": "assistant", "content": ""})

    def piece(self, text: str) -> str:
        """An event with what may be shown of `text` and of what was kept back; empty where nothing may."""
        shown = self.sieve.feed(text)
        self.shown += shown
        return self._chunk({"content": shown}) if shown else ""

    def end(self, said: Generation) -> str:
        """The last events: what is left of the words, the calls, why it ended, and the usage where it was asked for."""
        answer = Answer.of(self.request, said)
        rest = answer.words.removeprefix(self.shown)
        if answer.calls:
            rest = rest.rstrip()
        events = [self._chunk({"content": rest})] if rest else []
        for index, (call, name) in enumerate(zip(answer.calls, _ids(self.stamp, answer.calls), strict=True)):
            events.append(self._chunk({"tool_calls": [{"index": index, **_call(call, name)}]}))
        events.append(self._chunk({}, answer.reason, answer.stopped))
        if self.request.stream_options and self.request.stream_options.include_usage:
            events.append(event(self.stamp.wrap("chat.completion.chunk", [], answer.usage)))
        return "".join((*events, DONE))

    def _chunk(self, delta: Mapping[str, JsonValue], reason: str | None = None, stopped: str | None = None) -> str:
        choice: JsonValue = {"index": 0, "delta": dict(delta), "finish_reason": reason, "stop_reason": stopped}
        return event(self.stamp.wrap("chat.completion.chunk", [choice]))


def event(data: Mapping[str, object]) -> str:
    """One server-sent event."""
    return f"data: {json.dumps(data, ensure_ascii=False)}\n\n"


def _ids(stamp: Stamp, calls: Sequence[Call]) -> list[str]:
    return [f"call_{stamp.id.rpartition('-')[2][:16]}{number}" for number in range(len(calls))]


def _call(call: Call, name: str) -> dict[str, JsonValue]:
    return {"id": name, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
