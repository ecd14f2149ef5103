"""What went wrong, in the shape that clients of the OpenAI interface read."""

from __future__ import annotations

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from pydantic import ValidationError
from starlette.exceptions import HTTPException

KINDS = {401: "authentication_error", 404: "not_found_error", 413: "request_too_large", 429: "rate_limit_error"}
"""The `type` of an error by its status; "invalid_request_error" for all else below 500."""


class ApiError(Exception):
    """An answer that is an error: `param` names the field that is wrong, `code` is for programs."""

    def __init__(self, status: int, message: str, *, param: str | None = None, code: str | None = None) -> None:
        super().__init__(message)
        self.status, self.message, self.param, self.code = status, message, param, code

    @property
    def body(self) -> dict[str, dict[str, str | None]]:
        """The error object."""
        kind = KINDS.get(self.status, "invalid_request_error" if self.status < 500 else "server_error")
        return {"error": {"message": self.message, "type": kind, "param": self.param, "code": self.code}}

    @property
    def response(self) -> JSONResponse:
        """The same as an HTTP answer."""
        return JSONResponse(self.body, self.status, {"Retry-After": "1"} if self.status == 429 else None)


def invalid(error: ValidationError) -> ApiError:
    """What is wrong with a request: of several ways to read a field, the one that went farthest counts."""
    first = max(error.errors(include_url=False, include_context=False), key=lambda each: len(each["loc"]))
    place = ".".join(str(part) for part in first["loc"] if part != "str" and "[" not in str(part))
    value = f"{place}: {str(first['input'])[:60]!r}: " if place else ""
    return ApiError(400, value + first["msg"], param=place or None)


def shape(app: FastAPI) -> None:
    """Let every error of `app` have the interface's own shape, wrong paths and methods too."""

    @app.exception_handler(ApiError)
    async def ours(request: Request, error: ApiError) -> JSONResponse:
        return error.response

    @app.exception_handler(Exception)
    async def unforeseen(request: Request, error: Exception) -> JSONResponse:
        return ApiError(500, "the server failed; its log says how").response  # uvicorn writes the traceback there

    @app.exception_handler(HTTPException)
    async def theirs(request: Request, error: HTTPException) -> JSONResponse:
        return ApiError(error.status_code, f"{request.method} {request.url.path}: {error.detail}").response
