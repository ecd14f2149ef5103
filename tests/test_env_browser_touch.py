"""A browser with a phone's profile: the page sees a phone, and a finger lands on the very pixel."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from browser_pages import Server, serve

from actions import (
    Action,
    ActionError,
    Back,
    Click,
    Drag,
    Frame,
    Key,
    Move,
    Navigate,
    Point,
    Scroll,
    Select,
    Type,
    dialect,
)
from env import Browser, BrowserOptions, Observation, Task

RED = (255, 0, 0)
PIXEL, IPHONE = "Pixel 7", "iPhone 11"  # 2.625 and 2 screen pixels to a CSS pixel


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serve() as running:
        yield running


@pytest.fixture(scope="module")
def phone() -> Iterator[Browser]:
    with Browser(BrowserOptions(device=PIXEL)) as made:
        yield made


def touched(browser: Browser, *kinds: str) -> list[dict[str, object]]:
    """What the page of /touch noted of these kinds, since it was last asked."""
    said = browser.evaluate("k => JSON.stringify(seen.splice(0).filter(e => k.includes(e.kind)))", list(kinds))
    events: list[dict[str, object]] = json.loads(str(said))
    return events


def told(browser: Browser, expression: str) -> object:
    return json.loads(str(browser.evaluate(f"() => JSON.stringify({expression})")))


def box(look: Observation, colour: tuple[int, int, int] = RED) -> tuple[int, int, int, int]:
    """The screen pixels that have this very colour: left, top, right, bottom, all inside."""
    rows, columns = np.nonzero((look.screenshot == np.array(colour, np.uint8)).all(axis=2))
    return int(columns.min()), int(rows.min()), int(columns.max()), int(rows.max())


def test_a_page_sees_a_phone(server: Server, phone: Browser) -> None:
    look = phone.reset(Task(start=f"{server.url}/touch"))
    assert look.size == phone.size == (1082, 2202)  # 412x839 at 2.625
    assert told(phone, "[innerWidth, innerHeight, devicePixelRatio, screen.height]") == [412, 839, 2.625, 915]
    assert told(phone, "[navigator.maxTouchPoints > 0, matchMedia('(pointer: coarse)').matches]") == [True, True]
    assert "Pixel 7" in str(told(phone, "navigator.userAgent"))
    assert "Mobile" in str(told(phone, "navigator.userAgent"))
    assert "move" not in phone.space.kinds


def test_a_browser_without_a_device_has_neither_touch_nor_a_mobile_viewport(server: Server) -> None:
    with Browser(BrowserOptions(size=(412, 839))) as desk:
        desk.reset(Task(start=f"{server.url}/wide"))
        assert told(desk, "[innerWidth, 'ontouchstart' in window]") == [412, False]
        assert "move" in desk.space.kinds


def test_a_click_is_a_tap_by_touch(server: Server, phone: Browser) -> None:
    phone.reset(Task(start=f"{server.url}/touch"))
    after = phone.step(Click(at=Point(x=525, y=788)))
    events = touched(phone, "touchstart", "touchend", "click", "wheel")
    assert [(event["kind"], event["target"]) for event in events] == [
        ("touchstart", "red"),
        ("touchend", "red"),
        ("click", "red"),
    ]
    assert after.receipt is not None
    assert after.receipt.target == 'div "Red"'


@pytest.mark.parametrize(
    ("device", "path"), [(PIXEL, "/touch"), (IPHONE, "/touch"), (PIXEL, "/wide"), (IPHONE, "/wide")]
)
def test_the_pixels_of_a_thing_hit_it_and_those_beside_it_do_not(server: Server, device: str, path: str) -> None:
    """/wide is a page that was not made for phones: it is laid out 980 CSS pixels wide and shown smaller.

    A finger covers a CSS pixel or two, so what is beside is taken a little farther off.
    """
    with Browser(BrowserOptions(device=device)) as env:
        look = env.reset(Task(start=f"{server.url}{path}"))
        shown = float(str(told(env, "visualViewport.scale")))
        assert (shown < 0.5) is (path == "/wide")
        left, top, right, bottom = box(look)
        inside = [(left, top), (right, bottom), ((left + right) // 2, (top + bottom) // 2)]
        beside = [(left - 8, top), (right + 8, bottom), (left, top - 8), (right, bottom + 8)]
        for x, y in inside + beside:
            after = env.step(Click(at=Point(x=x, y=y)))
            (started,) = touched(env, "touchstart")
            assert (started["target"] == "red") is ((x, y) in inside), (x, y, started)
            assert after.receipt is not None
            assert (after.receipt.target == 'div "Red"') is ((x, y) in inside), (x, y, after.receipt)
            scale = env.options.device_scale_factor * shown
            assert abs(float(str(started["x"])) - x / scale) < 0.01
            assert abs(float(str(started["y"])) - y / scale) < 0.01


def test_a_place_that_a_model_names_on_its_own_image_of_a_phone_is_hit(server: Server, phone: Browser) -> None:
    look = phone.reset(Task(start=f"{server.url}/touch"))
    frame = Frame.fit(*look.size)
    assert (frame.model_width, frame.model_height) != look.size  # a phone's sides are no multiples of 28
    left, top, right, bottom = box(look)
    for corner in (Point(x=left, y=top), Point(x=right, y=bottom)):
        seen = frame.to_model(corner)
        there = frame.to_screen(seen.x, seen.y)
        assert max(abs(there.x - corner.x), abs(there.y - corner.y)) <= 1
    seen = frame.to_model(Point(x=(left + right) // 2, y=(top + bottom) // 2))
    after = phone.step(Click(at=frame.to_screen(seen.x, seen.y)))
    assert after.receipt is not None
    assert after.receipt.target == 'div "Red"'


def test_a_long_press_holds_and_a_double_tap_taps_twice(server: Server, phone: Browser) -> None:
    phone.reset(Task(start=f"{server.url}/touch"))
    phone.step(Click(at=Point(x=300, y=1500), hold=0.6))
    down, up = touched(phone, "touchstart", "touchend")
    assert float(str(up["time"])) - float(str(down["time"])) >= 600
    phone.step(Click(at=Point(x=800, y=900), count=2))
    assert [event["kind"] for event in touched(phone, "touchstart", "touchend", "dblclick")] == [
        "touchstart",
        "touchend",
        "touchstart",
        "touchend",
        "dblclick",
    ]


def test_a_drag_is_a_swipe_that_scrolls_as_far_as_the_finger_went(server: Server, phone: Browser) -> None:
    phone.reset(Task(start=f"{server.url}/touch"))
    phone.step(Drag(path=(Point(x=900, y=2000), Point(x=900, y=950))))  # 400 CSS pixels up
    events = touched(phone, "touchstart", "touchmove", "touchend", "touchcancel", "mousemove")
    kinds = [event["kind"] for event in events]
    assert kinds[0] == "touchstart"
    assert kinds[-1] in ("touchend", "touchcancel")
    assert 1 <= kinds.count("touchmove") == len(kinds) - 2
    assert 350 <= float(str(told(phone, "scrollY"))) <= 450


def test_scrolling_goes_exactly_as_far_as_it_says(server: Server, phone: Browser) -> None:
    phone.reset(Task(start=f"{server.url}/touch"))
    phone.step(Scroll(at=Point(x=900, y=950), dy=1050))
    assert told(phone, "Math.round(scrollY)") == 400


def test_a_field_is_tapped_and_typed_into(server: Server, phone: Browser) -> None:
    phone.reset(Task(start=f"{server.url}/touch"))
    phone.step(Type(text="old", at=Point(x=250, y=1350)))
    phone.step(Type(text="new\n", at=Point(x=250, y=1350), replace=True))
    assert told(phone, "[field.value, entered]") == ["new", 1]


def test_an_option_is_chosen_on_a_page_that_is_shown_smaller(server: Server, phone: Browser) -> None:
    look = phone.reset(Task(start=f"{server.url}/wide"))
    left, top, _, _ = box(look, (0, 255, 0))
    phone.step(Select(at=Point(x=left + 4, y=top + 4), label="Paris"))
    assert told(phone, "list.value") == "Paris"


@pytest.mark.parametrize(
    ("action", "message"),
    [
        (Move(at=Point(x=1, y=1)), "^move: not possible here"),
        (Click(at=Point(x=1, y=1), button="right"), "^button: a touch screen has no right button"),
        (Click(at=Point(x=1, y=1), modifiers=("ctrl",)), "^modifiers: a tap with ctrl held"),
        (Click(at=Point(x=1082, y=1)), "lies outside the 1082x2202 screen"),
    ],
)
def test_what_no_finger_can_do_is_refused_and_nothing_happens(
    server: Server, phone: Browser, action: Action, message: str
) -> None:
    phone.reset(Task(start=f"{server.url}/touch"))
    with pytest.raises(ActionError, match=message):
        phone.step(action)
    assert touched(phone, "touchstart", "mousemove", "click") == []


def test_calls_of_mobile_use_run_on_the_phone(server: Server, phone: Browser) -> None:
    seen = phone.reset(Task(start=f"{server.url}/touch"))
    tongue = dialect("qwen2.5-mobile")
    frame = tongue.frame(*seen.size, 1092, 2212)

    def call(arguments: str) -> Observation:
        text = f'<tool_call>\n{{"name": "mobile_use", "arguments": {{{arguments}}}}}\n</tool_call>'
        return phone.step(tongue.parse(text, frame))

    seen = call('"action": "click", "coordinate": [540, 802]')
    assert seen.receipt is not None
    assert seen.receipt.target == 'div "Red"'
    call('"action": "click", "coordinate": [252, 1356]')
    call('"action": "type", "text": "hi"')
    call('"action": "system_button", "button": "Enter"')
    assert told(phone, "[field.value, entered]") == ["hi", 1]
    call('"action": "swipe", "coordinate": [900, 2000], "coordinate2": [900, 1000]')
    assert float(str(told(phone, "scrollY"))) > 300
    assert call('"action": "system_button", "button": "Home"').url == "about:blank"
    assert call('"action": "system_button", "button": "Back"').url == f"{server.url}/touch"


def test_an_unknown_device_is_refused_with_those_that_have_a_like_name() -> None:
    with pytest.raises(ValueError, match=r"device 'Pixel 77': unknown; did you mean Pixel 7"):
        Browser(BrowserOptions(device="Pixel 77"))


def test_a_mouse_click_holds_the_button_and_a_key_is_pressed_so_often(server: Server) -> None:
    with Browser(BrowserOptions(size=(400, 300))) as desk:
        desk.reset(Task(start=f"{server.url}/touch"))
        desk.step(Click(at=Point(x=10, y=10), hold=0.5))
        down, up = touched(desk, "mousedown", "mouseup")
        assert float(str(up["time"])) - float(str(down["time"])) >= 500
        desk.step(Key(keys=("shift", "a"), count=3))
        assert [event["key"] for event in touched(desk, "keydown")] == ["Shift", "a"] * 3
        desk.step(Key(keys=("a",), hold=0.5))
        down, up = touched(desk, "keydown", "keyup")
        assert float(str(up["time"])) - float(str(down["time"])) >= 500


def test_a_script_may_ask_for_a_phone_and_its_record_says_so(server: Server, tmp_path: Path) -> None:
    from agent.script import read_script
    from agent.stage import build, ready

    path = tmp_path / "task.yaml"
    path.write_text(
        f"name: tap\nstart: {server.url}/touch\ninstruction: Tap.\nenvironment: {{kind: browser, device: {PIXEL}}}\n"
    )
    entry = ready(read_script(path))
    assert (entry.device, entry.width, entry.height) == (PIXEL, None, None)
    with build(entry) as env:
        assert env.reset(Task(start=f"{server.url}/touch")).size == (1082, 2202)


def test_back_and_navigate_keep_the_phone(server: Server, phone: Browser) -> None:
    phone.reset(Task(start=f"{server.url}/touch"))
    phone.step(Navigate(url=f"{server.url}/wide"))
    assert float(str(told(phone, "innerWidth"))) > 900
    phone.step(Back())
    assert told(phone, "[innerWidth, devicePixelRatio]") == [412, 2.625]
