"""Pages that hang, browsers that die, servers that are not there: bounded, told, and cured by the next reset."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from agent_runs import broken_by, until
from browser_pages import Server, serve

from actions import ActionError, Click, Key, Navigate, Point, Type, Wait
from env import Browser, BrowserOptions, Task
from env.watch import drivers, marked, status

HANG = Click(at=Point(x=50, y=20))
OPTIONS = BrowserOptions(size=(400, 300), action_timeout=1.5, load_timeout=1.5, settle_cap=1.0)

pytestmark = pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="looks at processes in /proc")


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serve() as running:
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with Browser(OPTIONS) as made:
        yield made


def test_a_busy_loop_ends_in_a_timeout_and_the_next_reset_works(browser: Browser, server: Server) -> None:
    browser.reset(Task(start=f"{server.url}/busy"))
    hung = marked(browser.marker)
    assert broken_by(lambda: browser.step(HANG), 6).reason == "timeout"
    again = broken_by(lambda: browser.step(HANG), 1)
    assert again.reason == "timeout"
    assert "reset first" in str(again)
    assert browser.reset(Task(start=server.url)).title == "Start"
    assert browser.step(Click(at=Point(x=150, y=120))).receipt is not None
    assert not hung & marked(browser.marker)


def test_a_script_that_never_ends_is_ended(browser: Browser, server: Server) -> None:
    browser.reset(Task(start=server.url))
    assert broken_by(lambda: browser.evaluate("() => { for (;;) {} }"), 8).reason == "timeout"
    browser.reset(Task(start=server.url))
    assert broken_by(lambda: browser.evaluate("() => new Promise(() => 0)"), 8).reason == "timeout"
    assert browser.reset(Task(start=server.url)).title == "Start"


def test_a_crashed_page_is_told_and_the_next_reset_works(browser: Browser, server: Server) -> None:
    browser.reset(Task(start=server.url))
    renderers = [
        process
        for process in marked(browser.marker)
        if b"--type=renderer" in Path(f"/proc/{process}/cmdline").read_bytes()
    ]
    assert renderers
    for process in renderers:
        os.kill(process, signal.SIGKILL)
    assert broken_by(lambda: browser.step(HANG), 10).reason == "crash"
    assert browser.reset(Task(start=server.url)).title == "Start"


def test_a_killed_browser_is_told_and_the_next_reset_works(browser: Browser, server: Server) -> None:
    browser.reset(Task(start=server.url))
    for process in marked(browser.marker):
        os.kill(process, signal.SIGKILL)
    assert broken_by(lambda: browser.step(HANG), 10).reason == "crash"
    assert browser.reset(Task(start=server.url)).title == "Start"


def test_a_browser_killed_between_episodes_is_not_noticed(browser: Browser, server: Server) -> None:
    browser.reset(Task(start=server.url))
    for process in marked(browser.marker):
        os.kill(process, signal.SIGKILL)
    assert browser.reset(Task(start=server.url)).title == "Start"


def test_a_page_that_hangs_by_itself_holds_no_reset_up(browser: Browser, server: Server) -> None:
    browser.reset(Task(start=server.url))
    browser.evaluate("() => { setTimeout(() => { for (;;) {} }, 0) }")
    start = time.monotonic()
    assert browser.reset(Task(start=server.url)).title == "Start"
    assert time.monotonic() - start < 20


def test_a_page_that_breaks_our_own_counting_is_still_seen(browser: Browser, server: Server) -> None:
    browser.reset(Task(start=server.url))
    browser.evaluate("() => { window.performance = null; document.getAnimations = () => { throw 1 } }")
    assert browser.step(Key(keys=("tab",))).focus == 'button "OK"'
    assert browser.step(Navigate(url=f"{server.url}/scroll")).title == "Scroll"


def test_a_page_without_a_root_is_a_white_screen(browser: Browser, server: Server) -> None:
    browser.reset(Task(start=server.url))
    browser.evaluate("() => document.documentElement.remove()")
    seen = browser.step(Wait(seconds=0))
    assert (seen.screenshot == 255).all()
    assert browser.step(Navigate(url=f"{server.url}/scroll")).title == "Scroll"


def test_recovery_goes_on_in_the_same_browser_with_its_cookies_and_other_tabs(browser: Browser, server: Server) -> None:
    browser.reset(Task(start=f"{server.url}/cookie"))
    browser.step(Navigate(url=f"{server.url}/popup"))
    browser.step(HANG)  # opens a tab
    browser.step(Navigate(url=f"{server.url}/cookie"))
    session = browser._open()
    asyncio.run_coroutine_threadsafe(session.current.cdp.send("Page.crash"), browser._worker._loop)
    until(lambda: session.broken is not None, 10)
    broken = broken_by(lambda: browser.step(HANG), 3)
    assert (broken.reason, broken.begun) == ("crash", False)
    fresh = browser.recover()
    assert (fresh.seen.title, fresh.seen.url) == ("a=b", f"{server.url}/cookie")
    assert len(fresh.seen.tabs) == 2
    assert "not carried out" in fresh.told
    assert "same browser" in fresh.told
    assert browser.step(Wait(seconds=0)).title == "a=b"


def test_there_is_nothing_to_recover_from_where_nothing_broke(browser: Browser, server: Server) -> None:
    browser.reset(Task(start=server.url))
    assert broken_by(browser.recover, 1).reason == "closed"
    broken_by(lambda: browser.reset(Task(start="http://nowhere.invalid/")), 8)
    assert broken_by(browser.recover, 1).reason == "closed"
    with Browser(OPTIONS) as unused:
        assert broken_by(unused.recover, 1).reason == "closed"


@pytest.mark.parametrize("victim", ["driver", pytest.param("browser", marks=pytest.mark.slow)])
def test_a_driver_or_browser_that_stands_still_is_replaced_and_leaves_nothing(victim: str, server: Server) -> None:
    with Browser(OPTIONS) as env:
        env.reset(Task(start=server.url))
        folder = str(env.downloads.parent)
        stopped = drivers(folder) if victim == "driver" else marked(env.marker)
        assert stopped
        for process in stopped:
            os.kill(process, signal.SIGSTOP)
        assert broken_by(lambda: env.step(HANG), 6).reason == "timeout"
        assert "new browser" in env.recover().told
        until(lambda: not [one for one in stopped if status(one)], 2)
    until(lambda: not marked(env.marker), 2)


def test_a_start_that_cannot_be_reached_is_unreachable(browser: Browser, server: Server) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    for url in (f"http://127.0.0.1:{port}/", "http://nowhere.invalid/", f"{server.url}/hang", "file:///nowhere.html"):
        broken = broken_by(partial(browser.reset, Task(start=url)), 8)
        assert broken.reason == "unreachable"
        assert url in broken.message
    assert browser.reset(Task(start=server.url)).title == "Start"


def test_an_address_that_fails_later_is_the_agents_mistake(browser: Browser, server: Server) -> None:
    browser.reset(Task(start=server.url))
    browser.step(Click(at=Point(x=150, y=215)))
    browser.step(Type(text="kept"))
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    for url in (f"http://127.0.0.1:{port}/", f"{server.url}/hang"):
        with pytest.raises(ActionError, match="url: "):
            browser.step(Navigate(url=url))
    assert browser.evaluate("document.getElementById('i').value") == "kept"


def test_a_step_after_a_refused_start_says_reset_first(browser: Browser, server: Server) -> None:
    broken_by(lambda: browser.reset(Task(start="http://nowhere.invalid/")), 8)
    assert "reset first" in str(broken_by(lambda: browser.step(Wait(seconds=0)), 1))
    browser.reset(Task(start=server.url))


def test_close_ends_every_process_and_removes_the_files(server: Server) -> None:
    with Browser(OPTIONS) as env:
        env.reset(Task(start=f"{server.url}/files"))
        assert env.step(HANG).downloads
        folder = env.downloads
        assert marked(env.marker)
        assert list(folder.iterdir())
    assert not folder.exists()
    until(lambda: not marked(env.marker), 5)


def test_closing_a_page_that_hangs_is_bounded(server: Server) -> None:
    env = Browser(OPTIONS)
    env.reset(Task(start=f"{server.url}/busy"))
    broken_by(lambda: env.step(HANG), 20)
    start = time.monotonic()
    env.close()
    assert time.monotonic() - start < 10
    until(lambda: not marked(env.marker), 5)


CHILD = """
import sys
from env import Browser, Task
browser = Browser()
browser.reset(Task(start=sys.argv[1]))
print(browser.marker, browser.downloads, flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("kill", [os.kill, os.killpg], ids=["alone", "with the driver"])
def test_no_browser_outlives_a_process_that_is_killed(server: Server, kill: Callable[[int, int], None]) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", CHILD, server.url],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as child:
        assert child.stdout is not None
        marker, folder = child.stdout.readline().split()
        assert marker.startswith("--handeye-run=")
        assert marked(marker)
        kill(child.pid, signal.SIGKILL)
        child.wait()
        until(lambda: not marked(marker), 5)
        until(lambda: not Path(folder).exists(), 5)
