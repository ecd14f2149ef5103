"""Where a person leads a tab is told, each address once, however close the browser's own bookkeeping follows."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from browser_pages import Server, serve
from demonstration import PAGES, SIZE

from env import BrowserOptions, Task
from env.browser.attended import AttendedBrowser
from env.heard import Heard, Opened, Returned

HOPS = 30
"""A look that comes too early is refused in one navigation out of eight or so."""


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serve(PAGES) as running:
        yield running


@pytest.fixture(scope="module")
def env() -> Iterator[AttendedBrowser]:
    with AttendedBrowser(BrowserOptions(size=SIZE)) as env:
        yield env


def hear(env: AttendedBrowser, number: int) -> list[Heard]:
    """The next that are heard, so many."""
    found: list[Heard] = []
    while len(found) < number:
        heard = env.take()
        if heard is not None:
            found.append(heard)
        else:
            assert env.wait(10), f"nothing after {found}"
            assert not env.ended
    return found


def test_every_address_and_every_step_back_is_told_once(env: AttendedBrowser, server: Server) -> None:
    """Two names of one server are two sites, whose pages have processes of their own."""
    env.reset(Task(start=f"{server.url}/more"))
    session = env._open()
    other = server.url.replace("127.0.0.1", "localhost")
    told: list[Heard] = []
    for hop in range(HOPS):
        url = f"{(other, server.url)[hop % 2]}/more?{hop}"
        env._call(session.current.cdp.send("Page.navigate", {"url": url, "transitionType": "typed"}), 10)
        told += hear(env, 1)
        assert told[-1] == Opened(url)
    for _ in range(5):
        env._call(session.current.page.go_back(wait_until="commit"), 10)
        told += hear(env, 1)
        assert told[-1] == Returned()
    env.look()
    assert (env.take(), session.broken) == (None, None)


def test_windows_that_a_page_opens_are_no_addresses_of_a_person(env: AttendedBrowser, server: Server) -> None:
    env.reset(Task(start=f"{server.url}/more"))
    session = env._open()
    other = server.url.replace("127.0.0.1", "localhost")

    async def popup(hop: int) -> None:
        first = session.tabs[0].page
        async with first.expect_popup() as opened:
            await first.evaluate("(url) => { open(url) }", f"{(other, server.url)[hop % 2]}/more?{hop}")
        await (await opened.value).wait_for_load_state()
        while len(session.tabs) < 2:
            await asyncio.sleep(0)
        await session.tabs[1].page.close()

    for hop in range(10):
        env._call(popup(hop), 10)
    env.look()
    assert (env.take(), session.broken) == (None, None)
