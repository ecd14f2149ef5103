"""A line to a server that speaks the OpenAI interface: what is repeated when it fails, and what is not.

Asking again changes nothing on the screen, so all that may pass by itself is asked again: no connection, a connection
that broke, too many requests, a server that is overloaded or starting. A request that was refused would be refused
again, and one that took too long may still be running there, so neither is repeated. Where there are several servers,
one is asked until it fails, and then the next: what it has read of a conversation need not be read again.
"""

from __future__ import annotations

import time
import weakref
from collections import deque
from collections.abc import Callable, Iterator, Sequence
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


@dataclass(frozen=True)
class Server:
    """Where a server is, and the client that asks it."""

    url: str
    client: OpenAI


class Link:
    """The official client, and our own rule for what is asked twice; `others` have the same model as `url`."""

    def __init__(self, url: str, key: str = "", patience: Patience | None = None, others: Sequence[str] = ()) -> None:
        self.patience = patience or Patience()
        self._key = key
        self._servers = deque(self._open(each) for each in (url, *others))

    def _open(self, url: str) -> Server:
        timeout = openai.Timeout(self.patience.seconds, connect=min(10.0, self.patience.seconds))
        client = OpenAI(base_url=url, api_key=self._key or "none", admin_api_key="", timeout=timeout, max_retries=0)
        client.organization = client.project = None  # of another account than this server's, if of any
        weakref.finalize(self, client.close)
        return Server(url, client)

    @property
    def url(self) -> str:
        """The server that is asked next."""
        return self._servers[0].url

    def models(self) -> list[Model]:
        """What the server has."""
        return list(self._again(lambda client: client.models.list().data))

    def complete(self, body: dict[str, JsonValue]) -> ChatCompletion:
        """The whole answer at once."""
        return self._again(lambda client: client.post("/chat/completions", body=body, cast_to=ChatCompletion))

    def stream(self, body: dict[str, JsonValue]) -> Iterator[ChatCompletionChunk]:
        """The answer piece by piece; once a piece has come, nothing is asked again."""
        whole = {**body, "stream": True, "stream_options": {"include_usage": True}}
        chunks = self._again(
            lambda client: client.post(
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
            broken = PolicyBroken(f"{self.url}: the answer broke off: {self._clean(error)}")
            self._servers.rotate(-1)
            raise broken from None

    def _again(self, ask: Callable[[OpenAI], T]) -> T:
        """Ask one server after the other, round by round, with a pause after each round."""
        servers = len(self._servers)
        most = self.patience.attempts * servers
        for attempt in range(1, most + 1):
            try:
                return ask(self._servers[0].client)
            except openai.OpenAIError as error:
                wait = self._wait(error, (attempt - 1) // servers)
                broken = self._broken(error, attempt) if wait is None or attempt == most else None
                if not isinstance(broken, QuestionError):
                    self._servers.rotate(-1)
                if broken:
                    raise broken from None
                assert wait is not None
            if attempt % servers == 0:
                self.patience.pause(wait)
        raise AssertionError("the last attempt returns or raises")

    def _wait(self, error: openai.OpenAIError, rounds: int) -> float | None:
        """Seconds to wait after so many rounds before this one; None where it is not to be asked again."""
        usual: float = self.patience.first * 2**rounds
        if isinstance(error, openai.APITimeoutError):
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
