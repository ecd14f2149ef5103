"""A person shows how it is done; the record is a run like any other, and does the same again."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from agent_runs import ROOT, until
from browser_pages import Server, serve
from demonstration import PAGES, SIZE, WORD, Hands, demonstrate
from playwright.async_api import CDPSession

from actions import Action, Back, Click, Drag, Finish, Key, Move, Navigate, Point, Scroll, Tab, Type
from agent.expect import Check
from agent.outcome import Outcome
from agent.reader import Run, read_run
from agent.replay import replay
from agent.stage import options
from env import Browser, BrowserOptions, Desktop, DesktopOptions, Task


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serve(PAGES) as running:
        yield running


def actions(run: Run) -> list[Action | None]:
    """What was done, without the person's last word."""
    assert isinstance(run.lines[-1].action, Finish)
    return [line.action for line in run.lines[:-1]]


def again(run: Run, word: str = WORD) -> tuple[Outcome, str, object]:
    """A replay of `run` to the last pixel: what it comes to, why, and the page's own state after it."""
    entry = run.manifest.environment
    values = {name: word for name in entry.secrets}
    with Browser(replace(options(entry, run.manifest.task.start, values), size=SIZE)) as env:
        result = replay(run, env)
        state = env.evaluate("window.state ? state() : document.title")
    return result.outcome, result.detail, state


def at(x: int, y: int) -> Point:
    return Point(x=x, y=y)


async def form(hands: Hands) -> None:
    await hands.click(100, 25)
    await hands.type("Zoee")
    await hands.press("Backspace")
    await hands.press("Tab")
    await hands.type(WORD)
    await hands.click(26, 104)
    await hands.click(100, 145)
    await hands.click(60, 185)  # the second of the list that has come up
    await hands.click(100, 185, click_count=3)
    await hands.type("new")
    await hands.click(100, 240)
    await hands.type("one\ntwo")
    await hands.wheel(300, 150, 60, 60)
    await hands.drag((420, 170), (500, 200), (560, 230))
    await hands.click(430, 235, click_count=2)
    await hands.page.keyboard.down("Control")
    await hands.click(450, 235, button="right")
    await hands.page.keyboard.up("Control")
    await hands.click(460, 310)
    await hands.type("inside")
    await hands.click(430, 354)
    await hands.click(100, 425)
    await hands.type("shadow")
    await hands.click(100, 25)
    await hands.press("Enter")


@pytest.fixture(scope="module")
def shown(server: Server, tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, object, Outcome]:
    """A form that was filled, and the state in which it was left."""
    folder = tmp_path_factory.mktemp("shown")
    result, state = demonstrate(folder, f"{server.url}/", form, expect=[Check(title="Sent")])
    return read_run(folder), state, result.outcome


def test_what_a_person_does_is_written_as_actions(shown: tuple[Run, object, Outcome]) -> None:
    run, _, outcome = shown
    assert actions(run) == [
        Click(at=at(100, 25)),
        Type(text="Zoe"),
        Key(keys=("tab",)),
        Type(text="<secret:pass>"),
        Click(at=at(26, 104)),
        Click(at=at(100, 145)),
        Click(at=at(60, 185)),
        Click(at=at(100, 185), count=3),
        Type(text="new"),
        Click(at=at(100, 240)),
        Type(text="one\ntwo"),
        Scroll(at=at(300, 150), dy=120),
        Drag(path=(at(420, 170), at(500, 200), at(560, 230))),
        Click(at=at(430, 235), count=2),
        Click(at=at(450, 235), button="right", modifiers=("ctrl",)),
        Click(at=at(460, 310)),
        Type(text="inside"),
        Click(at=at(430, 354)),
        Click(at=at(100, 425)),
        Type(text="shadow"),
        Click(at=at(100, 25)),
        Key(keys=("enter",)),
    ]
    assert [(line.index, line.reply.warnings) for line in run.lines if line.reply.warnings] == []
    assert outcome is Outcome.VERIFIED
    assert (run.manifest.model.name, run.manifest.environment.secrets.keys()) == ("person", {"pass"})


def test_it_is_replayed_to_the_last_pixel_and_leaves_the_same_state(shown: tuple[Run, object, Outcome]) -> None:
    run, state, _ = shown
    assert json.loads(str(state))[:6] == ["Zoe", len(WORD), True, "Paris", "new", "one\ntwo"]
    assert again(run) == (Outcome.VERIFIED, f"all {len(run.lines)} steps as recorded", state)


