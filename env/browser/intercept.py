"""Documents that a page asks for, looked at before they are: one that may not be leaves the page as it was.

The gate would turn them away as well, but all that Chromium makes of that is an error page.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping

from playwright.async_api import CDPSession

from env.network import Network

ASKED = {"urlPattern": "*", "resourceType": "Document", "requestStage": "Request"}
LOCAL = ("about:", "blob:", "data:")
"""Schemes of documents that come from the page itself; what they ask for is looked at in turn."""

Spawn = Callable[[Coroutine[object, object, None]], None]


async def pause(cdp: CDPSession, network: Network | None, *more: Mapping[str, str]) -> None:
    """Have documents wait for leave, where there is a policy, and whatever `more` names; nothing else waits."""
    patterns = [*([ASKED] if network is not None else []), *more]
    if patterns:
        await cdp.send("Fetch.enable", {"patterns": patterns})
    else:
        await cdp.send("Fetch.disable")


async def follow(cdp: CDPSession, network: Network | None, refuse: Callable[[str], None], spawn: Spawn) -> None:
    """Let documents of `network` pass from now on, and tell `refuse` of the others."""
    if network is None:
        return

    def paused(event: Mapping[str, object]) -> None:
        if answered(event):
            return
        request, params = event["request"], {"requestId": str(event["requestId"])}
        assert isinstance(request, dict)
        if allowed(network, str(request["url"])):
            spawn(_send(cdp, "Fetch.continueRequest", params))
        else:
            refuse(f"{request['method']} {request['url']}")
            spawn(_send(cdp, "Fetch.failRequest", {**params, "errorReason": "Aborted"}))

    cdp.on("Fetch.requestPaused", paused)
    await pause(cdp, network)


def answered(event: Mapping[str, object]) -> bool:
    """Whether a paused request already has its answer, or its failure."""
    return "responseStatusCode" in event or "responseErrorReason" in event


def allowed(network: Network, url: str) -> bool:
    """Whether a document may be asked for."""
    return url.startswith(LOCAL) or network.allows(url) or network.shows(url)


async def _send(cdp: CDPSession, method: str, params: dict[str, str]) -> None:
    await cdp.send(method, params)
