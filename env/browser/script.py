"""Our own scripts, and running them in a page with an answer of a known shape."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import TypeAlias

from playwright.async_api import CDPSession

Json: TypeAlias = bool | int | float | str | list["Json"] | dict[str, "Json"] | None
"""What a script may take and give back."""

CALL = "((script, args) => typeof script === 'function' ? script(...args) : script)"


class ScriptError(ValueError):
    """A script of ours threw, or gave back what JSON cannot say."""


@cache
def source(name: str) -> str:
    """The text of one of this package's .js files."""
    return files("env.browser").joinpath(name).read_text(encoding="utf-8")


def literal(value: Sequence[str | int] | None) -> str:
    """A list as a script writes it."""
    return json.dumps(value)


async def answers(cdp: CDPSession, seconds: float) -> bool:
    """Whether the page runs a script within `seconds`; it runs none while it waits for a dead server."""
    try:
        async with asyncio.timeout(seconds):
            await cdp.send("Runtime.evaluate", {"expression": "1", "returnByValue": True})
    except TimeoutError:
        return False
    return True


async def evaluate(cdp: CDPSession, script: str, *args: Json) -> Json:
    """What `script`, an expression or a function of `args`, gives in the page's main frame.

    It goes past Playwright's own evaluation, which waits for every frame that is on its way to another document.
    """
    # Comments may end a file, so the closing bracket stands on a line of its own.
    expression = f"{CALL}(({script}\n), {json.dumps(args)})"
    answer = await cdp.send("Runtime.evaluate", {"expression": expression, "returnByValue": True, "awaitPromise": True})
    if "exceptionDetails" in answer:
        details = answer["exceptionDetails"]
        said = details.get("exception", {}).get("description") or details.get("text", "")
        raise ScriptError(f"script failed: {said}")
    value: Json = answer["result"].get("value")
    return value
