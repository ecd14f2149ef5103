"""A run in a browser as a Python script for Playwright.

An element whose role and name the record knows is found by them; everything else is done at the recorded pixel. All
text enters the script as a literal. What the task expected is checked at the end.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from actions import (
    Action,
    Answer,
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
    Wait,
)
from agent.exchange.lower import Unsaid, chord
from agent.expect import Check
from agent.reader import Run
from agent.schema import Line
from env.browser.pointer import STEPS
from env.keys import MODIFIERS
from env.secrets import PLACEHOLDER

ROLES = frozenset(
    (
        *("button", "checkbox", "combobox", "link", "menuitem", "menuitemcheckbox", "menuitemradio", "option", "radio"),
        *("searchbox", "spinbutton", "switch", "tab", "textbox", "treeitem"),
    )
)
"""Roles of things that are the same wherever they are clicked."""

HEAD = '''
import argparse
import os
import re
from fnmatch import fnmatchcase
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Locator, Page, expect, sync_playwright

START = {start!r}
ORIGIN = {origin!r}  # where the pages were served when this was recorded
WIDTH, HEIGHT = {width}, {height}


def found(page: Page, role: str, name: str, x: int, y: int) -> Locator:
    """The one element of this role and name; of several, the one at the recorded place."""
    every = page.get_by_role(role, name=name, exact=True)
    every.first.wait_for()
    if every.count() == 1:
        return every
    for each in every.all():
        box = each.bounding_box()
        if box and 0 <= x - box["x"] < box["width"] and 0 <= y - box["y"] < box["height"]:
            return each
    raise LookupError(f"of {{every.count()}} times {{role}} {{name!r}} none is at ({{x}}, {{y}})")


def settle(page: Page) -> None:
    """Wait until the page is loaded and two frames of it were drawn."""
    page.wait_for_function("document.readyState === 'complete'")
    page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


def secret(name: str) -> str:
    """What no record keeps: the environment variable SECRET_ and the name."""
    return os.environ["SECRET_" + re.sub(r"\\W", "_", name).upper()]


def matches(url: str, pattern: str) -> bool:
    """Whether an address is as expected; a pattern that begins with / is about path, query and fragment alone."""
    return fnmatchcase(urlsplit(url)._replace(scheme="", netloc="").geturl() if pattern[:1] == "/" else url, pattern)


def says(element: Locator, value: str) -> None:
    """What is expected to be in a field, or to be the text of anything else."""
    if element.evaluate("node => 'value' in node"):
        expect(element).to_have_js_property("value", value)
    else:
        expect(element).to_have_text(value)


def play(page: Page, origin: str) -> Page:
    """Do what was recorded, and return the page that it led to."""
    page.goto(START.replace(ORIGIN, origin, 1) if ORIGIN else START)
    settle(page)
'''

TAIL = """

def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").replace("%%", "%%%%"))
    parser.add_argument("--origin", default=ORIGIN, help="where the pages are served now")
    parser.add_argument("--executable", help="the browser; Playwright's own by default")
    parser.add_argument("--headed", action="store_true")
    parser.add_argument("--screenshot", type=Path, help="where the last screen goes")
    options = parser.parse_args()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=options.executable, headless=not options.headed)
        context = browser.new_context(viewport={"width": WIDTH, "height": HEIGHT}, locale=%s, timezone_id=%s)
        page = play(context.new_page(), options.origin)
        check(page)
        if options.screenshot:
            page.screenshot(path=options.screenshot)
        browser.close()


if __name__ == "__main__":
    main()
