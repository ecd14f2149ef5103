"""Actions in a real browser do what they say, at the pixel they say."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from browser_pages import Server, serve

from actions import (
    Action,
    ActionError,
    AskUser,
    Back,
    Click,
    Drag,
    Finish,
    Key,
    Move,
    Navigate,
    Point,
    Scroll,
    Select,
    Tab,
    Type,
    Upload,
    Wait,
    smart_resize,
)
from env import Browser, BrowserOptions, EnvironmentBroken, Task
from env.browser import find
from env.browser.capture import shown

OK, NAME, AREA = Point(x=150, y=120), Point(x=150, y=215), Point(x=150, y=340)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serve() as running:
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with Browser() as made:
        yield made


def value(browser: Browser, element: str) -> object:
    return browser.evaluate("id => document.getElementById(id).value", element)


def seen(browser: Browser, *kinds: str) -> list[dict[str, object]]:
    """What the page of /record noted of these kinds, since it was last asked."""
    said = browser.evaluate("k => JSON.stringify(seen.splice(0).filter(e => k.includes(e.kind)))", list(kinds))
    events: list[dict[str, object]] = json.loads(str(said))
    return events


@pytest.mark.parametrize("scale", [1.0, 1.5, 2.0])
def test_a_click_lands_on_the_very_pixel_at_every_scale(server: Server, scale: float) -> None:
    size = (320, 240)
    with Browser(BrowserOptions(size=size, device_scale_factor=scale)) as env:
        look = env.reset(Task(start=f"{server.url}/record"))
        assert look.size == (round(320 * scale), round(240 * scale))
        places = [(0, 0), (1, 1), (160, 120), (319, 239)]
        for x, y in places:
            env.step(Click(at=Point(x=int(x * scale), y=int(y * scale))))
        hits = [(event["x"], event["y"]) for event in seen(env, "click")]
        assert hits == [(int(int(x * scale) / scale), int(int(y * scale) / scale)) for x, y in places]


@pytest.mark.parametrize("scale", [1.0, 1.5, 2.0, 3.0])
def test_a_model_sees_the_usual_screen_pixel_by_pixel_at_every_scale(scale: float) -> None:
    width, height = shown(BrowserOptions(device_scale_factor=scale))
    assert smart_resize(height, width) == (height, width)


def test_a_drawn_square_is_where_its_click_is_at_scale_two(server: Server) -> None:
    with Browser(BrowserOptions(size=(640, 480), device_scale_factor=2)) as env:
        look = env.reset(Task(start=server.url))
        after = env.step(Click(at=Point(x=300, y=240)))
        assert after.receipt is not None
        assert after.receipt.target == 'button "OK"'
        assert after.receipt.changed_box == (200, 200, 400, 280)
        assert look.size == (1280, 960)


def test_a_receipt_says_what_was_hit_and_which_pixels_changed(browser: Browser, server: Server) -> None:
    browser.reset(Task(start=server.url))
    receipt = browser.step(Click(at=OK)).receipt
    assert receipt is not None
    assert receipt.target == 'button "OK"'
    assert receipt.changed_box == (100, 100, 200, 140)
    assert 0 < receipt.pixels_changed <= 100 * 40
    assert (receipt.focus, receipt.value, receipt.url, receipt.window) == ('button "Saved"', "", f"{server.url}/", "")
    nothing = browser.step(Wait(seconds=0)).receipt
    assert nothing is not None
    assert (nothing.pixels_changed, nothing.changed_box, nothing.navigated) == (0, None, False)
    assert (nothing.nothing, receipt.nothing) == (True, False)


def test_a_receipt_says_what_kind_of_value_the_focus_holds_and_never_which(browser: Browser, server: Server) -> None:
    browser.reset(Task(start=server.url))
    empty = browser.step(Click(at=NAME)).receipt
    filled = browser.step(Type(text="hunter2")).receipt
    assert empty is not None
    assert filled is not None
    assert (empty.focus, empty.value, filled.focus, filled.value) == (
        filled.focus,
        "empty",
        'text field "Name"',
        "filled",
    )
    assert "hunter2" not in repr(filled)


@pytest.mark.parametrize("text", ["plain", "Hé ñ ß — “q” 日本 Ω漢 😀 <a> & ' \" \\ {x}", "two\nlines\n"])
def test_text_arrives_as_it_was_written(browser: Browser, server: Server, text: str) -> None:
    browser.reset(Task(start=server.url))
    browser.step(Click(at=AREA))
    look = browser.step(Type(text=text))
    assert value(browser, "t") == text
    assert look.focus.startswith("textarea")


def test_typing_goes_to_the_focus_and_to_nothing_else(browser: Browser, server: Server) -> None:
    browser.reset(Task(start=server.url))
    browser.step(Click(at=NAME))
    browser.step(Click(at=OK))
    browser.step(Type(text="a é日本"))
    assert value(browser, "i") == ""


def test_typing_sends_a_real_key_event_for_each_character(browser: Browser, server: Server) -> None:
    browser.reset(Task(start=f"{server.url}/record"))
    browser.step(Type(text="aB\n"))
    pressed = [event["key"] for event in seen(browser, "keydown")]
    assert [key for key in pressed if key != "Shift"] == ["a", "B", "Enter"]


def test_a_chord_is_pressed_in_order_and_released_in_reverse(browser: Browser, server: Server) -> None:
    browser.reset(Task(start=f"{server.url}/record"))
    browser.step(Key(keys=("ctrl", "shift", "k")))
    events = [(event["kind"], str(event["key"]).lower()) for event in seen(browser, "keydown", "keyup")]
    names = ["control", "shift", "k"]
    assert events == [("keydown", name) for name in names] + [("keyup", name) for name in reversed(names)]


def test_select_all_and_retype_replaces_the_text(browser: Browser, server: Server) -> None:
    browser.reset(Task(start=server.url))
    browser.step(Click(at=NAME))
    browser.step(Type(text="old"))
    browser.step(Key(keys=("ctrl", "a")))
    browser.step(Type(text="new"))
    assert value(browser, "i") == "new"


def test_a_key_that_is_refused_leaves_nothing_pressed(browser: Browser, server: Server) -> None:
    browser.reset(Task(start=f"{server.url}/record"))
    with pytest.raises(ActionError, match="hyper"):
        browser.step(Key(keys=("shift", "hyper")))
    browser.step(Click(at=OK))
    assert [event["shift"] for event in seen(browser, "click")] == [False]


def test_clicks_come_with_button_count_and_modifiers(browser: Browser, server: Server) -> None:
    browser.reset(Task(start=f"{server.url}/record"))
    browser.step(Click(at=OK, count=2))
    assert [event["detail"] for event in seen(browser, "click", "dblclick")] == [1, 2, 2]
    browser.step(Click(at=OK, button="right"))
    assert [event["button"] for event in seen(browser, "contextmenu")] == [2]
    browser.step(Click(at=OK, modifiers=("ctrl", "shift")))
    assert [(event["ctrl"], event["shift"]) for event in seen(browser, "click")] == [(True, True)]


def test_a_click_without_a_place_goes_where_the_pointer_is(browser: Browser, server: Server) -> None:
    browser.reset(Task(start=f"{server.url}/record"))
    browser.step(Move(at=Point(x=77, y=88)))
    browser.step(Click())
    assert [(event["x"], event["y"]) for event in seen(browser, "click")] == [(77, 88)]


def test_a_drag_presses_at_its_first_point_and_releases_at_its_last(browser: Browser, server: Server) -> None:
    browser.reset(Task(start=f"{server.url}/record"))
    browser.step(Drag(path=(Point(x=10, y=20), Point(x=50, y=60), Point(x=200, y=100))))
    browser.step(Drag(path=(Point(x=5, y=6),)))
    ends = [(event["kind"], event["x"], event["y"]) for event in seen(browser, "mousedown", "mouseup")]
    assert ends == [("mousedown", 10, 20), ("mouseup", 200, 100), ("mousedown", 200, 100), ("mouseup", 5, 6)]


def test_scrolling_down_moves_the_page_down_by_as_many_pixels(browser: Browser, server: Server) -> None:
    browser.reset(Task(start=f"{server.url}/scroll"))
    look = browser.step(Scroll(at=OK, dy=300))
    assert browser.evaluate("scrollY") == 300
    assert look.receipt is not None
    assert look.receipt.pixels_changed > 0
    browser.step(Scroll(dy=-100))
    assert browser.evaluate("scrollY") == 200


def test_equal_states_give_equal_pixels_while_a_caret_would_blink(browser: Browser, server: Server) -> None:
    browser.reset(Task(start=server.url))
    first = browser.step(Click(at=NAME))
    for _ in range(4):
        again = browser.step(Wait(seconds=0.3))
        assert np.array_equal(first.screenshot, again.screenshot)


def test_a_drop_down_list_is_chosen_by_its_label(browser: Browser, server: Server) -> None:
    browser.reset(Task(start=f"{server.url}/select"))
    place = Point(x=200, y=115)
    look = browser.step(Select(at=place, label="Paris"))
    assert (value(browser, "s"), look.title) == ("p", "p")
    for label in ("Rome", "Oslo"):
        with pytest.raises(ActionError, match="⟦Berlin⟧, ⟦Paris⟧, ⟦Rome⟧"):
            browser.step(Select(at=place, label=label))
    with pytest.raises(ActionError, match="no drop-down list"):
        browser.step(Select(at=Point(x=5, y=5), label="Paris"))
    assert value(browser, "s") == "p"


def test_an_open_drop_down_list_is_seen_and_answers_to_keys(browser: Browser, server: Server) -> None:
    browser.reset(Task(start=f"{server.url}/select"))
    opened = browser.step(Click(at=Point(x=200, y=115)))
    assert opened.receipt is not None
    assert opened.receipt.pixels_changed > 0
    browser.step(Key(keys=("down",)))
    browser.step(Key(keys=("enter",)))
    assert value(browser, "s") == "p"


def test_a_click_inside_a_frame_names_what_it_hit(browser: Browser, server: Server) -> None:
    browser.reset(Task(start=f"{server.url}/frame"))
    look = browser.step(Click(at=Point(x=150 + 55, y=120 + 25)))
    assert look.receipt is not None
    assert look.receipt.target == 'button "OK"'
    assert browser.evaluate("frames[0].document.getElementById('b').textContent") == "Saved"


def test_a_click_inside_a_frame_of_another_origin_names_what_it_hit(browser: Browser, server: Server) -> None:
    browser.reset(Task(start=f"{server.url.replace('127.0.0.1', 'localhost')}/frame"))
    browser.evaluate(
        """url => new Promise((done) => {
          const frame = document.querySelector('iframe'); frame.onload = () => done(1); frame.src = url })""",
        server.url,
    )
    look = browser.step(Click(at=Point(x=150 + 55, y=120 + 25)))
    assert look.receipt is not None
    assert look.receipt.target == 'button "OK"'


def test_navigation_back_and_what_may_not_be_opened(browser: Browser, server: Server) -> None:
    browser.reset(Task(start=server.url))
    look = browser.step(Navigate(url=f"{server.url}/select"))
    assert look.receipt is not None
    assert (look.title, look.receipt.navigated) == ("Select", True)
    assert browser.step(Back()).title == "Start"
    with pytest.raises(ActionError, match="no earlier page"):
        browser.step(Back())
    for url in ("javascript:alert(1)", "chrome://version", "data:text/html,x", "example.com", "file:///etc/passwd"):
        with pytest.raises(ActionError, match="url: "):
            browser.step(Navigate(url=url))
    assert browser.step(Wait(seconds=0)).url == f"{server.url}/"
    assert browser.step(Navigate(url="about:blank")).url == "about:blank"


def test_the_next_page_is_turned_to_without_a_picture_and_the_pointer_waits_aside(
    browser: Browser, server: Server
) -> None:
    browser.reset(Task(start=server.url))
    seconds = browser.turn(f"{server.url}/select", OK)
    look = browser.look()
    assert (look.title, len(look.tabs)) == ("Select", 1)
    assert 0 < seconds <= look.time
    with pytest.raises(ActionError, match="cannot be opened"):
        browser.turn("http://127.0.0.1:1/", OK)
    with pytest.raises(ActionError, match="opens a dialog: alert: welcome"):
        browser.turn(f"{server.url}/alert", OK)
    assert browser.step(Key(keys=("enter",))).title == "Alert"


def test_a_task_may_start_at_a_file_and_not_at_a_script(browser: Browser, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text("<title>From a file</title>")
    assert browser.reset(Task(start=page.as_uri())).title == "From a file"
    with pytest.raises(ValueError, match="may not be opened"):
        browser.reset(Task(start="javascript:alert(1)"))


def test_what_cannot_be_done_leaves_the_screen_as_it_was(browser: Browser, server: Server) -> None:
    before = browser.reset(Task(start=server.url))
    refused: list[Action] = [
        Finish(),
        AskUser(question="?"),
        Tab(index=5),
        Click(at=Point(x=1288, y=0)),
        Drag(path=(Point(x=1, y=1), Point(x=1, y=728))),
        Type(text="a\x00b"),
        Upload(at=OK, files=("a",)),
    ]
    for action in refused:
        with pytest.raises(ActionError):
            browser.step(action)
    assert np.array_equal(browser.look().screenshot, before.screenshot)


def test_a_clip_shows_the_corner_and_leaves_the_page_its_size(server: Server) -> None:
    with Browser(BrowserOptions(size=(332, 214), clip=(160, 208))) as env:
        look = env.reset(Task(start=server.url))
        assert look.size == (160, 208)
        assert env.evaluate("[innerWidth, innerHeight]") == [332, 214]
        with pytest.raises(ActionError, match="160x208"):
            env.step(Click(at=Point(x=161, y=10)))


def test_it_works_inside_a_running_event_loop(server: Server) -> None:
    async def main() -> str:
        with Browser() as env:
            env.reset(Task(start=server.url))
            return env.step(Click(at=OK)).title

    assert asyncio.run(main()) == "Start"


def test_episodes_share_no_cookies(browser: Browser, server: Server) -> None:
    assert browser.reset(Task(start=f"{server.url}/cookie")).title == "none"
    assert browser.reset(Task(start=f"{server.url}/cookie")).title == "none"


def test_two_browsers_do_not_share_their_pages(browser: Browser, server: Server) -> None:
    browser.reset(Task(start=server.url))
    with Browser(BrowserOptions(size=(308, 224))) as other:
        other.reset(Task(start=f"{server.url}/scroll"))
        assert (browser.look().title, other.look().title) == ("Start", "Scroll")
        assert browser.marker != other.marker
    assert browser.look().title == "Start"


INSTALLED = sorted({path for path in (find.find(), find.find(headed=True)) if path}) or [None]
"""The small browser that shows no window and the full one, as far as they are there; else Playwright's own."""

