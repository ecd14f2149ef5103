"""The Playwright script of a recorded run, run in a real browser against the same pages."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from agent_runs import ROOT, TASKS, keep, script
from PIL import Image as Pillow

from actions import Click, Key, Point, Upload
from agent.exchange import Manifest, Order, Style, export, gather
from agent.play import play
from agent.policy import Scripted
from agent.reader import read_run
from agent.schema import EvidenceEntry
from agent.script import Loaded, read_script
from agent.site import Site
from env.browser.find import find

PAGE = """<!DOCTYPE html><title>Work</title><style>* { position: absolute; margin: 0; box-sizing: border-box }
html { overflow: hidden } body { user-select: none; white-space: nowrap }</style>
<input id=field aria-label=Name style="left:10px;top:10px;width:150px;height:20px">
<select id=city aria-label=City style="left:10px;top:40px;width:150px;height:20px"
  onchange="say('city ' + this.value)"><option>Berlin</option><option>Paris</option></select>
<button style="left:10px;top:70px;width:60px;height:20px" onclick="if (confirm('Sure?')) say('sure')">Ask</button>
<button style="left:80px;top:70px;width:60px;height:20px" onclick="say('told ' + prompt('What?'))">Tell</button>
<button style="left:10px;top:100px;width:60px;height:20px" onclick="say('row 1')">Delete</button>
<button style="left:10px;top:130px;width:60px;height:20px" onclick="say('row 2')">Delete</button>
<div id=pad style="left:180px;top:10px;width:200px;height:150px;background:#eee"></div>
<a href="second.html" target=_blank style="left:10px;top:160px;width:60px;height:20px">Next</a>
<p id=said style="left:10px;top:190px"></p>
<script>
  localStorage.said = '';
  const say = (words) => { said.textContent = localStorage.said += words + '; '; };
  let from = null;
  pad.ondblclick = () => say('double');
  pad.oncontextmenu = (event) => { say('right'); event.preventDefault(); };
  pad.onwheel = (event) => say('wheel ' + event.deltaY);
  pad.onmousedown = (event) => { if (event.shiftKey) say('shift'); from = event.clientX; };
  pad.onmouseup = (event) => { if (event.clientX !== from) say('drag ' + (event.clientX - from)); };
  onkeydown = (event) => { if (event.ctrlKey && event.key === 'k') say('ctrl+k ' + field.value); };
</script>"""
SECOND = """<!DOCTYPE html><title>Second</title><body><form action="third.html"><button>Send</button></form>
<p id=said></p><script>said.textContent = localStorage.said + 'second'</script>"""
THIRD = """<!DOCTYPE html><title>Third</title><p id=said></p>
<script>said.textContent = localStorage.said + 'third'</script>"""
SAID = "city Paris; sure; told you; row 2; double; right; wheel 240; shift; drag 100; ctrl+k Ada; third"
WORK = f"""
name: work
start: work.html
environment: {{kind: browser, width: 400, height: 300}}
instruction: "Do '''all''' of {{{{it}}}} \\\\ \\"now\\""
parameters: {{it: it}}
until: expect
expect:
  - text: "{SAID}"
  - url: /third.html*
  - title: Third
actions:
  - {{kind: click, at: {{x: 80, y: 20}}}}
  - {{kind: type, text: Bo}}
  - {{kind: type, at: {{x: 80, y: 20}}, text: Ada, replace: true}}
  - {{kind: select, at: {{x: 80, y: 50}}, label: Paris}}
  - {{kind: click, at: {{x: 40, y: 80}}}}
  - {{kind: key, keys: [enter]}}
  - {{kind: click, at: {{x: 110, y: 80}}}}
  - {{kind: type, text: you}}
  - {{kind: key, keys: [enter]}}
  - {{kind: click, at: {{x: 40, y: 140}}}}
  - {{kind: click, at: {{x: 200, y: 40}}, count: 2}}
  - {{kind: click, at: {{x: 200, y: 40}}, button: right}}
  - {{kind: scroll, at: {{x: 250, y: 80}}, dy: 240}}
  - {{kind: click, at: {{x: 300, y: 40}}, modifiers: [shift]}}
  - {{kind: drag, path: [{{x: 200, y: 100}}, {{x: 300, y: 100}}]}}
  - {{kind: click, at: {{x: 80, y: 20}}}}
  - {{kind: key, keys: [ctrl, k]}}
  - {{kind: click, at: {{x: 30, y: 168}}}}
  - {{kind: click, at: {{x: 30, y: 20}}}}
