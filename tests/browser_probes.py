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


INNER = "<button id=inner style='width:100px;height:40px' onclick='this.textContent = \"pressed\"'>press</button>"

PAGES: Mapping[str, str] = {
    "/pickers": PICKERS,
    "/leave": f"""<title>Leave</title>{HEAD}<button id=edit style="top:10px"
        onclick="window.addEventListener('beforeunload', (e) => e.preventDefault())">edit</button>
        <a id=go href="/inner" style="top:50px">go</a>""",
    "/inner": f"<!doctype html><title>Inner</title><body style='margin:0'>{INNER}",
    "/frames": f"""<title>Frames</title>{HEAD}<iframe id=outer src="/middle" style="top:20px;width:400px;height:300px;
        border:3px solid"></iframe>""",
    "/middle": """<!doctype html><title>Middle</title><body style="margin:0;height:900px">
        <iframe id=deep src="/inner" style="position:absolute;left:30px;top:40px;width:200px;height:100px;
        border:7px solid"></iframe>""",
    "/shadow": f"""<title>Shadow</title>{HEAD}<div id=open style="top:10px;width:300px;height:60px"></div>
        <div id=closed style="top:100px;width:300px;height:60px"></div><script>
        for (const mode of ['open', 'closed']) {{
          const host = document.getElementById(mode);
          const root = host.attachShadow({{ mode }});
          root.innerHTML = '<button style="width:80px;height:40px">in</button><input aria-label="Field">';
          root.querySelector('button').onclick = (e) => {{ e.target.textContent = 'pressed ' + mode }};
          if (mode === 'closed') host.closed = root;
        }}</script>""",
    "/drag": f"""<title>Drag</title>{HEAD}<div id=ball style="top:20px;width:40px;height:40px;background:red"></div>
        <div id=card draggable=true style="top:100px;width:80px;height:40px;background:gold"></div>
        <div id=bin style="top:100px;left:200px;width:120px;height:80px;background:silver"></div><script>
        let held = null;
        ball.onmousedown = (e) => {{ held = [e.clientX - ball.offsetLeft, e.clientY - ball.offsetTop] }};
        onmousemove = (e) => {{ if (held) {{ ball.style.left = e.clientX - held[0] + 'px';
          ball.style.top = e.clientY - held[1] + 'px' }} }};
        onmouseup = () => {{ held = null }};
        card.ondragstart = (e) => e.dataTransfer.setData('text/plain', 'the card');
        bin.ondragover = (e) => e.preventDefault();
        bin.ondrop = (e) => {{ e.preventDefault(); bin.textContent = e.dataTransfer.getData('text/plain') }};
        </script>""",
    "/scrolls": f"""<title>Scrolls</title>{HEAD}<body style="height:3000px"><div id=outer style="top:20px;width:300px;
        height:300px;overflow:auto;background:#eee"><div style="height:2000px"><div id=mid style="margin:40px;
        width:200px;height:120px;overflow:auto;background:#ccc"><div style="height:900px">text</div></div>
        </div></div>""",
    "/canvas": f"""<title>Canvas</title>{HEAD}<canvas id=c width=300 height=200 style="top:20px;background:#eee">
        </canvas>
        <script>const pen = c.getContext('2d'); let down = false; pen.lineWidth = 5;
        c.onpointerdown = (e) => {{ down = true; pen.beginPath(); pen.moveTo(e.offsetX, e.offsetY) }};
        c.onpointermove = (e) => {{ if (down) {{ pen.lineTo(e.offsetX, e.offsetY); pen.stroke() }} }};
        onpointerup = () => {{ down = false }};
        window.dark = (x, y) => pen.getImageData(x, y, 1, 1).data[3] > 0</script>""",
    "/text": f"""<title>Text</title>{HEAD}<div id=rich contenteditable style="top:10px;width:400px;min-height:60px;
        border:1px solid"></div><textarea id=plain style="top:150px;width:400px;height:100px"></textarea>
        <p id=words style="top:270px;margin:0;font:16px monospace;white-space:pre">alpha beta gamma</p>""",
    "/list": f"""<title>List</title>{HEAD}<select id=many multiple size=6 style="top:10px;width:160px"><option>a
        <option>b<option>c<option>d<option>e</select><ul id=files style="top:150px;padding:0;width:160px">
        <li>one<li>two<li>three<li>four</ul><script>let last = null; window.chosen = new Set();
        files.onclick = (e) => {{ const all = [...files.children]; const at = all.indexOf(e.target);
          if (!e.ctrlKey) chosen.clear();
          if (e.shiftKey && last !== null) for (let n = Math.min(at, last); n <= Math.max(at, last); n++) chosen.add(n);
          else {{ chosen.add(at); last = at }} }}</script>""",
    "/hover": f"""<title>Hover</title>{HEAD}<style>#menu ul {{ display: none; margin: 0 }}
        #menu:hover ul {{ display: block }}</style><div id=menu style="top:10px;width:140px;background:#ddd">menu<ul>
        <li id=item onclick="told.push('taken')">item</ul></div>
        <div id=area style="top:160px;width:140px;height:40px;background:#ddd"
        oncontextmenu="event.preventDefault(); own.hidden = false">area</div>
        <div id=own hidden style="top:210px;width:100px;height:30px;background:gold"
        onclick="told.push('own')">own</div>""",
    "/sticky": f"""<title>Sticky</title>{HEAD}<body style="height:3000px"><button id=under style="top:300px;width:120px;
        height:40px" onclick="told.push('under')">under</button><div id=banner role=dialog aria-label="Cookies"
        style="position:fixed;left:0;top:250px;width:100%;height:200px;background:rgb(220 220 255)">
        <button id=accept style="margin:20px" onclick="banner.remove()">accept</button></div>""",
    "/parts": f"""<title>Parts</title>{HEAD}<input id=range type=range min=0 max=100 value=0
        style="top:10px;width:200px;margin:0"><details id=more style="top:50px">
        <summary id=sum>more</summary>inside</details>
        <button id=ask style="top:100px" onclick="box.showModal()">ask</button><dialog id=box>
        <form method=dialog><button id=yes value=yes>yes</button></form></dialog>
        <button id=paper style="top:150px" onclick="print(); told.push('printed')">print</button>
        <input id=spin type=number value=5 style="top:200px;width:80px">
        <input id=check type=checkbox style="top:240px">
        <label for=check id=mark style="top:240px;left:40px">mark</label>""",
}