async def wander(hands: Hands) -> None:
    await hands.hover(420, 25)
    await hands.hover(450, 85)
    await hands.click(450, 85)
    await hands.click(100, 345)
    await hands.answer(accept=True)
    await hands.answer(accept=True, text="me")
    await hands.click(40, 385)
    await hands.click(100, 20)
    await hands.bring(0, 300, 300)
    await hands.address(f"{hands.page.url}more")
    await hands.back()
    await hands.click(100, 25)


def test_menus_dialogs_tabs_addresses_and_steps_back_are_actions_too(server: Server, tmp_path: Path) -> None:
    result, state = demonstrate(tmp_path, f"{server.url}/", wander)
    assert result.stop.detail == "shown"
    run = read_run(tmp_path)
    assert actions(run) == [
        Move(at=at(420, 25)),
        Click(at=at(450, 85)),
        Click(at=at(100, 345)),
        Key(keys=("enter",)),
        Type(text="me\n"),
        Click(at=at(40, 385)),
        Click(at=at(100, 20)),
        Tab(index=0),
        Navigate(url=f"{server.url}/more"),
        Back(),
        Click(at=at(100, 25)),
    ]
    assert again(run) == (Outcome.UNVERIFIED, f"all {len(run.lines)} steps as recorded", state)
    dialog = run.lines[2].receipt
    assert dialog is not None
    assert dialog.dialog == "confirm: Sure?"


async def forge(hands: Hands) -> None:
    await hands.page.evaluate(
        """() => {
          const put = (target, event) => target.dispatchEvent(event);
          const box = document.querySelector('#mark'), text = document.querySelector('#lines');
          for (const kind of ['mousedown', 'mouseup', 'click']) {
            put(box, new MouseEvent(kind, {bubbles: true, clientX: 25, clientY: 105}));
          }
          text.focus();
          put(text, new KeyboardEvent('keydown', {bubbles: true, key: 'x', code: 'KeyX'}));
          put(text, new InputEvent('beforeinput', {bubbles: true, data: 'x', inputType: 'insertText'}));
          text.value = 'x';
          put(text, new InputEvent('input', {bubbles: true, data: 'x', inputType: 'insertText'}));
          put(document.body, new WheelEvent('wheel', {bubbles: true, deltaY: 100}));
          if ('handeye' in window) handeye(JSON.stringify({kind: 'edited', time: 0, wide: 1, high: 1}));
          history.pushState(0, '', '?pushed');
          box.click();
        }"""
    )
    await hands.rest()
    await hands.click(500, 450)
    await hands.page.evaluate("addEventListener('click', (event) => event.stopImmediatePropagation(), true)")
    await hands.click(510, 450)


def test_what_a_page_makes_up_is_not_recorded_and_what_it_swallows_is(server: Server, tmp_path: Path) -> None:
    demonstrate(tmp_path, f"{server.url}/", forge)
    run = read_run(tmp_path)
    assert actions(run) == [Click(at=at(500, 450)), Click(at=at(510, 450))]


async def hurry(hands: Hands) -> None:
    mouse, keyboard = hands.page.mouse, hands.page.keyboard
    await mouse.click(100, 25)
    await keyboard.type("Ada")
    await keyboard.press("Tab")
    await keyboard.type(f"{WORD}\n")
    await hands.rest(0)
    await hands.click(100, 185)
    for key in ("End", "x", "ArrowLeft", "ArrowLeft", "y", "End"):
        await keyboard.press(key)
    await hands.rest()
    await hands.press("Tab", "Tab", "Tab")
    await hands.click(100, 240)
    await hands.type("gone")
    await keyboard.press("Control+a")
    await keyboard.press("Backspace")
    await keyboard.type("kept")
    await hands.rest()
    await hands.click(500, 450)


@pytest.mark.slow
def test_what_comes_too_fast_for_a_screen_of_its_own_becomes_one_action(server: Server, tmp_path: Path) -> None:
    _, state = demonstrate(tmp_path, f"{server.url}/", hurry)
    run = read_run(tmp_path)
    assert actions(run) == [
        Type(text="Ada\t<secret:pass>\n", at=at(100, 25)),
        Click(at=at(100, 185)),
        Type(text="old wordysx", replace=True),
        Key(keys=("tab",), count=3),
        Click(at=at(100, 240)),
        Type(text="kept", replace=True),
        Click(at=at(500, 450)),
    ]
    outcome, detail, repeated = again(run)
    assert (repeated, outcome, detail) == (state, Outcome.UNVERIFIED, f"all {len(run.lines)} steps as recorded")


