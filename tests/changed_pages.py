"""The membership form as other people might have changed it, and a server that shows it so."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from agent_runs import ROOT

from env import BrowserOptions

PAGE = (ROOT / "examples" / "pages" / "membership.html").read_text(encoding="utf-8")
SCRIPT = ROOT / "examples" / "forms" / "membership.yaml"

LOG = """<script>
  // Each part keeps its identity, whatever a change makes of its id; what a person's hand does to it is noted.
  for (const part of document.querySelectorAll("[id]")) part.dataset.who = part.id;
  window.seen = [];
  const who = (part) => part.closest("label")?.control || part.closest("[data-who]") || part;
  for (const kind of ["mousedown", "input", "change"]) {
    document.addEventListener(kind, (event) => {
      if (kind === "change" && event.target.localName !== "select") return;
      const said = `${kind} ${who(event.target).dataset.who || event.target.localName}`;
      if (seen.at(-1) !== said || kind === "mousedown") seen.push(said);
    }, true);
  }
  const $ = (id) => document.getElementById(id);
  const label = (id) => document.querySelector(`label[for=${id}]`);
  const field = (before, id, text) => before.insertAdjacentHTML("beforebegin",
    `<div class=row><label for=${id}>${text}</label><input type=text id=${id} name=${id}></div>`);
</script>"""


@dataclass(frozen=True)
class Change:
    """What was done to the page, in CSS or JavaScript, or to the browser that looks at it."""

    name: str
    style: str = ""
    script: str = ""
    options: BrowserOptions = field(default_factory=BrowserOptions)
    delay: float = 0.0
    """Seconds that the server takes for each answer."""


def restyled(name: str, style: str) -> Change:
    return Change(name, style=style)


def rebuilt(name: str, script: str, delay: float = 0.0) -> Change:
    return Change(name, script=script, delay=delay)


SAME = Change("the page as it was")

PASSABLE = (
    restyled("moved down by 100 px", "body { padding-top: 100px }"),
    restyled("moved aside by 100 px", "form { position: relative; left: 100px }"),
    restyled("dark theme", "body, fieldset, input, select, textarea { background: #111 !important; color: #ddd }"),
    restyled("larger font", "body { font-size: 19px !important }"),
    restyled("other font", "body { font-family: 'DejaVu Serif', serif !important }"),
    restyled("tall header", "header { position: sticky; top: 0; height: 150px }"),
    restyled(
        "other buttons",
        "button { background: #7c2d12 !important; border-radius: 18px !important; padding: 12px 30px !important }",
    ),
    restyled("labels above fields", ".row { display: block !important } .row > label:first-child { display: block }"),
    restyled("zoomed", "body { zoom: 1.25 }"),
    rebuilt(
        "banner on top",
        """document.body.insertAdjacentHTML("afterbegin",
        '<div style="padding:30px;background:#fde68a">We close early on Friday. <a href="#more">More</a></div>')""",
    ),
    rebuilt("renamed button", '$("send").textContent = "Submit application"'),
    rebuilt("reordered rows", 'const rows = document.querySelector("tbody"); rows.append(...[...rows.rows].reverse())'),
    rebuilt("reordered sections", '$("form").insertBefore($("address"), $("person"))'),
    rebuilt("reordered choices", '$("kinds").append(...[...$("kinds").children].reverse())'),
    rebuilt(
        "slower server",
        """const form = $("form"); form.remove();
        fetch("/later").then(() => setTimeout(() => document.querySelector("header").after(form), 700));""",
        delay=0.6,
    ),
    rebuilt("inserted field", 'field($("street").parentNode, "co", "Care of")'),
    rebuilt("translated labels", 'label("town").textContent = "Ort"; label("phone").textContent = "Telefon"'),
    rebuilt(
        "counted ids",
        """let n = 0; for (const part of document.querySelectorAll("input, select, textarea, button")) {
          const own = label(part.id);
          part.id = `:r${n++}:`;
          if (own) own.htmlFor = part.id;
        }""",
    ),
    rebuilt(
        "button that wakes late",
        """$("send").disabled = true;
        addEventListener("change", () => setTimeout(() => { $("send").disabled = false }, 900), true);""",
    ),
    Change("larger window", options=BrowserOptions(size=(1512, 980))),
    Change("smaller window", options=BrowserOptions(size=(900, 560))),
    Change("twice the pixels", options=BrowserOptions(device_scale_factor=2)),
)
"""What a person would hardly notice: the same targets are all there."""

FATAL = (
    rebuilt("extra identical button", '$("send").after($("send").cloneNode(true))'),
    rebuilt("removed field", '$("phone").parentNode.remove()'),
    rebuilt(
        "swapped labels",
        """const text = label("street").textContent;
        label("street").textContent = label("town").textContent;
        label("town").textContent = text;""",
    ),
    rebuilt(
        "collapsed section",
        """const part = document.createElement("details"); part.innerHTML = "<summary>Card</summary>";
        $("card").before(part); part.append($("card"));""",
    ),
    rebuilt(
        "field turned into a list",
        """$("town").outerHTML = `<select id=town data-who=town name=town>
        <option><option>Cork<option>Galway</select>`""",
    ),
    rebuilt("button that does something else", '$("send").textContent = "Delete account"'),
    rebuilt("row of another branch", '$("add-harbour").closest("tr").cells[0].textContent = "Airport"'),
    rebuilt("field before the focus", 'field($("family").parentNode, "middle", "Middle name")'),
)
"""What takes a target away, or its meaning."""


def page(change: Change) -> str:
    """The page after a change, with what notes where events go."""
    changed = f"<style>{change.style}</style><script>{{ {change.script} }}</script>"
    return PAGE.replace("</body>", f"{LOG}{changed}</body>")


@contextmanager
def served(change: Change) -> Iterator[str]:
    """The address of a server that shows the page so."""
    body, ended = page(change).encode(), threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            ended.wait(change.delay)
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        ended.set()
        server.shutdown()
        server.server_close()
        thread.join()