"""

TOLD = {1: ("textbox", "Name"), 4: ("combobox", "City"), 10: ("button", "Delete"), 19: ("button", "Send")}


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pages")
    for name, text in (("work", PAGE), ("second", SECOND), ("third", THIRD)):
        (folder / f"{name}.html").write_text(text)
    script(folder, WORK)
    return folder


@pytest.fixture(scope="module")
def work(pages: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The record of the whole page worked through, with what is known of two of its elements."""
    folder = tmp_path_factory.mktemp("runs") / "work"
    return evident(recorded(read_script(pages / "task.yaml", {}), folder), TOLD)


def recorded(loaded: Loaded, folder: Path) -> Path:
    result = play(loaded, Scripted(loaded.script.actions, name="script"), folder)
    assert result.outcome.value == "verified", [step.error for step in result.trajectory.steps]
    return folder


def evident(folder: Path, told: Mapping[int, tuple[str, str]]) -> Path:
    """The record with roles and names of what lay at the places of these steps, and of no other."""
    lines = []
    for line in read_run(folder).lines:
        if line.receipt:
            known = [EvidenceEntry(role=role, name=name) for role, name in [told.get(line.index, ("", ""))] if role]
            receipt = line.receipt.model_copy(update={"evidence": tuple(known)})
            line = line.model_copy(update={"receipt": receipt})
        lines.append(line.model_dump_json() + "\n")
    (folder / "steps.jsonl").write_text("".join(lines))
    return folder


def written(run: Path, out: Path, *, verified: bool = True) -> Manifest:
    return export(gather([run]), Order("playwright", out, Style(), verified=verified))


def perform(code: Path, *more: str | Path) -> subprocess.CompletedProcess[str]:
    """The script in a process of its own."""
    browser = find()
    arguments = [*([] if browser is None else ["--executable", browser]), *more]
    return subprocess.run(
        [sys.executable, code, *map(str, arguments)], capture_output=True, text=True, timeout=120, cwd=ROOT / "tests"
    )


def test_a_script_does_what_was_recorded_and_finds_what_was_expected(pages: Path, work: Path, tmp_path: Path) -> None:
    manifest = written(work, tmp_path / "out")
    assert (manifest.files, manifest.left_out) == ({"work.py": 19}, ())
    code = (tmp_path / "out" / "work.py").read_text()
    assert "found(page, 'textbox', 'Name', 80, 20).click()" in code
    assert "page.mouse.click(40, 80)" in code
    with Site(pages) as site:
        ran = perform(tmp_path / "out" / "work.py", "--origin", site.origin, "--screenshot", tmp_path / "last.png")
    assert ran.returncode == 0, ran.stderr
    last = read_run(work).lines[-1].after
    assert last is not None
    with Pillow.open(tmp_path / "last.png") as mine, Pillow.open(read_run(work).blob(last.screen)) as kept:
        assert mine.convert("RGB").tobytes() == kept.convert("RGB").tobytes()


@pytest.mark.slow
def test_a_script_that_leaves_a_step_out_finds_that_it_failed(pages: Path, work: Path, tmp_path: Path) -> None:
    written(work, tmp_path / "out")
    code = (tmp_path / "out" / "work.py").read_text()
    broken = code.replace("found(page, 'button', 'Delete', 40, 140).click()", "pass")
    assert broken != code
    hasty = broken.replace("    # step 1\n", "    expect.set_options(timeout=2000)\n", 1)
    (tmp_path / "broken.py").write_text(hasty)
    with Site(pages) as site:
        ran = perform(tmp_path / "broken.py", "--origin", site.origin)
    assert ran.returncode == 1
    assert "AssertionError" in ran.stderr
    assert "row 2" in ran.stderr, "it says what was expected"