def test_a_password_is_in_no_byte_of_the_record(shown: tuple[Run, object, Outcome]) -> None:
    folder = shown[0].folder
    data = b"\n".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
    for word in (WORD, WORD[:6], WORD.lower()):
        assert word.encode() not in data
    assert b"<secret:pass>" in data


async def leave(hands: Hands) -> None:
    await hands.click(100, 25)
    await hands.kept()  # a person looks at it
    await hands.page.close()


def test_closing_the_window_ends_the_recording_with_its_record_whole(server: Server, tmp_path: Path) -> None:
    expect = [Check(element="#name", visible=True)]
    result, _ = demonstrate(tmp_path, f"{server.url}/", leave, expect=expect)
    run = read_run(tmp_path)
    assert result.stop.detail == "the window was closed"
    assert (result.outcome, result.verdicts[0].held) == (Outcome.VERIFIED, True)  # as was seen last
    assert [line.action for line in run.lines] == [Click(at=at(100, 25)), Finish(text="the window was closed")]


async def crash(hands: Hands) -> None:
    await hands.click(100, 25)
    await hands.type("Ada")
    session = hands._env._session
    assert session is not None
    session.spawn(_crash(session.current.cdp))
    await asyncio.sleep(30)


async def _crash(cdp: CDPSession) -> None:
    await cdp.send("Page.crash")


def test_a_page_that_crashes_is_not_taken_for_a_window_that_was_closed(server: Server, tmp_path: Path) -> None:
    result, _ = demonstrate(tmp_path, f"{server.url}/", crash)
    assert (result.stop.reason, "crashed" in result.stop.detail) == ("environment", True)
    assert [line.action for line in read_run(tmp_path).lines] == [Click(at=at(100, 25)), Type(text="Ada")]


KILLED = """
import sys
from pathlib import Path
from demonstration import Hands, demonstrate

async def show(hands):
    await hands.click(100, 25)
    await hands.type("Ada")
    await hands.page.wait_for_timeout(60_000)

demonstrate(Path(sys.argv[1]), sys.argv[2], show)
"""


def test_a_recording_that_is_killed_reads_back_with_what_was_being_typed(server: Server, tmp_path: Path) -> None:
    place = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"}
    words = [sys.executable, "-c", KILLED, tmp_path, f"{server.url}/"]
    with subprocess.Popen(words, env=place, stderr=subprocess.DEVNULL) as process:

        def typed() -> bool:
            assert process.poll() is None, "the recording ended by itself"
            return '"Ada"' in (tmp_path / "pending.json").read_text()

        until(typed, 60)
        process.kill()
    run = read_run(tmp_path)
    assert [line.action for line in run.lines] == [Click(at=at(100, 25))]
    assert run.pending is not None
    assert (run.pending.action, run.manifest.stop) == (Type(text="Ada"), None)


@pytest.mark.slow
def test_a_window_on_a_screen_is_used_by_hand_and_replayed_without_one(server: Server, tmp_path: Path) -> None:
    """The hands are XTEST events of a connection of their own; the window is Chromium's, with its bars."""
    from test_agent_attend_desktop import Hands as Fingers

    async def show(hands: Hands) -> None:
        left, top = await hands.page.evaluate(
            "[screenX + (outerWidth - innerWidth) / 2, screenY + outerHeight - innerHeight]"
        )
        with closing(Fingers(screen.display)) as fingers:
            for press in (
                lambda: fingers.click(left + 100, top + 25),
                lambda: [fingers.press(letter) for letter in "ada"],
                lambda: fingers.press("Tab"),
                lambda: [fingers.press(letter) for letter in "hunter"],
                lambda: fingers.click(left + 100, top + 145),
                lambda: fingers.click(left + 60, top + 185),
                lambda: fingers.click(left + 500, top + 450),
            ):
                before = hands.arrived
                press()
                await hands.rest(before)

    with Desktop(DesktopOptions(size=(900, 800), window_manager=True)) as screen:
        screen.reset(Task())
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("DISPLAY", screen.display)
            _, state = demonstrate(tmp_path, f"{server.url}/", show, options=BrowserOptions(size=SIZE, headed=True))
    run = read_run(tmp_path)
    assert [action.kind for action in actions(run) if action] == [
        "click",
        "type",
        "key",
        "type",
        "click",
        "click",
        "click",
    ]
    outcome, detail, repeated = again(run, "hunter")
    assert (repeated, outcome, detail) == (state, Outcome.UNVERIFIED, f"all {len(run.lines)} steps as recorded")