"""


@dataclass
class Pen:
    """Writes one step after another, and remembers where the pointer is."""

    origin: str
    pointer: Point | None = None
    code: list[str] = field(default_factory=list)

    def step(self, lines: Sequence[Line], index: int) -> int:
        """Write the step at `index`, and return how many it took: a dialog is answered by what follows. `Unsaid`."""
        line = lines[index]
        assert line.action is not None
        self.code += ["", f"    # step {line.index}"]
        answer, taken = _answer(lines[index:])
        self.code += [f"    {each}" for each in answer]
        said = list(self._act(line.action, line))
        if opens := _wraps(line):
            said = [opens, *(f"    {each}" for each in said)]
        if opens.startswith("with page.expect_popup"):
            said.append("page = opened.value")
        self.code += [f"    {each}" for each in (*said, "settle(page)")]
        return taken

    def _act(self, action: Action, line: Line) -> Iterator[str]:  # noqa: C901 - one case for each kind of action
        match action:
            case Click() | Drag() | Move() | Scroll():
                yield from self._point(action, line)
            case Type():
                if action.at is not None:
                    yield from self._point(Click(at=action.at), line)
                if action.replace:
                    yield from ('page.keyboard.press("ControlOrMeta+a")', 'page.keyboard.press("Delete")')
                yield from _type(action.text)
            case Key():
                yield from _keys(action)
            case Select():
                self.pointer = action.at
                yield f"{_element(line, action.at)}.select_option(label={action.label!r})"
            case Wait():
                yield f"page.wait_for_timeout({action.seconds * 1000:g})"
            case Navigate():
                yield f"page.goto({self._address(action.url)})"
            case Back():
                yield "page.go_back()"
            case Tab():
                yield from (f"page = page.context.pages[{action.index}]", "page.bring_to_front()")
            case Answer():
                yield f"print({action.text!r})"
            case Finish():
                yield f"print({action.text!r})" if action.text else "pass"
            case _:
                raise Unsaid(f"step {line.index}: {action.kind}: a script has no files and nobody to ask")

    def _point(self, action: Click | Drag | Move | Scroll, line: Line) -> Iterator[str]:
        at = action.path[0] if isinstance(action, Drag) else action.at
        path = list(action.path) if isinstance(action, Drag) else []
        if len(path) == 1 or at is None:
            path, at = ([self.pointer, *path], self.pointer) if self.pointer else (path, None)
        if at is None:
            raise Unsaid(f"step {line.index}: nobody knows where the pointer was")
        self.pointer = path[-1] if isinstance(action, Drag) else at
        match action:
            case Click():
                yield from _click(action, at, line)
            case Drag():
                yield from (f"page.mouse.move({at.x}, {at.y})", "page.mouse.down()")
                yield from (f"page.mouse.move({point.x}, {point.y}, steps={STEPS})" for point in path[1:])
                yield "page.mouse.up()"
            case Move():
                yield f"page.mouse.move({at.x}, {at.y})"
            case Scroll():
                yield from (f"page.mouse.move({at.x}, {at.y})", f"page.mouse.wheel({action.dx}, {action.dy})")

    def _address(self, url: str) -> str:
        if self.origin and (url == self.origin or url.startswith(f"{self.origin}/")):
            return f"origin + {url.removeprefix(self.origin)!r}"
        return repr(url)


def write(run: Run, lines: Sequence[Line]) -> str:
    """The script. Raises `Unsaid` where a plain browser with a mouse cannot do what was done."""
    place, task = run.manifest.environment, run.manifest.task
    if place.kind != "browser" or place.device:
        raise Unsaid(f"its screen is {place.device or place.kind}, and a script is for a browser with a mouse")
    pen, index = Pen(place.origin or ""), 0
    while index < len(lines):
        index += pen.step(lines, index)
    look = lines[0].before
    head = HEAD.format(start=task.start, origin=place.origin or "", width=look.width, height=look.height)
    checks = [f"    {line}" for check in run.manifest.expect for line in _check(check)]
    check = [
        "    return page",
        "",
        "",
        "def check(page: Page) -> None:",
        '    """What was expected in the end."""',
        *checks,
    ]
    tail = TAIL % (repr(place.locale or "en-US"), repr(place.timezone or "UTC"))
    return f"{task.instruction!r}\n{head}" + "\n".join([*pen.code, *check]) + "\n" + tail


def _click(action: Click, at: Point, line: Line) -> Iterator[str]:
    if action.button in ("back", "forward"):
        raise Unsaid(f"step {line.index}: a page is not told of the {action.button} button")
    held = [MODIFIERS[name] for name in action.modifiers]
    more = f", button={action.button!r}" if action.button != "left" else ""
    more += f", click_count={action.count}" if action.count > 1 else ""
    more += f", delay={action.hold * 1000:g}" if action.hold else ""
    if known := _known(line, at):
        more += f", modifiers={held!r}" if held else ""
        yield f"{known}.click({more.removeprefix(', ')})"
        return
    yield from (f"page.keyboard.down({name!r})" for name in held)
    yield f"page.mouse.click({at.x}, {at.y}{more})"
    yield from (f"page.keyboard.up({name!r})" for name in reversed(held))


def _known(line: Line, at: Point) -> str:
    """The element that the record knows by role and name; empty where it does not."""
    evidence = line.receipt.evidence if line.receipt else ()
    if not evidence or evidence[0].role not in ROLES or not evidence[0].name:
        return ""
    return f"found(page, {evidence[0].role!r}, {evidence[0].name!r}, {at.x}, {at.y})"


def _element(line: Line, at: Point) -> str:
    """The element by role and name, or whatever lies at the place."""
    there = f'page.evaluate_handle("([x, y]) => document.elementFromPoint(x, y)", [{at.x}, {at.y}]).as_element()'
    return _known(line, at) or there


def _type(text: str) -> Iterator[str]:
    for number, piece in enumerate(PLACEHOLDER.split(text)):
        if number % 2:
            yield f"page.keyboard.type(secret({piece!r}))"
            continue
        for place, run in enumerate(piece.split("\t")):
            if place:
                yield 'page.keyboard.press("Tab")'
            if run:
                yield f"page.keyboard.type({run!r})"


def _keys(action: Key) -> Iterator[str]:
    names = chord(action)
    if action.hold:
        yield from (f"page.keyboard.down({name!r})" for name in names)
        yield f"page.wait_for_timeout({action.hold * 1000:g})"
        yield from (f"page.keyboard.up({name!r})" for name in reversed(names))
        return
    yield from ([f"for _ in range({action.count}):"] if action.count > 1 else [])
    yield f"{'    ' * (action.count > 1)}page.keyboard.press({'+'.join(names)!r})"


def _wraps(line: Line) -> str:
    """What has to be awaited of a step: a new tab, or another page. `Unsaid` where a tab went away."""
    tabs, after = max(len(line.before.tabs), 1), line.after
    if after is None or not line.receipt or isinstance(line.action, Navigate | Back | Tab):
        return ""
    now = max(len(after.tabs), 1)
    if now == tabs:
        return "with page.expect_navigation():" if line.receipt.navigated and not after.dialog else ""
    if now == tabs + 1:
        return "with page.expect_popup() as opened:"
    raise Unsaid(f"step {line.index}: {tabs} tabs were open before it, and {now} after")


def _answer(lines: Sequence[Line]) -> tuple[list[str], int]:
    """How the dialog that the first of `lines` opens is answered, and how many of them that takes. `Unsaid`."""
    if not (lines[0].after and lines[0].after.dialog):
        return [], 1
    text, taken = None, 1
    for line in lines[1:3]:
        taken += 1
        match line.action:
            case Type(text=said) if text is None:
                text = said.rstrip("\n")
                if not said.endswith("\n"):
                    continue
                return [f'page.once("dialog", lambda dialog: dialog.accept({text!r}))'], taken
            case Key() if chord(line.action) == ["Enter"]:
                return [
                    f'page.once("dialog", lambda dialog: dialog.accept({"" if text is None else repr(text)}))'
                ], taken
            case Key() if chord(line.action) == ["Escape"]:
                return ['page.once("dialog", lambda dialog: dialog.dismiss())'], taken
        break
    raise Unsaid(f"step {lines[0].index} opens a dialog that the record does not answer")


def _check(check: Check) -> Iterator[str]:
    if check.url is not None:
        yield f"page.wait_for_url(lambda url: matches(url, {check.url!r}))"
    elif check.title is not None:
        yield f"assert fnmatchcase(page.title(), {check.title!r}), page.title()"
    elif check.text is not None:
        yield f"expect(page.locator('body')).to_contain_text({check.text!r}, use_inner_text=True)"
    else:
        yield f"element = page.locator({check.element!r}).first"
        stated = (check.visible is not None, check.checked is not None, check.value is not None)
        if not any(stated):
            yield "expect(element).to_be_attached()"
        if check.visible is not None:
            yield f"expect(element).to_be_visible(visible={check.visible})"
        if check.checked is not None:
            yield f"expect(element).to_be_checked(checked={check.checked})"
        if check.value is not None:
            yield f"says(element, {check.value!r})"
