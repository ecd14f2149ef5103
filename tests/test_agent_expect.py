"""Expectations: held against a real page, and never more than data to it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from agent_runs import click
from pydantic import ValidationError

from actions import Key
from agent.expect import BARE, Check, awaited, verify
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
        (Check(absent="secret"), True),
        (Check(absent="Hello, Ada"), False),
        (Check(absent="'); document.body.remove(); ('"), True),
        (Check(file="*"), False),
        (Check(screenshot="none.png"), False),
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


LATE = """<title>t</title><p id=late>waiting</p><button onclick="alert('stop')"
style="position:absolute;left:0;top:100px;width:60px;height:30px">go</button><canvas id=c width=9 height=9></canvas>
<script>
  const at = new URLSearchParams(location.search), soon = {};
  const begin = () => at.forEach((wait, what) => setTimeout(soon[what], 1000 * wait));
  soon.text = () => { late.textContent = "here"; };
  soon.away = () => { location.href = location.pathname + "?arrived"; };
  const file = Object.assign(document.createElement("a"), { download: "a.txt", href: "data:,hello" });
  soon.file = () => file.click();
</script>"""
HELLO = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"


@pytest.fixture(scope="module")
def late(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Browser, str]]:
    page = tmp_path_factory.mktemp("late") / "late.html"
    page.write_text(LATE)
    with Browser(BrowserOptions(size=(160, 208))) as env:
        yield env, page.as_uri()


@pytest.mark.parametrize(
    ("query", "check"),
    [
        ("text=0.5", Check(text="here", within=20)),
        ("text=0.5", Check(absent="waiting", within=20)),
        ("away=0.5", Check(url="*?arrived", within=20)),
        ("file=0.5", Check(file="a*.txt", size=5, sha256=HELLO, within=20)),
    ],
    ids=str,
)
def test_what_comes_true_later_is_awaited_and_no_longer(late: tuple[Browser, str], query: str, check: Check) -> None:
    env, url = late
    seen = env.reset(Task(start=f"{url}?{query}"))
    assert not verify([check], env, seen)[0].held
    env.evaluate("begin()")
    began = time.monotonic()
    (verdict,) = awaited([check], env, seen, BARE, time.monotonic)
    assert verdict.held, verdict.found
    assert time.monotonic() - began < 15


def test_what_never_comes_true_is_given_up_when_its_time_is_over(late: tuple[Browser, str]) -> None:
    env, url = late
    seen = env.reset(Task(start=f"{url}?text=0.1"))
    env.evaluate("begin()")
    began = time.monotonic()
    checks = [Check(text="never", within=1.2), Check(text="waiting", within=0)]
    verdicts = awaited(checks, env, seen, BARE, time.monotonic)
    assert [verdict.held for verdict in verdicts] == [False, False]
    assert time.monotonic() - began > 1.1
    (at_once,) = awaited([Check(text="never", within=0)], env, seen, BARE, time.monotonic)
    assert not at_once.held


def test_a_dialog_is_waited_behind_without_looking_again_and_again(late: tuple[Browser, str]) -> None:
    env, url = late
    env.reset(Task(start=url))
    seen, looks = env.step(click(20, 110)), []

    class Counted:
        """The same browser, which counts how often it is looked at."""

        space, reset, step, close = env.space, env.reset, env.step, env.close
        __enter__, __exit__, evaluate = env.__enter__, env.__exit__, env.evaluate

        def stir(self, seconds: float) -> Observation:
            looks.append(seconds)
            return env.stir(seconds)

    (verdict,) = awaited([Check(text="here", within=1.5)], Counted(), seen, BARE, time.monotonic)
    assert "stop" in verdict.found
    assert len(looks) <= 3
    env.step(Key(keys=("enter",)))


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"url": "a", "text": "b"},
        {"text": "a", "checked": True},
        {"txt": "a"},
        {"text": "a", "box": [0, 0, 1, 1]},
        {"screenshot": "a.png", "box": [5, 0, 5, 9]},
        {"file": "a", "sha256": "beef"},
        {"python": "no function"},
    ],
)
def test_a_check_that_asks_for_nothing_or_too_much_is_refused(fields: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Check.model_validate(fields)