CORNER = """<title>c</title><style>b:hover { background: red }
b { position: absolute; inset: 0 auto auto 0; width: 40px; height: 40px; background: #0f0 }</style>
<b id=b></b><script>window.seen = []; for (const kind of ["pointerover", "mouseover", "mousemove"])
    addEventListener(kind, () => seen.push(kind), true)</script>"""


@pytest.mark.parametrize("executable", INSTALLED, ids=str)
def test_no_pointer_is_over_a_page_before_it_was_moved_there(executable: Path | None, tmp_path: Path) -> None:
    path = tmp_path / "corner.html"
    path.write_text(CORNER)
    with Browser(BrowserOptions(executable=executable, size=(160, 120))) as env:
        look = env.reset(Task(start=path.as_uri()))
        assert env.evaluate("[seen.length, b.matches(':hover')]") == [0, False]
        assert look.screenshot[0, 0].tolist() == [0, 255, 0]
        assert env.step(Move(at=Point(x=0, y=0))).screenshot[0, 0].tolist() == [255, 0, 0]


def test_waiting_passes_the_time_it_was_asked_for(browser: Browser, server: Server) -> None:
    browser.reset(Task(start=server.url))
    assert 0.3 <= browser.step(Wait(seconds=0.3)).timings["act"] < 2


