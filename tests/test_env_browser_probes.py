"""One feature of pages at a time, operated by pixels and keys alone, and checked by what the page itself says."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from browser_pages import Server, serve
from browser_probes import PAGES, box, spot, state

from actions import Click, Drag, Key, Move, Point, Scroll, Type
from env import Browser, BrowserOptions, Task


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serve(PAGES) as running:
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with Browser(BrowserOptions(size=(644, 476), device_scale_factor=1.5)) as made:
        yield made


def test_a_page_that_would_lose_what_was_entered_asks_first(browser: Browser, server: Server) -> None:
    browser.reset(Task(start=f"{server.url}/leave"))
    browser.step(Click(at=spot(browser, "#edit")))
    place = spot(browser, "#go")
    look = browser.step(Click(at=place))
    assert look.dialog.startswith("beforeunload")
    assert browser.step(Key(keys=("escape",))).title == "Leave"
    assert browser.step(Click(at=place)).dialog
    assert browser.step(Key(keys=("enter",))).title == "Inner"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_button_in_a_frame_of_a_frame_is_pressed_and_named(browser: Browser, server: Server, host: str) -> None:
    """Both frames are of this origin, or both of another one."""
    browser.reset(Task(start=f"{server.url}/frames"))
    place = spot(browser, "#outer", "#deep", "#inner")
    if host == "localhost":
        there = server.url.replace("127.0.0.1", "localhost")
        browser.evaluate("url => new Promise((d) => { outer.onload = () => d(1); outer.src = url })", f"{there}/middle")
    look = browser.step(Click(at=place))
    assert look.receipt is not None
    assert look.receipt.target == 'button "press"'
    assert look.receipt.pixels_changed > 0
    if host == "127.0.0.1":
        inside = "outer.contentDocument.querySelector('#deep').contentDocument.querySelector('#inner')"
        assert state(browser, f"{inside}.textContent") == "pressed"


@pytest.mark.parametrize("mode", ["open", "closed"])
def test_what_lies_in_a_shadow_tree_is_used_and_named(browser: Browser, server: Server, mode: str) -> None:
    browser.reset(Task(start=f"{server.url}/shadow"))
    look = browser.step(Click(at=spot(browser, f"#{mode}", "button")))
    assert look.receipt is not None
    assert look.receipt.target == 'button "in"'
    look = browser.step(Type(text="hi", at=spot(browser, f"#{mode}", "input")))
    assert (look.focus, look.value) == ('text field "Field"', "filled")
    root = (
        "document.getElementById('open').shadowRoot" if mode == "open" else "document.getElementById('closed').closed"
    )
    said = state(browser, f"[{root}.querySelector('button').textContent, {root}.querySelector('input').value]")
    assert said == [f"pressed {mode}", "hi"]


def test_a_thing_is_dragged_by_the_mouse_to_the_pixel(browser: Browser, server: Server) -> None:
    browser.reset(Task(start=f"{server.url}/drag"))
    start = spot(browser, "#ball")
    scale = browser.options.device_scale_factor
    browser.step(Drag(path=(start, Point(x=start.x + round(150 * scale), y=start.y + round(300 * scale)))))
    assert state(browser, "[ball.offsetLeft, ball.offsetTop]") == [166, 320]


def test_a_card_is_dragged_and_dropped_with_its_data(browser: Browser, server: Server) -> None:
    browser.reset(Task(start=f"{server.url}/drag"))
    browser.step(Drag(path=(spot(browser, "#card"), spot(browser, "#bin"))))
    assert state(browser, "bin.textContent") == "the card"
    browser.step(Click(at=spot(browser, "#ball")))  # nothing is still held


def test_the_wheel_turns_the_container_under_it_alone(browser: Browser, server: Server) -> None:
    browser.reset(Task(start=f"{server.url}/scrolls"))
    scale = browser.options.device_scale_factor
    told = "[mid.scrollTop, outer.scrollTop, scrollY]"
    browser.step(Scroll(at=spot(browser, "#mid"), dy=round(60 * scale)))
    assert state(browser, told) == [60, 0, 0]
    browser.step(Scroll(at=spot(browser, "#outer", down=0.9), dy=round(90 * scale)))
    assert state(browser, told) == [60, 90, 0]
    browser.step(Scroll(at=Point(x=round(600 * scale), y=round(400 * scale)), dy=round(120 * scale)))
    assert state(browser, told) == [60, 90, 120]


def test_a_line_is_drawn_on_a_canvas_where_the_pointer_went(browser: Browser, server: Server) -> None:
    browser.reset(Task(start=f"{server.url}/canvas"))
    places = [spot(browser, "#c", across=x / 300, down=y / 200) for x, y in ((50, 50), (250, 50), (250, 150))]
    browser.step(Drag(path=tuple(places)))
    assert state(browser, "[dark(150, 50), dark(250, 100), dark(150, 150), dark(50, 100)]") == [
        True,
        True,
        False,
        False,
    ]


TEXTS = (
    "👩\u200d👩\u200d👧 é👍🏽",
    "e\u0301 a\u0308",
    "שלום עולם",
    "日本語 中文 한국어",
    "<b>&amp;</b> @#$%^*()_+{}|:\"?~`-=[]\\;',./",
)


@pytest.mark.parametrize("place", ["rich", "plain"])
def test_every_text_arrives_as_it_was_written(browser: Browser, server: Server, place: str) -> None:
    browser.reset(Task(start=f"{server.url}/text"))
    for text in TEXTS:
        browser.step(Type(text=text, at=spot(browser, f"#{place}"), replace=True))
        assert state(browser, f"{place}.value ?? {place}.innerText") == text


def test_a_double_click_takes_the_word_and_a_triple_click_the_line(browser: Browser, server: Server) -> None:
    browser.reset(Task(start=f"{server.url}/text"))
    beta = spot(browser, "#words", across=0.5)
    browser.step(Click(at=beta, count=2))
    assert str(state(browser, "getSelection().toString()")).strip() == "beta"
    browser.step(Click(at=beta, count=3))
    assert str(state(browser, "getSelection().toString()")).strip() == "alpha beta gamma"


def test_several_are_chosen_with_ctrl_and_a_range_with_shift(browser: Browser, server: Server) -> None:
    browser.reset(Task(start=f"{server.url}/list"))
    rows = [spot(browser, f"#files li:nth-child({number})") for number in (1, 2, 4)]
    browser.step(Click(at=rows[0]))
    browser.step(Click(at=rows[2], modifiers=("ctrl",)))
    assert state(browser, "[...chosen].sort()") == [0, 3]
    browser.step(Click(at=rows[1]))
    browser.step(Click(at=rows[2], modifiers=("shift",)))
    assert state(browser, "[...chosen].sort()") == [1, 2, 3]
    options = [spot(browser, f"#many option:nth-child({number})") for number in (1, 3, 5)]
    browser.step(Click(at=options[0]))
    browser.step(Click(at=options[1], modifiers=("ctrl",)))
    assert state(browser, "[...many.selectedOptions].map((each) => each.value)") == ["a", "c"]
    browser.step(Click(at=options[2], modifiers=("shift",)))
    assert state(browser, "[...many.selectedOptions].map((each) => each.value)") == ["c", "d", "e"]


def test_a_menu_that_hovering_opens_stays_open_for_the_click(browser: Browser, server: Server) -> None:
    browser.reset(Task(start=f"{server.url}/hover"))
    look = browser.step(Move(at=spot(browser, "#menu")))
    assert look.receipt is not None
    assert look.receipt.pixels_changed > 0
    browser.step(Click(at=spot(browser, "#item")))
    assert "taken" in str(state(browser, "told"))


def test_the_menu_of_the_page_itself_opens_by_the_right_button(browser: Browser, server: Server) -> None:
    browser.reset(Task(start=f"{server.url}/hover"))
    browser.step(Click(at=spot(browser, "#area"), button="right"))
    browser.step(Click(at=spot(browser, "#own")))
    assert "own" in str(state(browser, "told"))


def test_a_click_that_a_banner_takes_names_the_banner(browser: Browser, server: Server) -> None:
    browser.reset(Task(start=f"{server.url}/sticky"))
    look = browser.step(Click(at=spot(browser, "#under")))
    assert look.receipt is not None
    assert look.receipt.target == 'dialog "Cookies"'
    assert state(browser, "told.includes('under')") is False
    browser.step(Click(at=spot(browser, "#accept")))
    look = browser.step(Click(at=spot(browser, "#under")))
    assert look.receipt is not None
    assert look.receipt.target == 'button "under"'
    assert state(browser, "told.includes('under')") is True


def test_sliders_details_dialogs_and_marks_work_as_they_are_drawn(browser: Browser, server: Server) -> None:
    browser.reset(Task(start=f"{server.url}/parts"))
    browser.step(Drag(path=(spot(browser, "#range", across=0.04), spot(browser, "#range", across=0.5))))
    assert 48 <= float(str(state(browser, "Number(range.value)"))) <= 52
    browser.step(Key(keys=("right",)))
    browser.step(Click(at=spot(browser, "#sum")))
    assert state(browser, "more.open") is True
    browser.step(Click(at=spot(browser, "#ask")))
    browser.step(Click(at=spot(browser, "#yes")))
    assert state(browser, "[box.open, box.returnValue]") == [False, "yes"]
    look = browser.step(Click(at=spot(browser, "#mark")))
    assert state(browser, "check.checked") is True
    assert look.value == "checked"
    _, top, right, bottom = box(browser, "#spin")
    for _ in range(2):
        browser.step(Click(at=Point(x=round(right - 8), y=round(top + (bottom - top) * 0.3))))
    assert state(browser, "spin.value") == "7"


def test_printing_holds_nothing_up(browser: Browser, server: Server) -> None:
    browser.reset(Task(start=f"{server.url}/parts"))
    browser.step(Click(at=spot(browser, "#paper")))
    assert "printed" in str(state(browser, "told"))


def test_a_key_is_held_while_the_page_counts(browser: Browser, server: Server) -> None:
    browser.reset(Task(start=f"{server.url}/text"))
    browser.step(Click(at=spot(browser, "#plain")))
    browser.step(Type(text="abc"))
    browser.step(Key(keys=("shift", "left"), count=2))
    browser.step(Key(keys=("delete",)))
    assert state(browser, "plain.value") == "a"
    browser.step(Key(keys=("x",), count=3))
    browser.step(Key(keys=("ctrl", "z")))
    assert str(state(browser, "plain.value")).startswith("a")
