"""What Chromium opens as windows of its own is drawn in the page, and used by pixels and keys as any other part."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from browser_pages import Kept, Server, serve
from browser_probes import PAGES, indicator, offered, spot, state

from actions import Click, Key, Scroll, Select, Type, Wait
from env import Browser, BrowserOptions, Observation, Task


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serve(PAGES) as running:
        yield running


@pytest.fixture(scope="module")
def desktop() -> Iterator[Browser]:
    with Kept(BrowserOptions(size=(644, 700))) as made:
        yield made


@pytest.fixture(scope="module")
def phone() -> Iterator[Browser]:
    with Kept(BrowserOptions(device="iPhone SE")) as made:
        yield made


@pytest.fixture(params=["desktop", pytest.param("phone", marks=pytest.mark.slow)])
def browser(request: pytest.FixtureRequest) -> Browser:
    made = request.getfixturevalue(request.param)
    assert isinstance(made, Browser)
    return made


def press(env: Browser, label: str, across: float = 0.5) -> Observation:
    """Click what the open picker offers under this label."""
    place = offered(env, label, across)
    assert place is not None, label
    return env.step(Click(at=place))


def opened(env: Browser, server: Server, element: str, *, by: str = "#") -> Observation:
    """The page of pickers with that of one field open."""
    env.reset(Task(start=f"{server.url}/pickers"))
    place = spot(env, by + element) if element in ("city", "long", "color", "fruit") else indicator(env, by + element)
    return env.step(Click(at=place))


def told(env: Browser, element: str) -> object:
    """The events of one element, since it was last asked."""
    return state(env, f"told.splice(0).filter((each) => /^\\w+ {element}(=|$)/.test(each))")


def test_an_option_is_chosen_by_its_pixels_and_the_page_is_told_as_by_a_person(
    browser: Browser, server: Server
) -> None:
    look = opened(browser, server, "city")
    assert look.receipt is not None
    assert look.receipt.pixels_changed > 0
    told(browser, "city")
    assert offered(browser, "Berlin") is not None
    after = press(browser, "Paris")
    assert after.receipt is not None
    assert after.receipt.target == 'option "Paris"'
    assert told(browser, "city") == ["input city=p", "change city=p"]
    assert state(browser, "[city.value, document.activeElement.id]") == ["p", "city"]
    assert offered(browser, "Berlin") is None
    press_again = browser.step(Click(at=spot(browser, "#city")))
    assert press_again.receipt is not None
    press(browser, "Paris")
    assert "change city=p" not in str(told(browser, "city"))


@pytest.mark.slow
@pytest.mark.parametrize("scale", [1.5, 2.0])
def test_an_option_is_chosen_by_its_pixels_at_every_scale(server: Server, scale: float) -> None:
    with Browser(BrowserOptions(size=(644, 700), device_scale_factor=scale)) as env:
        opened(env, server, "city")
        press(env, "Rome")
        assert state(env, "city.value") == "r"


def test_a_click_beside_an_open_list_closes_it_and_chooses_nothing(desktop: Browser, server: Server) -> None:
    opened(desktop, server, "city")
    desktop.step(Click(at=spot(desktop, "#send")))
    assert offered(desktop, "Paris") is None
    assert state(desktop, "city.value") == "b"
    opened(desktop, server, "city")
    desktop.step(Click(at=spot(desktop, "#city")))
    assert offered(desktop, "Paris") is None
    desktop.step(Key(keys=("space",)))  # and keys open it again
    assert offered(desktop, "Paris") is not None


def test_what_a_list_does_not_allow_cannot_be_chosen(desktop: Browser, server: Server) -> None:
    opened(desktop, server, "city")
    press(desktop, "Lyon")
    assert state(desktop, "city.value") == "b"
    assert offered(desktop, "Paris") is not None


def test_an_open_list_answers_to_keys(desktop: Browser, server: Server) -> None:
    opened(desktop, server, "city")
    for keys, value in (
        ("down enter", "p"),
        ("down down enter", "r"),  # past what is disabled
        ("end up space", "p"),
        ("r enter", "r"),
        ("down escape", "b"),
        ("end tab", "r"),
    ):
        desktop.evaluate("() => { city.value = 'b'; window[Symbol.for('handeye.pickers')].close() }")
        desktop.step(Click(at=spot(desktop, "#city")))
        told(desktop, "city")
        for key in keys.split():
            desktop.step(Key(keys=(key,)))
        assert state(desktop, "city.value") == value, keys
        assert "keydown" not in str(told(desktop, "city")) or keys == "end tab"
        assert desktop.evaluate("window[Symbol.for('handeye.pickers')].for()") is None


def test_keys_open_a_list_as_in_any_chromium(desktop: Browser, server: Server) -> None:
    desktop.reset(Task(start=f"{server.url}/pickers"))
    desktop.step(Key(keys=("tab",)))
    for keys in (("space",), ("alt", "down"), ("f4",), ("enter",)):
        desktop.evaluate("() => { city.value = 'b' }")
        desktop.step(Key(keys=keys))
        press(desktop, "Rome")
        assert state(desktop, "city.value") == "r", keys


def test_a_long_list_is_turned_by_the_wheel(desktop: Browser, server: Server) -> None:
    opened(desktop, server, "long")
    first = offered(desktop, "Item 3")
    assert first is not None
    assert offered(desktop, "Item 100") is None
    rows = 0
    while (place := offered(desktop, "Item 100")) is None and rows < 20:
        desktop.step(Scroll(at=first, dy=round(400 * desktop.options.device_scale_factor)))
        rows += 1
    assert place is not None
    desktop.step(Click(at=place))
    assert state(desktop, "[long.value, scrollY]") == ["Item 100", 0]


def test_a_word_that_is_typed_finds_its_option(desktop: Browser, server: Server) -> None:
    opened(desktop, server, "long")
    desktop.step(Type(text="Item 150\n"))
    assert state(desktop, "long.value") == "Item 150"


def test_a_page_that_refuses_the_press_gets_no_list(desktop: Browser, server: Server) -> None:
    desktop.reset(Task(start=f"{server.url}/pickers"))
    desktop.evaluate("() => { city.addEventListener('mousedown', (e) => e.preventDefault()) }")
    desktop.step(Click(at=spot(desktop, "#city")))
    assert offered(desktop, "Paris") is None
    desktop.evaluate("() => { date.addEventListener('click', (e) => e.preventDefault()) }")
    desktop.step(Click(at=indicator(desktop, "#date")))
    assert offered(desktop, "Today") is None


def test_a_page_that_swallows_its_events_gets_a_list_all_the_same(desktop: Browser, server: Server) -> None:
    desktop.reset(Task(start=f"{server.url}/pickers"))
    desktop.evaluate(
        "() => { for (const kind of ['mousedown', 'click']) addEventListener(kind, (e) => e.stopPropagation(), true) }"
    )
    desktop.step(Click(at=spot(desktop, "#city")))
    press(desktop, "Rome")
    assert state(desktop, "city.value") == "r"


def test_options_that_change_while_a_list_is_open_are_shown(desktop: Browser, server: Server) -> None:
    opened(desktop, server, "city")
    desktop.evaluate("() => { city.add(new Option('Oslo', 'o')) }")
    press(desktop, "Oslo")
    assert state(desktop, "city.value") == "o"


def test_a_day_is_chosen_in_the_calendar(browser: Browser, server: Server) -> None:
    opened(browser, server, "date")
    told(browser, "date")
    press(browser, "next month")
    press(browser, "March 9, 2024")
    assert told(browser, "date") == ["input date=2024-03-09", "change date=2024-03-09"]
    browser.step(Click(at=indicator(browser, "#date")))
    press(browser, "Clear")
    assert state(browser, "date.value") == ""


def test_a_day_out_of_bounds_cannot_be_chosen(desktop: Browser, server: Server) -> None:
    opened(desktop, server, "date")
    press(desktop, "February 4, 2024")
    assert state(desktop, "date.value") == "2024-02-28"
    press(desktop, "February 5, 2024")
    assert state(desktop, "date.value") == "2024-02-05"


def test_a_calendar_answers_to_keys(desktop: Browser, server: Server) -> None:
    desktop.reset(Task(start=f"{server.url}/pickers"))
    for keys, value in (
        ("right enter", "2024-02-29"),
        ("right right space", "2024-03-01"),
        ("down enter", "2024-03-06"),
        ("pagedown enter", "2024-03-28"),
        ("down escape", "2024-02-28"),
        ("up up up up enter escape", "2024-02-28"),  # January 31 is too early
    ):
        desktop.evaluate("() => { date.value = '2024-02-28' }")
        desktop.step(Click(at=indicator(desktop, "#date")))
        for key in keys.split():
            desktop.step(Key(keys=(key,)))
        assert state(desktop, "date.value") == value, keys


def test_a_date_that_is_typed_goes_to_the_field_past_its_open_calendar(desktop: Browser, server: Server) -> None:
    opened(desktop, server, "date")
    desktop.step(Type(text="12312025"))
    assert state(desktop, "date.value") == "2025-12-31"


def test_a_time_is_chosen_by_hour_and_minute(desktop: Browser, server: Server) -> None:
    opened(desktop, server, "time")
    press(desktop, "hour 17")
    press(desktop, "minute 05")
    assert state(desktop, "[document.getElementById('time').value]") == ["17:05"]
    press(desktop, "Set")
    assert offered(desktop, "hour 17") is None


def test_seconds_are_offered_where_the_field_counts_them(desktop: Browser, server: Server) -> None:
    desktop.reset(Task(start=f"{server.url}/pickers"))
    desktop.evaluate("() => { document.getElementById('time').step = 1 }")
    desktop.step(Click(at=indicator(desktop, "#time")))
    for label in ("hour 01", "minute 02", "second 03"):
        press(desktop, label)
    assert state(desktop, "document.getElementById('time').value") == "01:02:03"


def test_a_day_and_its_time_are_chosen_together(browser: Browser, server: Server) -> None:
    opened(browser, server, "local")
    press(browser, "February 29, 2024")
    press(browser, "hour 23")
    press(browser, "minute 59")
    press(browser, "Set")
    assert state(browser, "local.value") == "2024-02-29T23:59"


def test_a_month_and_a_week_are_chosen(desktop: Browser, server: Server) -> None:
    opened(desktop, server, "month")
    press(desktop, "next year")
    press(desktop, "February 2025")
    assert state(desktop, "month.value") == "2025-02"
    desktop.step(Click(at=indicator(desktop, "#week")))
    press(desktop, "December 31, 2024")  # of the first week of the next year
    assert state(desktop, "week.value") == "2025-W01"


def test_a_colour_is_chosen_by_swatch_by_track_and_by_digits(browser: Browser, server: Server) -> None:
    opened(browser, server, "color")
    told(browser, "color")
    press(browser, "#00ff00")
    press(browser, "red", 0.996)
    press(browser, "Set")
    assert told(browser, "color") == ["input color=#00ff00", "input color=#ffff00", "change color=#ffff00"]
    browser.step(Click(at=spot(browser, "#color")))
    browser.step(Type(text="12ab9f\n"))
    assert state(browser, "color.value") == "#12ab9f"
    browser.step(Click(at=spot(browser, "#color")))
    press(browser, "#00ff00")
    browser.step(Key(keys=("escape",)))
    assert state(browser, "color.value") == "#12ab9f"


def test_suggestions_are_seen_and_taken_by_pixel_or_key(desktop: Browser, server: Server) -> None:
    opened(desktop, server, "fruit")
    assert offered(desktop, "Apple") is not None
    desktop.step(Type(text="an"))
    assert offered(desktop, "Apple") is None
    told(desktop, "fruit")
    press(desktop, "Banana")
    assert told(desktop, "fruit") == ["input fruit=Banana", "change fruit=Banana"]
    desktop.step(Type(text="ch", at=spot(desktop, "#fruit"), replace=True))
    desktop.step(Key(keys=("down",)))
    desktop.step(Key(keys=("enter",)))
    assert state(desktop, "fruit.value") == "Cherry"


def test_what_a_form_lacks_is_said_and_stands_still(browser: Browser, server: Server) -> None:
    browser.reset(Task(start=f"{server.url}/pickers"))
    look = browser.step(Click(at=spot(browser, "#send")))
    assert look.receipt is not None
    assert offered(browser, "Please fill out this field.") is not None
    assert state(browser, "document.activeElement.id") == "need"
    assert "submit form" not in str(told(browser, "form"))
    again = browser.step(Wait(seconds=0.3))
    assert np.array_equal(look.screenshot, again.screenshot)
    browser.step(Type(text="x"))
    assert offered(browser, "Please fill out this field.") is None
    browser.step(Click(at=spot(browser, "#send")))
    assert "submit form" in str(told(browser, "form"))


def test_a_page_that_tells_of_mistakes_itself_gets_no_bubble(desktop: Browser, server: Server) -> None:
    desktop.reset(Task(start=f"{server.url}/pickers"))
    desktop.evaluate("() => { need.checkValidity() }")
    desktop.step(Wait(seconds=0))
    assert offered(desktop, "Please fill out this field.") is None
    desktop.evaluate("() => { need.addEventListener('invalid', (e) => e.preventDefault()) }")
    desktop.step(Click(at=spot(desktop, "#send")))
    assert offered(desktop, "Please fill out this field.") is None


def test_a_script_of_the_page_may_open_a_picker(desktop: Browser, server: Server) -> None:
    desktop.reset(Task(start=f"{server.url}/pickers"))
    desktop.evaluate("() => { send.type = 'button'; send.onclick = () => date.showPicker() }")
    desktop.step(Click(at=spot(desktop, "#send")))
    press(desktop, "February 29, 2024")
    assert state(desktop, "date.value") == "2024-02-29"


def test_the_script_of_the_page_sees_no_event_inside_a_picker(desktop: Browser, server: Server) -> None:
    opened(desktop, server, "city")
    desktop.evaluate(
        """() => { window.strange = [];
          for (const kind of ['pointerdown', 'mousedown', 'mouseup', 'click', 'mousemove'])
            addEventListener(kind, (e) => strange.push(kind + e.target.localName), true) }"""
    )
    press(desktop, "Rome")
    assert state(desktop, "strange") == []
    assert state(desktop, "document.querySelectorAll('handeye-picker').length") == 0


def test_an_option_is_still_chosen_by_its_label_while_the_list_is_open(desktop: Browser, server: Server) -> None:
    opened(desktop, server, "city")
    desktop.step(Select(at=spot(desktop, "#city"), label="Rome"))
    assert offered(desktop, "Paris") is None
    assert state(desktop, "city.value") == "r"


def test_pickers_work_inside_a_modal_dialog_a_closed_shadow_tree_and_a_rewritten_page(
    desktop: Browser, server: Server
) -> None:
    parts = "<select id=s><option>one<option>two</select>"
    desktop.reset(Task(start=f"{server.url}/pickers"))
    for script_text in (
        f"() => {{ document.body.innerHTML = '<dialog id=d>{parts}</dialog>'; d.showModal() }}",
        f"""() => {{ document.body.innerHTML = '<div id=host></div>';
          const root = host.attachShadow({{mode: 'closed'}}); root.innerHTML = '{parts}'; host.closed = root }}""",
        f"() => {{ document.open(); document.write('{parts}'); document.close() }}",
    ):
        desktop.evaluate(script_text)
        path = ("#host", "#s") if "host" in script_text else ("#s",)
        desktop.step(Click(at=spot(desktop, *path)))
        press(desktop, "two")
        chosen = "(host.closed || document).querySelector('#s').value" if "host" in script_text else "s.value"
        assert state(desktop, chosen) == "two"


def test_a_picker_near_the_edge_of_the_screen_is_seen_whole(desktop: Browser, server: Server) -> None:
    desktop.reset(Task(start=f"{server.url}/pickers"))
    desktop.evaluate("() => { for (const each of [city, date]) each.style.cssText += ';top:660px;width:110px' }")
    desktop.evaluate("() => { city.style.left = '530px'; date.style.left = '410px' }")
    for place, label in ((spot(desktop, "#city"), "Rome"), (indicator(desktop, "#date"), "Today")):
        desktop.step(Click(at=place))
        found = offered(desktop, label)
        assert found is not None
        assert found.x < 644
        assert found.y < 660
        desktop.step(Key(keys=("escape",)))


def test_a_page_laid_out_for_a_desk_shows_a_picker_of_the_usual_size_on_a_phone(phone: Browser) -> None:
    phone.reset(Task())
    phone.evaluate(
        """() => { document.body.innerHTML =
          '<select id=s style="width:400px;height:80px"><option>one<option>two</select>' }"""
    )
    assert float(str(state(phone, "visualViewport.scale"))) < 0.5
    phone.step(Click(at=spot(phone, "#s")))
    press(phone, "two")
    assert state(phone, "s.value") == "two"
