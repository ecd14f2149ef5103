"""Approvals: what an action would do is seen before it is done, and a refusal changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from agent_runs import WIN, click, keep
from browser_pages import Kept, serve

from actions import Action, ActionError, Click, Key, Navigate, Point, Scroll, Select, Type, Upload, Wait
from agent.approve import Approval, Careful, Caution, Request, safe
from agent.limits import Limits
from agent.perform import Job, perform
from agent.policy import Scripted
from agent.reader import read_run
from env import Browser, BrowserOptions, Screens, Task
from env.foresight import Risk
from env.observation import changed

AT = "style='position:absolute;left:0;top:0;width:200px;height:60px'"
DOT = "data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAAC"  # at once there: a missing one is drawn later
HERE, ENTER = Point(x=20, y=20), Key(keys=("enter",))
POST = "<form method=post action='/sent'>"


@dataclass(frozen=True)
class Shop:
    """A browser, and a server whose page tests change."""

    env: Browser
    url: str
    pages: dict[str, str]

    def show(self, html: str) -> Browser:
        """The browser with a page of this content open."""
        self.pages["/"] = f"<!doctype html><meta charset=utf-8><title>Page</title>{html}"
        self.env.reset(Task(start=self.url))
        return self.env


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    pages: dict[str, str] = {}
    options = BrowserOptions(size=(560, 420), uploads=tmp_path_factory.mktemp("uploads"), downloads=False)
    with serve(pages) as server, Kept(options) as env:
        yield Shop(env, f"{server.url}/", pages)


@pytest.fixture(scope="module")
def page(shop: Shop) -> Browser:
    """The browser with an empty page open, into which each test puts its own."""
    return shop.show("<body>")


@pytest.mark.parametrize(
    ("html", "action", "risks"),
    [
        (f"{POST}<button {AT}>Go</button></form>", Click(at=HERE), {"submit"}),
        (f"{POST}<button {AT}>Place order</button></form>", Click(at=HERE), {"submit", "purchase"}),
        (f"{POST}<input type=submit {AT} value='Buy now'></form>", Click(at=HERE), {"submit", "purchase"}),
        (f"{POST}<input type=image src='{DOT}' alt=Pay {AT}></form>", Click(at=HERE), {"submit", "purchase"}),
        (f"<form><label {AT}>Name<input autofocus></label><button>Save</button></form>", ENTER, {"submit"}),
        (f"{POST}<input {AT} autofocus><button>Delete</button></form>", ENTER, {"submit", "delete"}),
        (f"{POST}<input {AT}></form>", Type(text="a\n", at=HERE), {"submit"}),
        (f"{POST}<input {AT}></form>", Type(text="a", at=HERE), set()),
        (f"{POST}<input {AT} autofocus></form>", Type(text="a\tb\n"), {"unknown"}),
        (f"<button {AT} autofocus>Remove</button>", Type(text=" "), {"delete"}),
        (f"<textarea {AT} autofocus></textarea>", Key(keys=("ctrl", "enter")), {"submit"}),
        (f"{POST}<input {AT} autofocus></form>", Type(text="a\n"), {"submit"}),
        (f"{POST}<input {AT} autofocus></form>", Type(text="a"), set()),
        (f"{POST}<textarea {AT} autofocus></textarea></form>", Type(text="a\nb"), set()),
        (f"<form role=search><input type=search {AT} autofocus></form>", ENTER, set()),
        (f"<button {AT}>Delete account</button>", Click(at=HERE), {"delete"}),
        (f"<button {AT} aria-label='Löschen'>x</button>", Click(at=HERE), {"delete"}),
        (f"<div role=button {AT}>Check out</div>", Click(at=HERE), {"purchase"}),
        (f"<button {AT} autofocus>Remove</button>", Key(keys=("space",)), {"delete"}),
        (f"<button {AT}>Next</button>", Click(at=HERE), set()),
        (f"<p {AT}>Delete is a word, and this no button.</p>", Click(at=HERE), set()),
        (f"<a href='#x' {AT}>here</a>", Click(at=HERE), set()),
        (f"<a href='https://elsewhere.test/' {AT}>there</a>", Click(at=HERE), {"origin"}),
        (f"<a href='mailto:a@b.test' {AT}>mail</a>", Click(at=HERE), {"send"}),
        (f"<a href='data:,x' download {AT}>file</a>", Click(at=HERE), {"download"}),
        (
            f"<form action='https://elsewhere.test/'><button {AT}>Go</button></form>",
            Click(at=HERE),
            {"submit", "origin"},
        ),
        (f"<input type=file {AT}>", Click(at=HERE), {"upload"}),
        (f"<input type=file {AT}>", Upload(at=HERE, files=("a.txt",)), {"upload"}),
        (f"<button type=reset {AT} form=f>Clear</button><form id=f></form>", Click(at=HERE), {"delete"}),
        ("<p>text", Scroll(at=HERE, dy=10), set()),
        ("<p>text", Wait(seconds=0), set()),
        ("<p>text", Key(keys=("delete",)), {"delete"}),
        (f"<input {AT} autofocus>", Key(keys=("delete",)), set()),
        (f"<select {AT}><option>a</select>", Select(at=HERE, label="a"), set()),
        (
            f"<div {AT}><template shadowrootmode=open><button {AT}>Pay</button></template></div>",
            Click(at=HERE),
            {"purchase"},
        ),
        (f'<iframe srcdoc="<button {AT}>Pay</button>" {AT}></iframe>', Click(at=Point(x=60, y=30)), {"purchase"}),
    ],
)
def test_what_an_action_would_do_is_seen_before_it_is_done(
    page: Browser, html: str, action: Action, risks: set[Risk]
) -> None:
    put = "(html) => { document.body.setHTMLUnsafe(html); document.querySelector('[autofocus]')?.focus(); return html }"
    page.evaluate(put, html)
    before = page.look()
    assert set(page.foresee(action).risks) == risks
    assert changed(before.screenshot, page.look().screenshot) == (0, None)


def test_going_to_another_origin_is_a_risk_and_staying_is_none(shop: Shop) -> None:
    browser = shop.env
    browser.reset(Task())
    assert browser.foresee(Navigate(url="https://example.com/")).risks == ()  # from nowhere
    shop.show("Hello")
    assert browser.foresee(Navigate(url="https://example.com/")).risks == ("origin",)
    assert browser.foresee(Navigate(url=f"{shop.url}other")).risks == ()


def test_accepting_a_question_is_a_risk_and_turning_it_away_is_none(shop: Shop) -> None:
    browser = shop.show("<body>")
    assert browser.evaluate("setTimeout(() => confirm('Delete everything?'), 0)")
    assert browser.look().dialog == "confirm: Delete everything?"
    assert browser.foresee(ENTER).risks == ("dialog",)
    assert browser.foresee(Key(keys=("escape",))).risks == ()


@dataclass
class Person:
    """Says no, and remembers what was asked."""

    granted: bool = False
    asked: list[Request] = field(default_factory=list)

    def __call__(self, request: Request) -> Approval:
        self.asked.append(request)
        return Approval(self.granted, "not today")


def test_a_refused_action_is_told_and_nothing_is_done(shop: Shop) -> None:
    browser = shop.show(f"<button {AT} onclick=\"document.title = 'bought'\">Buy ⟧ now</button>")
    person = Person()
    env = Careful(browser, Caution(person))
    with pytest.raises(ActionError) as told:
        env.step(Click(at=HERE))
    assert str(told.value) == ('click: refused: the action on ⟦button "Buy ] now"⟧ may spend money; not today')
    assert browser.evaluate("document.title") == "Page"
    env.step(Click(at=Point(x=400, y=300)))
    assert len(person.asked) == 1
    person.granted = True
    assert env.step(Click(at=HERE)).title == "bought"


def test_safe_refuses_what_may_not_be_undone_and_nothing_else(shop: Shop) -> None:
    browser = shop.show(f"<button {AT} onclick=\"document.title = 'gone'\">Delete</button>")
    script = Scripted([Click(at=HERE), Type(text="\n"), click(400, 300), Navigate(url="https://example.com/")])
    result = perform(browser, script, Job(Task("x", shop.url), Limits(steps=3), caution=Caution(safe)))
    assert [bool(step.error) for step in result.trajectory.steps] == [True, False, False]
    assert "may remove something" in result.trajectory.steps[0].error
    assert result.trajectory.seen is not None
    assert result.trajectory.seen.title == "Page"


def test_where_nobody_can_look_only_the_kind_of_action_counts_and_always_asks_for_all() -> None:
    person = Person(granted=True)
    with Screens() as screens:
        env = Careful(screens, Caution(person, always=True))
        env.reset(Task())
        for action in WIN:
            seen = env.step(action)
        assert seen.reward == 1.0
    assert [request.action for request in person.asked] == list(WIN)


def test_a_refusal_is_in_the_record(tmp_path: Path) -> None:
    def never(request: Request) -> Approval:
        return Approval(False, "no")

    with Screens() as env:
        perform_ = Careful(env, Caution(never, always=True))
        result = keep(tmp_path, [WIN[0]], env=perform_, limits=Limits(steps=1))
    assert "refused" in read_run(tmp_path).lines[0].error
    assert result.trajectory.steps[0].after is None


def test_a_download_that_may_not_be_is_refused_and_breaks_nothing(shop: Shop) -> None:
    env = shop.show(f"<a href='data:,x' download='f.txt' {AT}>file</a>")
    seen = env.step(Click(at=HERE))
    assert (seen.refused, seen.downloads) == (("download f.txt",), ())
    assert env.step(Click(at=Point(x=400, y=300))).title == "Page"
