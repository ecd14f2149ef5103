"""Evidence: what an action was done to is told from its neighbours, and never by what was entered."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from browser_pages import Server, serve

from actions import Click, Drag, Point, Scroll, Select, Type
from env import Browser, BrowserOptions, Evidence, Naming, Screens, Secret, Secrets, Task
from env.network import Network

PAGE = """<title>Evidence</title><body style="margin:0"><h1>Order</h1>
<form><fieldset><legend>You</legend>
<label for=mail>E-mail</label><input id=mail name=email value=kept>
<label>Word <input type=password id=word value=hidden-word></label>
<label>Plan <select name=plan><option>Small<option>Large</select></label></fieldset>
<table><tr><td>Ada</td><td><button type=button>Delete</button></td></tr>
<tr><td>Bob</td><td><button type=button id=":r3:">Delete</button></td></tr></table>
<div class=mask>cover me <button type=button>Covered</button></div>
<button type=button disabled>Off</button><button type=button hidden>Gone</button>
<p contenteditable>private note</p></form>
<div id=host></div><iframe srcdoc="<button style='margin:20px'>Inner</button>" width=300 height=80></iframe>
<div style="margin-top:2000px"><a href="#x">Below</a></div>
<script>
const root = document.getElementById('host').attachShadow({mode: 'open'});
root.innerHTML = '<button>Shadow <slot></slot></button>';
</script>"""


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serve({"/evidence": PAGE}) as running:
        yield running


@pytest.fixture(scope="module")
def browser(server: Server) -> Iterator[Browser]:
    with Browser(BrowserOptions(size=(800, 600), masks=(".mask",))) as made:
        yield made


def middle(found: Evidence) -> Point:
    assert found.box is not None
    left, top, right, bottom = found.box
    return Point(x=(left + right) // 2, y=(top + bottom) // 2)


def one(browser: Naming, name: str, number: int = 0, *, beyond: bool = False) -> Evidence:
    return [each for each in browser.named(beyond=beyond) if each.name == name][number]


def test_all_that_can_be_named_is_listed_with_its_role_and_no_value(browser: Browser, server: Server) -> None:
    browser.reset(Task(start=f"{server.url}/evidence"))
    found = browser.named()
    names = {(each.role, each.name) for each in found}
    wanted = {("heading", "Order"), ("textbox", "E-mail"), ("textbox", "Word"), ("combobox", "Plan")}
    assert wanted | {("button", "Delete"), ("button", "Shadow"), ("button", "Inner"), ("text", "Ada")} <= names
    assert not {"Covered", "Off", "Gone", "Below"} & {name for _, name in names}
    assert not [word for word in ("hidden-word", "kept", "private", "cover me") if word in str(found)]
    assert one(browser, "Below", beyond=True).role == "link"


def test_what_lies_at_a_place_is_what_the_list_says_of_it(browser: Browser, server: Server) -> None:
    browser.reset(Task(start=f"{server.url}/evidence"))
    for each in browser.named():
        (there,) = browser.lies([middle(each)])
        assert (there.role, there.name, there.near) == (each.role, each.name, each.near)


def test_the_evidence_of_an_action_is_that_of_its_places_before_it(browser: Browser, server: Server) -> None:
    browser.reset(Task(start=f"{server.url}/evidence"))
    mail, plan, bob = one(browser, "E-mail"), one(browser, "Plan"), one(browser, "Delete", 1)
    actions = [
        (Type(text="secret text", at=middle(mail)), mail),
        (Select(at=middle(plan), label="Large"), plan),
        (Click(at=middle(bob)), bob),
    ]
    for action, wanted in actions:
        receipt = browser.step(action).receipt
        assert receipt is not None
        assert receipt.evidence == (wanted,)
    receipt = browser.step(Drag(path=(middle(plan), middle(bob)))).receipt
    assert receipt is not None
    assert [each.name for each in receipt.evidence] == ["Plan", "Delete"]
    receipt = browser.step(Type(text="x")).receipt
    assert receipt is not None
    assert receipt.evidence == ()


def test_rows_tell_buttons_of_one_name_apart_and_counted_ids_are_no_names(browser: Browser, server: Server) -> None:
    browser.reset(Task(start=f"{server.url}/evidence"))
    ada, bob = one(browser, "Delete"), one(browser, "Delete", 1)
    assert (ada.near, bob.near) == (("Ada Delete",), ("Bob Delete",))
    assert (one(browser, "E-mail").key, bob.key) == ("email", "")


def test_a_masked_place_gives_a_role_and_no_words(browser: Browser, server: Server) -> None:
    browser.reset(Task(start=f"{server.url}/evidence"))
    box = browser.evaluate(
        "() => { const b = document.querySelector('.mask').getBoundingClientRect(); return b.top + 8 }"
    )
    assert isinstance(box, int | float)
    receipt = browser.step(Click(at=Point(x=20, y=round(box)))).receipt
    assert receipt is not None
    (there,) = receipt.evidence
    assert (there.name, there.text, there.key) == ("", "", "")


def test_boxes_are_in_pixels_of_the_screenshot(server: Server) -> None:
    with Browser(BrowserOptions(size=(800, 600), device_scale_factor=2)) as env:
        env.reset(Task(start=f"{server.url}/evidence"))
        for name in ("E-mail", "Inner"):
            found = one(env, name)
            assert env.lies([middle(found)])[0].name == name
            assert env.step(Click(at=middle(found))).receipt is not None
        box = env.evaluate(
            "() => { const b = document.querySelector('#mail').getBoundingClientRect(); return b.right * 2 }"
        )
        assert isinstance(box, int | float)
        found = one(env, "E-mail")
        assert found.box is not None
        assert abs(found.box[2] - box) <= 1


def test_evidence_names_a_secret_and_does_not_say_it(server: Server) -> None:
    secrets = Secrets((Secret("word", "hunter2-hunter2", Network.of(server.url)),))
    with Browser(BrowserOptions(size=(800, 600), secrets=secrets)) as env:
        env.reset(Task(start=f"{server.url}/evidence"))
        env.evaluate("() => { document.querySelector('h1').innerHTML = 'hunter2-<b>hunter2</b>' }")
        heading = env.named()[0]
        assert heading.name == "<secret:word>"
        receipt = env.step(Click(at=middle(heading))).receipt
        assert receipt is not None
        assert "hunter2" not in str(receipt)


def test_a_change_is_noticed_by_itself_and_nothing_is_waited_for_in_vain(browser: Browser, server: Server) -> None:
    browser.reset(Task(start=f"{server.url}/evidence"))
    browser.evaluate("() => { setTimeout(() => { document.querySelector('h1').textContent = 'Later' }, 600) }")
    seen = browser.stir(20)
    assert "Later" in {each.name for each in browser.named()}
    assert seen.time < 10


def test_screens_name_their_widgets_and_what_lies_at_a_place() -> None:
    with Screens() as env:
        env.reset(Task())
        assert isinstance(env, Naming)
        for each in env.named():
            assert env.lies([middle(each)]) == (each,)
        receipt = env.step(Click(at=Point(x=145, y=155))).receipt
        assert receipt is not None
        assert [(each.role, each.name) for each in receipt.evidence] == [("button", "Sign in")]


def test_a_page_of_frames_is_read_whole_and_each_box_can_be_clicked(tmp_path: Path) -> None:
    inner = "<body style='margin:0'><button style='margin:30px'>Deep</button>"
    with serve({"/inner": inner}) as other:
        frame = f"<iframe src='{other.url}/inner' style='margin:50px;width:300px;height:200px;border:7px solid'>"
        with serve({"/outer": f"<title>o</title><body>{frame}</iframe>"}) as outer, Browser() as env:
            env.reset(Task(start=f"{outer.url}/outer"))
            deep = one(env, "Deep")
            assert env.lies([middle(deep)])[0].name == "Deep"
            receipt = env.step(Click(at=middle(deep))).receipt
            assert receipt is not None
            assert receipt.evidence[0].name == "Deep"
            assert deep.box is not None
            assert receipt.evidence[0].box == deep.box


@pytest.mark.slow
def test_a_click_after_the_wheel_hits_its_target_at_twice_the_pixels(server: Server) -> None:
    """A capture of a page drawn at another scale than the browser's own halved the places of clicks after it."""
    with Browser(BrowserOptions(size=(800, 600), device_scale_factor=2)) as env:
        for _ in range(5):
            env.reset(Task(start=f"{server.url}/evidence"))
            env.evaluate("() => addEventListener('mousedown', (e) => { window.x = e.clientX }, true)")
            env.step(Scroll(at=Point(x=1400, y=300), dy=100))
            at = middle(one(env, "Delete"))
            env.step(Click(at=at))
            assert env.evaluate("() => window.x") == at.x // 2
