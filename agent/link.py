"""A line to a server that speaks the OpenAI interface: what is repeated when it fails, and what is not.

Asking again changes nothing on the screen, so all that may pass by itself is asked again: no connection, a connection
that broke, too many requests, a server that is overloaded or starting. A request that was refused would be refused
again, and one that took too long may still be running there, so neither is repeated.
"""

from __future__ import annotations

import time
import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TypeVar

import openai
from openai import OpenAI, Stream
from openai.types import Model
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from pydantic import JsonValue

from agent.policy import PolicyBroken
from agent.speaker import QuestionError

T = TypeVar("T")

PASSING = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})
"""Statuses that may be gone a moment later."""

MEANT = frozenset({400, 413, 415, 422})
"""Statuses that say something about the question itself."""

LONGEST = 30.0
"""Seconds that a server may ask to be left alone for."""


@dataclass(frozen=True)
class Patience:
    """How long an answer may take, how often it is asked for, and how the time between is spent."""

    seconds: float = 120.0
    attempts: int = 4
    first: float = 0.5
    """Seconds before the second attempt; doubled before each further one."""
    pause: Callable[[float], None] = field(default=time.sleep, repr=False)


class Link:
    """The official client, and our own rule for what is asked twice."""

    def __init__(self, url: str, key: str = "", patience: Patience | None = None) -> None:
        self.url, self.patience = url, patience or Patience()
        self._key = key
        timeout = openai.Timeout(self.patience.seconds, connect=min(10.0, self.patience.seconds))
        self._client = OpenAI(base_url=url, api_key=key or "none", admin_api_key="", timeout=timeout, max_retries=0)
        self._client.organization = self._client.project = None  # of another account than this server's, if of any
        weakref.finalize(self, self._client.close)

    def models(self) -> list[Model]:
        """What the server has."""
        return list(self._again(lambda: self._client.models.list().data))

    def complete(self, body: dict[str, JsonValue]) -> ChatCompletion:
        """The whole answer at once."""
        return self._again(lambda: self._client.post("/chat/completions", body=body, cast_to=ChatCompletion))

    def stream(self, body: dict[str, JsonValue]) -> Iterator[ChatCompletionChunk]:
        """The answer piece by piece; once a piece has come, nothing is asked again."""
        whole = {**body, "stream": True, "stream_options": {"include_usage": True}}
        chunks = self._again(
            lambda: self._client.post(
                "/chat/completions",
                body=whole,
                cast_to=ChatCompletion,
                stream=True,
                stream_cls=Stream[ChatCompletionChunk],
            )
        )
        try:
            with chunks:
                yield from chunks
        except openai.OpenAIError as error:
            raise PolicyBroken(f"{self.url}: the answer broke off: {self._clean(error)}") from None

    def _again(self, ask: Callable[[], T]) -> T:
        for attempt in range(1, self.patience.attempts + 1):
            try:
                return ask()
            except openai.OpenAIError as error:
                wait = self._wait(error, attempt)
                if wait is None:
                    raise self._broken(error, attempt) from None
            self.patience.pause(wait)
        raise AssertionError("the last attempt returns or raises")

    def _wait(self, error: openai.OpenAIError, attempt: int) -> float | None:
        """Seconds before the next attempt; None where there is to be none."""
        usual: float = self.patience.first * 2 ** (attempt - 1)
        if attempt == self.patience.attempts or isinstance(error, openai.APITimeoutError):
            return None
        if isinstance(error, openai.APIConnectionError):
            return usual
        if not isinstance(error, openai.APIStatusError) or error.status_code not in PASSING:
            return None
        if error.code == "insufficient_quota":
            return None
        try:
            asked = float(error.response.headers.get("retry-after", usual))
        except ValueError:  # a date
            asked = usual
        return max(0.0, asked) if asked <= LONGEST else None

    def _broken(self, error: openai.OpenAIError, attempts: int) -> PolicyBroken | QuestionError:
        said = self._clean(error)
        if isinstance(error, openai.APITimeoutError):
            return PolicyBroken(f"{self.url}: no answer within {self.patience.seconds:g} seconds")
        if isinstance(error, openai.APIStatusError):
            if error.status_code in MEANT:
                return QuestionError(f"{self.url}: {said}")
            hint = "; is the API key right?" if error.status_code in (401, 403) else ""
            return PolicyBroken(f"{self.url}: {said}{hint}")
        times = f" ({attempts} attempts)" if attempts > 1 else ""
        return PolicyBroken(f"{self.url}: cannot be reached: {said}{times}")

    def _clean(self, error: openai.OpenAIError) -> str:
        """What went wrong in one line, without the key."""
        cause = f": {error.__cause__}" if isinstance(error, openai.APIConnectionError) and error.__cause__ else ""
        text = " ".join(f"{error}{cause}".split())[:500]
        return text.replace(self._key, "***") if self._key else text