@pytest.mark.parametrize(
    "task", ["greet", *(pytest.param(name, marks=pytest.mark.slow) for name in ("menu", "settings", "sign-in"))]
)
def test_the_scripts_of_the_example_tasks_run(task: str, tmp_path: Path) -> None:
    recorded(read_script(TASKS / f"{task}.yaml", {}), tmp_path / task)
    written(tmp_path / task, tmp_path / "out")
    with Site(ROOT / "examples" / "pages") as site:
        ran = perform(tmp_path / "out" / f"{task}.py", "--origin", site.origin)
    assert ran.returncode == 0, ran.stderr


HOSTILE = "'''\n\"\"\" + __import__('os').system('touch pwned') # {0} %s \\"


def called(code: str) -> Iterator[str]:
    """The names of all that a script calls."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Call):
            yield node.func.attr if isinstance(node.func, ast.Attribute) else ast.unparse(node.func)


def test_text_of_a_page_or_a_task_stays_a_literal(work: Path, tmp_path: Path) -> None:
    run = read_run(work)
    clean = tmp_path / "clean"
    written(work, clean)
    told = run.manifest.model_copy(update={"task": run.manifest.task.model_copy(update={"instruction": HOSTILE})})
    bad = tmp_path / "work"
    bad.mkdir()
    (bad / "run.json").write_text(told.model_dump_json())
    lines = []
    for line in run.lines:
        if line.action and line.action.kind == "type":
            line = line.model_copy(update={"action": line.action.model_copy(update={"text": HOSTILE})})
        lines.append(line.model_dump_json() + "\n")
    (bad / "steps.jsonl").write_text("".join(lines))
    evident(bad, TOLD | {1: ("textbox", HOSTILE)})
    written(bad, tmp_path / "out")
    code = (tmp_path / "out" / "work.py").read_text()
    assert set(called(code)) == set(called((clean / "work.py").read_text()))
    held = [node.value for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Constant)]
    assert held.count(HOSTILE) >= 3


def test_a_secret_is_asked_for_when_the_script_runs(work: Path, tmp_path: Path) -> None:
    run, lines = read_run(work), []
    for line in run.lines:
        if line.index == 2 and line.action:
            line = line.model_copy(update={"action": line.action.model_copy(update={"text": "a<secret:my.pin>\n"})})
        lines.append(line.model_dump_json() + "\n")
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "run.json").write_text(run.manifest.model_dump_json())
    (tmp_path / "work" / "steps.jsonl").write_text("".join(lines))
    written(tmp_path / "work", tmp_path / "out")
    code = (tmp_path / "out" / "work.py").read_text()
    assert "page.keyboard.type('a')" in code
    assert "page.keyboard.type(secret('my.pin'))" in code


@pytest.mark.parametrize(
    ("action", "why"),
    [
        (Upload(at=Point(x=1, y=1), files=("a.txt",)), "upload"),
        (Click(), "where the pointer was"),
        (Key(keys=("no such key",)), "no such key"),
        (Click(at=Point(x=1, y=1), button="forward"), "forward"),
    ],
)
def test_a_run_with_a_step_that_a_script_cannot_do_is_left_out_whole(
    action: Upload | Click | Key, why: str, work: Path, tmp_path: Path
) -> None:
    run = read_run(work)
    first = run.lines[0].model_copy(update={"action": action})
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "run.json").write_text(run.manifest.model_dump_json())
    (tmp_path / "work" / "steps.jsonl").write_text(first.model_dump_json() + "\n")
    manifest = written(tmp_path / "work", tmp_path / "out")
    assert [(left.run, left.step) for left in manifest.left_out] == [("work", 0)]
    assert why in manifest.left_out[0].why
    assert not list((tmp_path / "out").glob("*.py"))


def test_only_a_browser_with_a_mouse_has_a_script(tmp_path: Path) -> None:
    keep(tmp_path / "run")
    manifest = written(tmp_path / "run", tmp_path / "out")
    assert "screens" in manifest.left_out[0].why
