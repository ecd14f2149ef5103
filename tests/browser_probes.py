"""Pages with one feature each, and where their elements lie: tests look places up, and act by pixels and keys alone."""

from __future__ import annotations

import json
from collections.abc import Mapping

from actions import Point
from env import Browser

HEAD = """<!doctype html><meta name=viewport content="width=device-width, initial-scale=1">
    <style>body { margin: 0 } body > * { position: absolute; left: 16px; box-sizing: border-box }</style>
    <script>
    window.told = [];
    addEventListener('DOMContentLoaded', () => {
      for (const kind of ['mousedown', 'focus', 'blur', 'input', 'change', 'click', 'keydown', 'invalid', 'submit'])
        document.addEventListener(kind, (e) => {
          if (e.target.id) told.push(kind + ' ' + e.target.id + ('value' in e.target ? '=' + e.target.value : ''));
        }, true);
    });
    </script>"""

PICKERS = f"""<title>Pickers</title>{HEAD}
    <select id=city aria-label="City" style="top:10px;width:160px;height:32px"><option value=b>Berlin</option>
    <optgroup label="France"><option value=p>Paris</option><option value=l disabled>Lyon</option></optgroup>
    <hr><option value=r>Rome</option></select>
    <select id=long aria-label="Long" style="top:10px;left:190px;width:90px;height:32px"></select>
    <input id=date type=date min=2024-02-05 max=2026-12-31 value=2024-02-28 style="top:60px;width:160px;height:32px">
    <input id=time type=time style="top:110px;width:160px;height:32px">
    <input id=local type=datetime-local value=2024-02-28T10:15 style="top:160px;width:220px;height:32px">
    <input id=month type=month value=2024-11 style="top:210px;width:180px;height:32px">
    <input id=week type=week value=2024-W52 style="top:260px;width:180px;height:32px">
    <input id=color type=color style="top:310px;width:60px;height:32px">
    <input id=fruit list=fruits style="top:310px;left:120px;width:160px;height:32px">
    <datalist id=fruits><option>Apple<option>Banana<option>Cherry</datalist>
    <form id=form style="top:360px" onsubmit="return false"><input id=need required><button id=send>Send</button></form>
    <script>for (let n = 0; n < 200; n++) long.add(new Option('Item ' + n))</script>"""

FIND = """(...path) => {
  let [root, x, y] = [document, 0, 0];
  let found = null;
  for (const step of path) {
    found = root.querySelector(step) || root.getRootNode().host?.closed?.querySelector(step);
    const box = found.getBoundingClientRect();
    const next = found.shadowRoot || found.closed || found.contentDocument;
    if (found.localName === 'iframe') [x, y] = [x + box.left + found.clientLeft, y + box.top + found.clientTop];
    root = next;
  }
  const box = found.getBoundingClientRect();
  const view = window.visualViewport;
  return [x + box.left, y + box.top, x + box.right, y + box.bottom].map((each, at) =>
    (each - (at % 2 ? view.offsetTop : view.offsetLeft)) * view.scale);
}"""

LABELLED = """(label, across) => {
  const part = window[Symbol.for('handeye.pickers')].part;
  for (let y = 1; y < innerHeight; y += 6) for (let x = 1; x < innerWidth; x += 12) {
    const found = part(x, y)?.closest('[role], button');
    if (!found || (found.getAttribute('aria-label') || found.textContent.trim()) !== label) continue;
    const box = found.getBoundingClientRect();
    const view = window.visualViewport;
    return [(box.left + box.width * across - view.offsetLeft) * view.scale,
      (box.top + box.height / 2 - view.offsetTop) * view.scale];
  }
  return null;
}"""


def box(env: Browser, *path: str) -> tuple[float, float, float, float]:
    """The sides of an element in screenshot pixels; a path leads through frames and shadow roots."""
    said = env.evaluate(f"(path) => ({FIND})(...path)", list(path))
    assert isinstance(said, list)
    left, top, right, bottom = (float(str(each)) * env.options.device_scale_factor for each in said)
    return left, top, right, bottom


def spot(env: Browser, *path: str, across: float = 0.5, down: float = 0.5) -> Point:
    """A pixel inside an element: its middle, or so far across and down."""
    left, top, right, bottom = box(env, *path)
    return Point(x=int(left + (right - left) * across), y=int(top + (bottom - top) * down))


def indicator(env: Browser, element: str) -> Point:
    """The little calendar or clock at the end of a field."""
    _, top, right, bottom = box(env, element)
    return Point(x=int(right - 14 * env.options.device_scale_factor), y=int((top + bottom) / 2))


def offered(env: Browser, label: str, across: float = 0.5) -> Point | None:
    """The middle of what an open picker offers under this label; None where it offers no such thing to see."""
    said = env.evaluate(f"(args) => ({LABELLED})(...args)", [label, across])
    if said is None:
        return None
    assert isinstance(said, list)
    x, y = (int(float(str(each)) * env.options.device_scale_factor) for each in said)
    return Point(x=x, y=y)


def state(env: Browser, expression: str) -> object:
    """What the page itself says, through JSON."""
    found: object = json.loads(str(env.evaluate(f"() => JSON.stringify({expression})")))
    return found


PAGES: Mapping[str, str] = {"/pickers": PICKERS}