def test_a_static_page_is_acted_on_and_seen_in_well_under_a_second(browser: Browser, server: Server) -> None:
    browser.reset(Task(start=server.url))
    spent = []
    for _ in range(6):
        start = time.perf_counter()
        browser.step(Click(at=NAME))
        spent.append(time.perf_counter() - start)
    assert sorted(spent)[2] < 0.5  # about 0.1 s on a machine with nothing else to do


def test_evaluate_calls_a_function_and_tells_what_it_threw(browser: Browser, server: Server) -> None:
    browser.reset(Task(start=server.url))
    assert browser.evaluate("(a) => a.map(x => x * 2)", [1, 2]) == [2, 4]
    assert browser.evaluate("1 + 1") == 2
    with pytest.raises(ValueError, match="oops"):
        browser.evaluate("() => { throw new Error('oops') }")
    assert browser.page_text() == "OK"


@pytest.mark.parametrize(("size", "clip"), [((0, 5), None), ((100, 100), (101, 5))])
def test_sizes_that_cannot_be_are_refused(size: tuple[int, int], clip: tuple[int, int] | None) -> None:
    with pytest.raises(ValueError, match="size"):
        BrowserOptions(size=size, clip=clip)


def test_no_browser_on_the_path_is_none() -> None:
    assert find.find(path="/nowhere") is None


def test_a_browser_that_is_not_there_is_told_with_the_line_that_brings_it() -> None:
    with (
        Browser(BrowserOptions(executable=Path("/nowhere/chromium"))) as env,
        pytest.raises(EnvironmentBroken, match="install") as broken,
    ):
        env.reset(Task())
    assert broken.value.reason == "missing"
