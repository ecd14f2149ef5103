"""A picture that is asked for while the page settles shows what the action did, however the page draws it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from actions import Click, Point
from agent.site import Site
from env import Browser, BrowserOptions, Task

PAGE = """<!doctype html><title>Early</title><style>body { margin: 0 } canvas { display: block }</style>
<canvas id=c width=100 height=100></canvas><div id=d style="width:100px;height:100px"></div><script>
let n = 0;
const pen = c.getContext('2d');
const colour = () => `rgb(${n}, 0, 0)`;
const canvas = () => { pen.fillStyle = colour(); pen.fillRect(0, 0, 100, 100); };
const box = () => { d.style.background = colour(); };
const both = () => { canvas(); box(); };
const ways = {
  now: both,
  frame: () => requestAnimationFrame(both),
  frames: () => requestAnimationFrame(() => requestAnimationFrame(both)),
  timer: () => setTimeout(both, 0),
  later: () => setTimeout(both, 60),
  promise: () => Promise.resolve().then(both),
  fetch: () => fetch('/early.html').then((answer) => answer.text()).then(both),
};
addEventListener('click', () => { n += 10; ways[location.hash.slice(1)](); });
</script>"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder: Path = tmp_path_factory.mktemp("early")
    (folder / "early.html").write_text(PAGE)
    with Site(folder) as running:
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with Browser(BrowserOptions(size=(300, 200))) as made:
        yield made


ALIKE = [pytest.param(way, marks=pytest.mark.slow) for way in ("frame", "timer", "promise")]


@pytest.mark.parametrize("way", ["now", "frames", "later", "fetch", *ALIKE])
def test_every_picture_shows_what_its_click_drew(way: str, browser: Browser, site: Site) -> None:
    browser.reset(Task(start=f"{site.origin}/early.html#{way}"))
    for turn in range(1, 9):
        seen = browser.step(Click(at=Point(x=250, y=50)))
        drawn = [tuple(seen.screenshot[y, 50]) for y in (50, 150)]
        assert drawn == [(turn * 10, 0, 0)] * 2
