"""Expectations: held against a real page, and never more than data to it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from agent_runs import click
from pydantic import ValidationError

from agent.expect import Check, verify
from env import Browser, BrowserOptions, Environment, Observation, Screens, Task

PAGE = """<title>t</title><body style="margin:0"><button onclick="alert('stop')"
style="position:absolute;left:0;top:0;width:60px;height:30px">go</button><p style="margin-top:50px">Hello,
  <b>Ada</b></p><p style="display:none">secret</p><input id=on type=checkbox checked><input id=name value="x y">
<i id=gone style="visibility:hidden">no</i><div role=checkbox aria-checked=true id=box>b</div>"""


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Environment, Observation]]:
    page = tmp_path_factory.mktemp("pages") / "a b.html"
    page.write_text(PAGE)
    with Browser(BrowserOptions(size=(160, 208))) as env:
        yield env, env.reset(Task(start=f"{page.as_uri()}?q=1#end"))


@pytest.mark.parametrize(
    ("check", "held"),
    [
        (Check(text="Hello, Ada"), True),
        (Check(text="hello, ada"), False),
        (Check(text="secret"), False),
        (Check(url="*/a%20b.html?q=1#end"), True),
        (Check(url="/*/a%20b.html*"), True),
        (Check(url="/a%20b.html"), False),
        (Check(element="#on"), True),
        (Check(element="#on", checked=True), True),
        (Check(element="#on", checked=False), False),
        (Check(element="#box", checked=True), True),
        (Check(element="#name", value="x y", visible=True), True),
        (Check(element="#name", value="x"), False),
        (Check(element="#gone", visible=False), True),
        (Check(element="#none"), False),
        (Check(element="#none", visible=False), True),
        (Check(element="#none", visible=False, value=""), False),
        (Check(element="##"), False),
        (Check(element="'); document.body.remove(); ('"), False),
        (Check(text="'); document.body.remove(); ('"), False),
    ],
    ids=str,
)
def test_a_check_holds_or_not(shown: tuple[Environment, Observation], check: Check, held: bool) -> None:
    env, seen = shown
    (verdict,) = verify([check], env, seen)
    assert verdict.held is held, verdict.found
    assert verdict.found


def test_a_dialog_in_front_of_the_page_is_found_and_not_waited_for(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text(PAGE)
    with Browser(BrowserOptions(size=(160, 208))) as env:
        env.reset(Task(start=page.as_uri()))
        seen = env.step(click(20, 10))
        text, url = verify([Check(text="Hello"), Check(url="*page.html")], env, seen)
    assert not text.held
    assert "stop" in text.found
    assert url.held


def test_screens_without_a_page_hold_only_their_address() -> None:
    with Screens() as env:
        seen = env.reset(Task())
        text, url = verify([Check(text="Sign in"), Check(url="screen:sign in")], env, seen)
    assert (text.held, url.held) == (False, True)
    assert "no page" in text.found


@pytest.mark.parametrize("fields", [{}, {"url": "a", "text": "b"}, {"text": "a", "checked": True}, {"txt": "a"}])
def test_a_check_that_asks_for_nothing_or_too_much_is_refused(fields: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Check.model_validate(fields)
