"""What pages do on their own: dialogs, windows, files, loads and animations."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from browser_pages import Server, serve
from hypothesis import example, given
from hypothesis import strategies as st

from actions import ActionError, Back, Click, Key, Navigate, Point, Tab, Type, Upload, Wait
from env import Browser, BrowserOptions, Download, Task
from env.browser.downloads import sanitise

FIRST, SECOND, THIRD, FOURTH = (Point(x=50, y=y) for y in (20, 70, 120, 170))


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serve() as running:
        yield running


@pytest.fixture(scope="module")
def uploads(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("uploads")
    (folder / "note.txt").write_text("hello")
    (folder.parent / "secret.txt").write_text("secret")
    return folder


@pytest.fixture(scope="module")
def browser(uploads: Path) -> Iterator[Browser]:
    with Browser(BrowserOptions(size=(800, 600), uploads=uploads)) as made:
        yield made


@pytest.mark.parametrize(("key", "answer"), [("enter", True), ("escape", False)])
def test_a_dialog_waits_for_its_answer_and_gets_the_one_that_was_given(
    browser: Browser, server: Server, key: str, answer: bool
) -> None:
    before = browser.reset(Task(start=f"{server.url}/dialogs"))
    look = browser.step(Click(at=FIRST))
    assert look.dialog == "confirm: Delete everything?"
    assert look.receipt is not None
    assert look.receipt.dialog == look.dialog
    assert look.size == before.size
    for action in (
        Click(at=SECOND),
        Type(text="yes"),
        Navigate(url=server.url),
        Key(keys=("a",)),
        Back(),
        Tab(index=0),
    ):
        with pytest.raises(ActionError, match="dialog is open"):
            browser.step(action)
    assert browser.look().dialog == look.dialog
    assert browser.step(Key(keys=(key,))).dialog == ""
    assert browser.evaluate("said") == [answer]


def test_a_dialog_is_never_accepted_by_a_reset(browser: Browser, server: Server) -> None:
    browser.reset(Task(start=f"{server.url}/dialogs"))
    browser.step(Click(at=FIRST))
    look = browser.reset(Task(start=server.url))
    assert (look.dialog, look.title) == ("", "Start")


@pytest.mark.parametrize("text", ["ada", "ada\n"])
def test_text_answers_a_prompt(browser: Browser, server: Server, text: str) -> None:
    browser.reset(Task(start=f"{server.url}/dialogs"))
    assert browser.step(Click(at=SECOND)).dialog == "prompt: Your name?"
    look = browser.step(Type(text=text))
    if look.dialog:
        look = browser.step(Key(keys=("enter",)))
    assert look.dialog == ""
    assert browser.evaluate("said") == ["ada"]


def test_an_accepted_prompt_gives_its_default(browser: Browser, server: Server) -> None:
    browser.reset(Task(start=f"{server.url}/dialogs"))
    browser.step(Click(at=SECOND))
    browser.step(Key(keys=("return",)))
    assert browser.evaluate("said") == ["nobody"]


def test_dialogs_come_one_after_the_other(browser: Browser, server: Server) -> None:
    browser.reset(Task(start=f"{server.url}/dialogs"))
    assert browser.step(Click(at=THIRD)).dialog == "alert: one"
    assert browser.step(Key(keys=("enter",))).dialog == "alert: two"
    assert browser.step(Key(keys=("enter",))).dialog == ""
    assert browser.evaluate("said") == ["both"]


def test_a_dialog_that_opens_a_moment_after_the_click_is_still_seen(browser: Browser, server: Server) -> None:
    browser.reset(Task(start=f"{server.url}/dialogs"))
    assert browser.step(Click(at=FOURTH)).dialog == "confirm: Late?"


def test_a_page_that_begins_with_a_dialog_can_be_reset_to(browser: Browser, server: Server) -> None:
    assert browser.reset(Task(start=f"{server.url}/alert")).dialog == "alert: welcome"
    look = browser.step(Key(keys=("enter",)))
    assert (look.dialog, look.title) == ("", "Alert")
    assert browser.page_text() == "hello"


def test_a_new_window_becomes_a_tab_and_the_current_one(browser: Browser, server: Server) -> None:
    browser.reset(Task(start=f"{server.url}/popup"))
    look = browser.step(Click(at=FIRST))
    assert look.title == "Start"
    assert [tab.partition(" — ")[0] for tab in look.tabs] == ["Opener", "Start"]
    back = browser.step(Tab(index=0))
    assert back.title == "Opener"
    assert back.receipt is not None
    assert (back.receipt.window, back.receipt.url) == (look.tabs[1], f"{server.url}/popup")
    with pytest.raises(ActionError, match="no tab 2"):
        browser.step(Tab(index=2))


def test_a_window_has_the_size_of_the_first_and_its_end_shows_the_other(browser: Browser, server: Server) -> None:
    first = browser.reset(Task(start=f"{server.url}/popup"))
    look = browser.step(Click(at=SECOND))
    assert (look.title, look.size) == ("Closing", first.size)
    look = browser.step(Click(at=FIRST))
    assert (look.title, len(look.tabs)) == ("Opener", 1)


def test_a_page_that_closes_the_last_tab_leaves_an_empty_one(browser: Browser, server: Server) -> None:
    browser.reset(Task())
    browser.evaluate("""() => { document.body.innerHTML = '<button onclick="close()">the last one</button>' }""")
    look = browser.step(Click(at=FIRST))
    assert (look.url, len(look.tabs)) == ("about:blank", 1)
    assert browser.step(Navigate(url=server.url)).title == "Start"


@pytest.mark.parametrize(("place", "name"), [(FIRST, "passwd"), (THIRD, "bashrc")])
def test_a_file_is_kept_under_a_name_that_leads_nowhere(
    browser: Browser, server: Server, place: Point, name: str
) -> None:
    browser.reset(Task(start=f"{server.url}/files"))
    look = browser.step(Click(at=place))
    assert len(look.downloads) == 1
    kept = look.downloads[0]
    assert name in kept
    assert "/" not in kept
    assert not kept.startswith(".")
    assert look.receipt is not None
    assert look.receipt.downloads == look.downloads
    content = (browser.downloads / kept).read_bytes()
    assert content in (b"gotcha", b"hello")
    path, digest = str(browser.downloads / kept), hashlib.sha256(content).hexdigest()
    assert look.receipt.files == (Download(kept, path, digest, len(content)),)
    assert not look.receipt.nothing
    again = browser.step(Click(at=place))
    assert len(set(again.downloads)) == 2


def test_a_file_is_uploaded_from_its_folder_alone(browser: Browser, server: Server) -> None:
    browser.reset(Task(start=f"{server.url}/files"))
    chooser = Point(x=30, y=60)
    for name in ("../secret.txt", "/etc/passwd", "missing", "."):
        with pytest.raises(ActionError, match=r"note\.txt"):
            browser.step(Upload(at=chooser, files=(name,)))
    opened = browser.step(Click(at=chooser)).receipt
    assert opened is not None
    assert (opened.dialog, opened.nothing) == ("file chooser: use upload", False)
    sent = browser.step(Upload(at=chooser, files=("note.txt",)))
    assert sent.title == "note.txt 5"
    assert sent.receipt is not None
    assert sent.receipt.dialog == ""


@given(st.text())
@example("../../etc/passwd")
@example("..")
@example("a/..\\..\\b\x00.exe")
@example("." * 300)
@example("x" * 500 + ".txt")
def test_a_sanitised_name_is_a_plain_file_name(suggested: str) -> None:
    name = sanitise(suggested)
    assert name == Path(name).name
    assert 0 < len(name.encode()) <= 255
    assert not name.startswith(".")
    assert "\\" not in name
    assert name.isprintable()


@pytest.mark.parametrize("path", ["raf", "css"])
def test_an_endless_animation_holds_nothing_up(browser: Browser, server: Server, path: str) -> None:
    start = time.monotonic()
    browser.reset(Task(start=f"{server.url}/{path}"))
    for _ in range(2):
        browser.step(Click(at=FIRST))
    assert time.monotonic() - start < 12


@pytest.mark.parametrize(("place", "title"), [(FIRST, "timer"), (SECOND, "slow"), (THIRD, "slow")])
def test_what_follows_a_click_shortly_is_waited_for(browser: Browser, server: Server, place: Point, title: str) -> None:
    browser.reset(Task(start=f"{server.url}/later"))
    assert browser.step(Click(at=place)).title == title


def test_a_transition_is_seen_at_its_end(browser: Browser, server: Server) -> None:
    browser.reset(Task(start=f"{server.url}/later"))
    moved = browser.step(Click(at=Point(x=210, y=10)))
    assert browser.evaluate("document.getElementById('d').getBoundingClientRect().left") == 600
    assert np.array_equal(browser.step(Wait(seconds=0)).screenshot, moved.screenshot)


def test_a_link_to_a_dead_server_costs_the_cap_and_leaves_the_page_usable(browser: Browser, server: Server) -> None:
    browser.reset(Task(start=f"{server.url}/later"))
    start = time.monotonic()
    look = browser.step(Click(at=FOURTH))
    assert time.monotonic() - start < 3 * browser.options.settle_cap + 3
    assert look.title == "Later"
    assert browser.step(Wait(seconds=0)).timings["settle"] < 1
    assert browser.step(Navigate(url=server.url)).title == "Start"
