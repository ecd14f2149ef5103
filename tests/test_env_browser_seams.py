"""Where parts of the browser meet: the gate and a proxy, recovery and care, pickers and what nobody may see."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np
import pytest
from agent_runs import processes
from browser_pages import Kept, Server, serve
from browser_probes import PAGES, indicator, offered, spot
from test_env_browser_access import guarded

from actions import ActionError, Click, Key, Navigate, Point, Type
from agent.approve import Approval, Careful, Caution, Request
from agent.limits import Limits
from agent.perform import Job, perform
from agent.policy import Scripted
from agent.step import Step
from env import Browser, BrowserOptions, EnvironmentBroken, Observation, Task
from env.browser import Credentials, Proxy
from env.browser.veil import COVER
from env.network import Network
from env.secrets import Secret, Secrets

SIZE = (308, 224)
WORD = "hunter2-correct"
FORM = """<title>Form</title><body style="margin:0"><form action="/sent"><input name=q aria-label=Word
  style="position:absolute;left:0;top:0;width:200px;height:40px"></form><p style="margin-top:80px" id=o></p>
  <script>o.textContent = document.cookie; document.cookie = 'seen=yes';
  const kept = localStorage.getItem('word'); if (kept) { o.textContent += kept; document.title = kept }
  document.querySelector('input').oninput = (e) => localStorage.setItem('word', e.target.value);</script>"""


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    shown: Mapping[str, str] = {**PAGES, "/form": FORM, f"/sent?q={WORD}": "<title>Sent</title>thanks"}
    with serve(shown) as running:
        yield running


def shoot(env: Browser) -> None:
    """Kill every process of `env`."""
    for process in processes(env.marker):
        os.kill(process, signal.SIGKILL)


def covered(seen: Observation) -> int:
    """How many pixels are covered."""
    return int(np.count_nonzero((seen.screenshot == COVER).all(axis=2)))


def test_what_the_policy_allows_goes_through_the_proxy_and_what_it_does_not_reaches_nobody() -> None:
    with guarded("Proxy-Authorization", "Proxy-Authenticate", 407) as (url, heads):
        proxy = Proxy(url, username="ada", password="p:ss wörd")
        network = Network.of("http://nowhere.invalid")
        with Browser(BrowserOptions(size=SIZE, proxy=proxy, network=network)) as env:
            assert env.reset(Task(start="http://nowhere.invalid/page")).title == "in"
            known = len(heads)
            env.evaluate("() => { fetch('http://elsewhere.invalid/').catch(() => 0) }")
            with pytest.raises(ActionError, match="refused"):
                env.step(Navigate(url="http://elsewhere.invalid/"))
            assert len(heads) == known > 0
            shoot(env)
            with pytest.raises(EnvironmentBroken):
                env.step(Click(at=Point(x=5, y=5)))
            assert env.recover().seen.title == "in"
            assert len(heads) > known
            assert {head["Host"] for head in heads} == {"nowhere.invalid"}


@pytest.mark.parametrize(
    ("proxy", "said"),
    [
        (Proxy("socks5://127.0.0.1:1080"), "^proxy: server: 'socks5://127.0.0.1:1080' cannot be used beside"),
        (Proxy("https://proxy.test"), "^proxy: server: 'https://proxy.test' cannot be used beside"),
        (Proxy("http://proxy.test", bypass="a.test"), "^proxy: bypass: beside a network policy"),
    ],
)
def test_a_proxy_that_the_gate_cannot_speak_to_is_refused_only_beside_a_policy(proxy: Proxy, said: str) -> None:
    options = BrowserOptions(proxy=proxy)
    with pytest.raises(ValueError, match=said):
        replace(options, network=Network.of("http://a.test"))


def test_a_server_that_asks_for_a_password_gets_it_beside_a_policy_too() -> None:
    with guarded("Authorization", "WWW-Authenticate", 401) as (url, _):
        options = BrowserOptions(
            size=SIZE, credentials=Credentials("ada", "p:ss wörd"), network=Network.of(url), headers={"X-Team": "qa"}
        )
        with Browser(options) as env:
            assert env.reset(Task(start=url)).title == "in"


@pytest.fixture(scope="module")
def mortal(server: Server) -> Iterator[Browser]:
    """A browser with all that has to outlive its process."""
    secret = Secret("word", WORD, Network.of(server.url))
    state = {
        "cookies": [{"name": "who", "value": "ada", "domain": "127.0.0.1", "path": "/"}],
        "origins": [{"origin": server.url, "localStorage": [{"name": "word", "value": WORD}]}],
    }
    options = BrowserOptions(
        size=SIZE,
        network=Network.of(server.url),
        secrets=Secrets((secret,)),
        masks=("form",),
        storage_state=state,
    )
    with Browser(options) as env:
        yield env


def test_a_recovered_browser_keeps_the_policy_the_masks_the_storage_and_the_secrets(
    mortal: Browser, server: Server
) -> None:
    env = mortal
    env.reset(Task(start=f"{server.url}/form"))
    env.step(Type(at=Point(x=20, y=20), text="<secret:word>"))
    before = env.look()
    shoot(env)
    with pytest.raises(EnvironmentBroken) as broken:
        env.step(Click(at=Point(x=300, y=200)))
    assert WORD not in str(broken.value)
    fresh = env.recover()
    assert "new browser" in fresh.told
    seen = fresh.seen
    assert (seen.url, seen.title) == (f"{server.url}/form", "<secret:word>")
    assert "who=ada" in env.page_text()
    assert WORD not in env.page_text()
    assert covered(before) > 0
    assert covered(seen) > 0
    with pytest.raises(ActionError, match="refused"):
        env.step(Navigate(url="http://elsewhere.invalid/"))
    said = env.evaluate("fetch('http://elsewhere.invalid/').then((said) => said.status, () => 'none')")
    assert said in (403, "none")
    assert env.look().refused[-1] == "GET http://elsewhere.invalid/"
    assert env.step(Type(at=Point(x=20, y=20), text="<secret:word>\n")).title == "Sent"
    assert env.url == f"{server.url}/sent?q=<secret:word>"


def test_an_address_with_a_secret_in_it_is_found_again_and_told_without_it(mortal: Browser, server: Server) -> None:
    env = mortal
    env.reset(Task(start=f"{server.url}/form"))
    env.step(Type(at=Point(x=20, y=20), text="<secret:word>\n"))
    shoot(env)
    with pytest.raises(EnvironmentBroken):
        env.step(Key(keys=("tab",)))
    before = server.asked.count(f"/sent?q={WORD}")
    seen = env.recover().seen
    assert (seen.title, seen.url) == ("Sent", f"{server.url}/sent?q=<secret:word>")
    assert server.asked.count(f"/sent?q={WORD}") == before + 1


class Person:
    """Grants everything, and remembers what was asked."""

    def __init__(self) -> None:
        self.asked: list[Request] = []

    def __call__(self, request: Request) -> Approval:
        self.asked.append(request)
        return Approval(granted=True)


def test_a_run_with_approvals_goes_on_after_its_browser_died_and_sends_nothing_twice(
    mortal: Browser, server: Server
) -> None:
    person = Person()
    env = mortal

    def decided(step: Step) -> None:
        if step.index == 2:
            shoot(env)

    actions = [Type(at=Point(x=20, y=20), text="once"), Key(keys=("enter",)), Key(keys=("tab",))]
    job = Job(Task("send", f"{server.url}/form"), Limits(steps=3), caution=Caution(person))
    before = sum("/sent" in path for path in server.asked)
    result = perform(env, Scripted(actions), job, decided=decided)
    steps = result.trajectory.steps
    assert [step.recovered for step in steps] == [False, True, False]
    assert "was not carried out" in steps[1].error
    assert sum("/sent" in path for path in server.asked) == before
    assert person.asked == []


@pytest.fixture(scope="module")
def picking(server: Server) -> Iterator[Browser]:
    secret = Secret("word", WORD, Network.of(server.url))
    options = BrowserOptions(size=(644, 700), masks=("#date",), secrets=Secrets((secret,)))
    with Kept(options) as env:
        yield env


def test_what_is_drawn_for_a_masked_field_is_covered_with_it_and_no_other(picking: Browser, server: Server) -> None:
    env = picking
    field = covered(env.reset(Task(start=f"{server.url}/pickers")))
    assert field > 0
    opened = env.step(Click(at=indicator(env, "#date")))
    assert covered(opened) > field * 4
    assert covered(env.step(Key(keys=("escape",)))) == field
    assert covered(env.step(Click(at=indicator(env, "#month")))) == field


def test_a_secret_that_a_picker_would_suggest_is_covered_there(picking: Browser, server: Server) -> None:
    env = picking
    env.reset(Task(start=f"{server.url}/pickers"))
    env.evaluate("(word) => { fruits.append(new Option(word)); return 0 }", WORD)
    env.step(Type(at=spot(env, "#need"), text="<secret:word>"))
    shut = covered(env.look())
    opened = env.step(Click(at=spot(env, "#fruit")))
    assert offered(env, "Apple") is not None
    assert covered(opened) > shut
    assert WORD not in repr((opened.focus, opened.receipt))


def test_choosing_from_a_picker_asks_nobody_and_what_stands_behind_it_is_not_meant(
    picking: Browser, server: Server
) -> None:
    person = Person()
    browser = picking
    env = Careful(browser, Caution(person))
    env.reset(Task(start=f"{server.url}/pickers"))
    browser.evaluate("() => { document.documentElement.setAttribute('onclick', '1') }")
    env.step(Click(at=spot(browser, "#city")))
    place = offered(browser, "Paris")
    assert place is not None
    assert browser.foresee(Click(at=place)).target == 'option "Paris"'
    seen = env.step(Click(at=place))
    assert seen.receipt is not None
    assert seen.receipt.target == 'option "Paris"'
    assert browser.evaluate("city.value") == "p"
    assert person.asked == []


def test_a_button_in_a_closed_shadow_tree_is_seen_for_what_it_is(picking: Browser, server: Server) -> None:
    env = picking
    env.reset(Task(start=f"{server.url}/form"))
    env.evaluate(
        """() => { const host = document.createElement('div'); document.body.replaceChildren(host);
          host.attachShadow({mode: 'closed'}).innerHTML = `<button
          style="position:absolute;left:0;top:0;width:200px;height:60px">Buy now</button>` }"""
    )
    assert env.foresee(Click(at=Point(x=20, y=20))).risks == ("purchase",)


def test_a_page_cannot_pass_its_own_button_off_as_a_picker(picking: Browser, server: Server) -> None:
    env = picking
    env.reset(Task(start=f"{server.url}/form"))
    env.evaluate(
        """() => { document.body.innerHTML = `<handeye-picker role=button
          style="position:absolute;left:0;top:0;width:200px;height:60px">Buy now</handeye-picker>` }"""
    )
    assert env.foresee(Click(at=Point(x=20, y=20))).risks == ("purchase",)


def test_a_file_whose_name_is_a_secret_is_told_by_the_name_of_the_secret(picking: Browser, server: Server) -> None:
    env = picking
    env.reset(Task(start=f"{server.url}/form"))
    env.evaluate(
        """(word) => { document.body.innerHTML = `<a download="${word}.txt" href="data:text/plain,x"
          style="position:absolute;left:0;top:0;width:200px;height:60px">get</a>`; return 0 }""",
        WORD,
    )
    receipt = env.step(Click(at=Point(x=20, y=20))).receipt
    assert receipt is not None
    assert [each.name for each in receipt.files] == ["<secret:word>.txt"]
    assert WORD not in repr(receipt)
