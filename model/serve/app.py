"""The HTTP interface: /v1/models, /v1/chat/completions and /health."""

from __future__ import annotations

import asyncio
import hmac
import time
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import TypeVar

from fastapi import Depends, FastAPI, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse
from pydantic import JsonValue, ValidationError

from model.messages import ChatError
from model.model import Generation, Model
from model.plan import PlanError
from model.serve.desk import Desk, Order
from model.serve.errors import ApiError, invalid, shape
from model.serve.reply import Answer, Stamp, Stream, event
from model.serve.request import ChatRequest

T = TypeVar("T")


@dataclass(frozen=True)
class Limits:
    """What a client may ask of the server, and how it is answered."""

    body: int = 32 * 2**20
    """Bytes of a request."""
    waiting: int = 8
    """Requests that wait while one is answered; more are refused."""
    tokens: int = 512
    """Tokens of an answer where the client names no number."""
    hosts: frozenset[str] | None = None
    """Names under which the server may be addressed, so that no web page reaches it by its own; None for any."""
    told: bool = True
    """Whether the model is told of the tools by its chat template; False for one that was trained on its one tool."""
    key: str = ""
    """What a client has to present as its API key; empty for nothing."""


@dataclass(frozen=True)
class Clock:
    """Where ids and times come from."""

    now: Callable[[], float] = time.time
    mark: Callable[[], str] = lambda: uuid.uuid4().hex


def create_app(
    model: Model, *, limits: Limits = Limits(), card: Mapping[str, JsonValue] | None = None, clock: Clock = Clock()
) -> FastAPI:
    """`model` behind the OpenAI interface; `card` is put beside its entry in /v1/models, for clients that read it."""
    service = Service(model, limits, Desk(model, limits.waiting), dict(card or {}), clock)

    @asynccontextmanager
    async def life(app: FastAPI) -> AsyncIterator[None]:
        yield
        service.desk.close()

    app = FastAPI(
        title="handeye",
        lifespan=life,
        dependencies=[Depends(service.admit)],
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
    )
    shape(app)
    app.get("/health")(service.health)
    app.get("/v1/models")(service.models)
    app.get("/v1/models/{name:path}")(service.entry)
    app.post("/v1/chat/completions")(service.complete)
    return app


@dataclass
class Service:
    """What the paths answer."""

    model: Model
    limits: Limits
    desk: Desk
    card: Mapping[str, JsonValue]
    clock: Clock

    async def admit(self, request: Request) -> None:
        """Refuse whoever addresses the server by a strange name, or has not the key."""
        host = request.headers.get("host", "").rpartition(":")[0] or request.headers.get("host", "")
        if self.limits.hosts is not None and host.strip("[]") not in self.limits.hosts:
            raise ApiError(403, f"host: {host!r} is not a name of this server")
        if self.limits.key and request.url.path != "/health":
            given = request.headers.get("authorization", "").removeprefix("Bearer ")
            if not hmac.compare_digest(given.encode(), self.limits.key.encode()):
                raise ApiError(
                    401, "authorization: expected 'Bearer' and the key of this server", code="invalid_api_key"
                )

    async def health(self) -> JSONResponse:
        """That the server answers, and how many requests are here."""
        return JSONResponse({"status": "ok", "requests": self.desk.orders})

    async def models(self) -> JSONResponse:
        """The one model there is."""
        return JSONResponse({"object": "list", "data": [self._card()]})

    async def entry(self, name: str) -> JSONResponse:
        """The same by its name."""
        self._known(name)
        return JSONResponse(self._card())

    async def complete(self, request: Request) -> Response:
        """Continue a conversation."""
        asked = await self._read(request)
        images = await asyncio.to_thread(lambda: list(asked.images()))
        told = self.limits.told
        messages = [each.plain() if told else each.spelled() for each in asked.messages]
        order = Order(messages, images, asked.ask(self.limits.tokens, told=told))
        stamp = Stamp(f"chatcmpl-{self.clock.mark()}", int(self.clock.now()), self.model.name)
        news = self.desk.answer(order)
        try:
            if asked.stream:
                first = await unless_gone(request, anext(news))
                return StreamingResponse(_events(Stream(asked, stamp), first, news), media_type="text/event-stream")
            return JSONResponse(Answer.of(asked, await unless_gone(request, _last(news))).whole(stamp))
        except (ChatError, PlanError) as error:
            raise ApiError(400, str(error)) from None
        except ArithmeticError as error:
            raise ApiError(500, str(error)) from None

    async def _read(self, request: Request) -> ChatRequest:
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/json":  # what a web page may send to any server without asking is no JSON
            raise ApiError(415, f"content-type: {kind!r}; expected application/json")
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > self.limits.body:
                raise ApiError(413, f"the request has more than {self.limits.body} bytes")
        try:
            asked = ChatRequest.model_validate_json(bytes(body))
        except ValidationError as error:
            raise invalid(error) from None
        self._known(asked.model)
        return asked

    def _known(self, name: str | None) -> None:
        if name is not None and name != self.model.name:
            text = f"model: {name!r} is not here; this server has {self.model.name!r}"
            raise ApiError(404, text, param="model", code="model_not_found")

    def _card(self) -> dict[str, JsonValue]:
        processor = self.model.processor
        return {
            "id": self.model.name,
            "object": "model",
            "created": 0,
            "owned_by": "handeye",
            "max_model_len": self.model.config.text.max_position_embeddings,
            "image": {
                "factor": processor.factor,
                "min_pixels": processor.min_pixels,
                "max_pixels": processor.max_pixels,
            },
            **self.card,
        }


async def unless_gone(request: Request, answer: Awaitable[T]) -> T:
    """The answer, given up as soon as the client hangs up."""
    work = asyncio.ensure_future(answer)
    gone = asyncio.create_task(_hung_up(request))
    try:
        await asyncio.wait((work, gone), return_when=asyncio.FIRST_COMPLETED)
        if not work.done():
            raise ApiError(499, "the client hung up")
        return work.result()
    finally:
        gone.cancel()
        work.cancel()
        await asyncio.wait((work, gone))


async def _hung_up(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def _last(news: AsyncGenerator[str | Generation, None]) -> Generation:
    async with aclosing(news):
        async for said in news:
            if isinstance(said, Generation):
                return said
    raise AssertionError("the desk ends with a generation")


async def _events(
    stream: Stream, first: str | Generation, news: AsyncGenerator[str | Generation, None]
) -> AsyncIterator[str]:
    """The answer as events; what goes wrong on the way is one as well, and the last."""
    async with aclosing(news):
        yield stream.begin()
        said: str | Generation = first
        try:
            while isinstance(said, str):
                if shown := stream.piece(said):
                    yield shown
                said = await anext(news)
            yield stream.end(said)
        except (ApiError, ArithmeticError) as error:
            yield event((error if isinstance(error, ApiError) else ApiError(500, str(error))).body)
