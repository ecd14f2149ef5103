"""Replay: the same actions, no model, and not one more once a screen is another."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from agent_runs import NAME, ROOT, TASKS, TYPE_ADA, WIN, click, handeye, keep

from actions import Answer, Finish, Navigate
from agent.outcome import Outcome
from agent.picture import decode
from agent.reader import read_run
from agent.replay import Move, replay
from agent.schema import EnvironmentEntry
from agent.stage import open_stage
from env import Browser, BrowserOptions, Screens, Task
from env.observation import changed

SIZE = BrowserOptions(size=(160, 208))
ENTRY = EnvironmentEntry(kind="browser", width=160, height=208)

AGAIN = """
import sys
from pathlib import Path
from agent import read_run, replay
from agent.stage import open_stage
run = read_run(Path(sys.argv[1]))
for _ in range(int(sys.argv[2])):
    with open_stage(run.manifest.environment) as stage:
        print(replay(run, stage.env, origin=stage.origin).code)
print('torch' in sys.modules)
"""


@pytest.mark.parametrize("times", [2, pytest.param(5, marks=pytest.mark.slow)])
def test_a_browser_run_replays_exactly_again_and_again_without_torch(times: int, tmp_path: Path) -> None:
    assert handeye("run", TASKS / "sign-in.yaml", "--model", "script", "--out", tmp_path).returncode == 0
    words = [sys.executable, "-c", AGAIN, tmp_path, str(times)]
    done = subprocess.run(words, capture_output=True, text=True, cwd=ROOT, timeout=240)
    assert done.stdout.split() == ["0"] * times + ["False"], done.stderr
    reports = [json.loads(path.read_text()) for path in (tmp_path / "replays").glob("*/report.json")]
    assert len(reports) == times
    assert {(report["outcome"], report["actions"]) for report in reports} == {("verified", 5)}


@pytest.mark.parametrize(
    "some", [slice(0, 2), pytest.param(slice(2, None), marks=pytest.mark.slow)], ids=["two", "rest"]
)
def test_every_shipped_script_is_verified_by_its_own_actions_and_replays(some: slice, tmp_path: Path) -> None:
    tasks = sorted(TASKS.glob("*.yaml"))[some]
    ran = handeye("run", *tasks, "--model", "script", "--out", tmp_path, "--json")
    said = json.loads(ran.stdout)["runs"]
    assert {run["name"]: run["outcome"] for run in said} == {path.stem: "verified" for path in tasks}
    for run in said:
        recorded = read_run(Path(run["folder"]))
        with open_stage(recorded.manifest.environment) as stage:
            result = replay(recorded, stage.env, origin=stage.origin)
        assert (result.outcome, result.difference) == (Outcome.VERIFIED, None), run["name"]


@pytest.fixture
def hits() -> Iterator[tuple[str, list[str]]]:
    """A server that shows one page, and the paths it was asked for."""
    asked: list[str] = []
    page = b"""<body style="margin:0"><button style="position:absolute;left:10px;top:10px;width:60px;height:30px"
      onclick="fetch('/hit')">Send</button><p style="margin-top:60px">HERE</p>"""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(page.replace(b"HERE", b"changed" if "/changed" in asked else b"here"))

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()
    server.server_close()
    thread.join()


def test_every_action_of_a_replay_is_carried_out_once(hits: tuple[str, list[str]], tmp_path: Path) -> None:
    origin, asked = hits
    send = click(40, 25)
    keep(tmp_path, [send, send, Finish()], env=Browser(SIZE), task=Task("send", f"{origin}/"), entry=ENTRY)
    assert asked.count("/hit") == 2
    asked.clear()
    with Browser(SIZE) as env:
        result = replay(read_run(tmp_path), env)
    assert (result.outcome, result.actions, result.steps) == (Outcome.UNVERIFIED, 2, 3)
    assert asked.count("/hit") == 2


def test_a_changed_page_halts_the_replay_before_anything_is_done(hits: tuple[str, list[str]], tmp_path: Path) -> None:
    origin, asked = hits
    keep(tmp_path, [click(40, 25), Finish()], env=Browser(SIZE), task=Task("send", f"{origin}/"), entry=ENTRY)
    asked[:] = ["/changed"]
    with Browser(SIZE) as env:
        result = replay(read_run(tmp_path), env)
    assert asked.count("/hit") == 0
    assert (result.outcome, result.code, result.actions, result.halted) == (Outcome.STOPPED, 4, 0, True)
    difference = result.difference
    assert difference is not None
    assert (difference.step, difference.when) == (1, "before")
    assert difference.pixels > 0
    assert difference.box[1] >= 40
    assert all(part in result.detail for part in ("step 1", str(difference.pixels), str(difference.box)))
    recorded, actual = (
        decode(path.read_bytes())
        for path in (tmp_path / "blobs" / difference.recorded, Path(result.folder) / difference.actual)
    )
    assert changed(recorded, actual) == (difference.pixels, difference.box)


def test_a_page_that_changes_on_the_way_halts_the_replay_there(tmp_path: Path) -> None:
    page = tmp_path / "pages" / "page.html"
    page.parent.mkdir()
    text = """<body style="margin:0" onclick="document.body.innerHTML += '<p>WORD</p>'"><p>click</p>"""
    page.write_text(text)
    script = tmp_path / "task.yaml"
    script.write_text(
        "name: t\nstart: pages/page.html\ninstruction: click\nenvironment: {kind: browser, width: 160, height: 208}\n"
        "actions: [{kind: click, at: {x: 9, y: 9}}, {kind: click, at: {x: 9, y: 9}}]\n"
    )
    assert handeye("run", script, "--model", "script", "--out", tmp_path / "run").returncode == 3
    page.write_text(text.replace("WORD", "other"))
    done = handeye("replay", tmp_path / "run", "--json")
    said = json.loads(done.stdout)
    assert (done.returncode, said["outcome"], said["actions"]) == (4, "stopped", 1)
    assert (said["difference"]["step"], said["difference"]["when"]) == (2, "before")
    assert (Path(said["folder"]) / "actual.png").is_file()


def test_a_difference_after_the_last_action_is_found_too(tmp_path: Path) -> None:
    keep(tmp_path, WIN)
    lines = (tmp_path / "steps.jsonl").read_text().splitlines()
    last = json.loads(lines[-1])
    last["after"]["screen"] = last["before"]["screen"]
    (tmp_path / "steps.jsonl").write_text("\n".join([*lines[:-1], json.dumps(last)]) + "\n")
    with Screens() as env:
        result = replay(read_run(tmp_path), env)
    assert result.difference is not None
    assert (result.difference.step, result.difference.when, result.actions) == (4, "after", 4)
    assert (result.outcome, result.halted) == (Outcome.FAILED, False)


def test_mistakes_and_words_to_the_user_are_not_carried_out_again(tmp_path: Path) -> None:
    keep(tmp_path, [click(900, 900), Answer(text="hm"), *WIN])
    with Screens() as env:
        result = replay(read_run(tmp_path), env)
    assert (result.outcome, result.steps, result.actions) == (Outcome.VERIFIED, 6, 4)


def test_a_replay_goes_no_further_than_asked(tmp_path: Path) -> None:
    keep(tmp_path, WIN)
    with Screens() as env:
        result = replay(read_run(tmp_path), env, to=2)
    assert (result.outcome, result.code, result.actions) == (Outcome.UNVERIFIED, 3, 2)


def test_a_run_that_was_cut_off_replays_as_far_as_it_goes(tmp_path: Path) -> None:
    keep(tmp_path, WIN)
    manifest = json.loads((tmp_path / "run.json").read_text())
    (tmp_path / "run.json").write_text(json.dumps(manifest | {"stop": None, "outcome": None}))
    steps = tmp_path / "steps.jsonl"
    steps.write_bytes(b"".join(steps.read_bytes().splitlines(keepends=True)[:2]))
    with Screens() as env:
        result = replay(read_run(tmp_path), env)
    assert (result.actions, result.outcome) == (2, Outcome.FAILED)  # the screens say that the goal is not reached
    assert "cut off" in result.detail


def test_a_recorded_failure_stays_one(tmp_path: Path) -> None:
    keep(tmp_path, [NAME, TYPE_ADA, Finish(success=False)])
    with Screens() as env:
        assert replay(read_run(tmp_path), env).code == 1


def test_an_environment_that_is_broken_ends_the_replay_with_its_code(tmp_path: Path) -> None:
    keep(tmp_path, WIN)
    env = Screens()
    env.close()
    assert replay(read_run(tmp_path), env).code == 5


def test_addresses_of_the_recorded_site_follow_it_and_others_stay() -> None:
    move = Move("http://127.0.0.1:40", "http://127.0.0.1:50")
    assert move.url("http://127.0.0.1:40/a?b#c") == "http://127.0.0.1:50/a?b#c"
    assert move.url("http://127.0.0.1:401/a") == "http://127.0.0.1:401/a"
    assert move.action(Navigate(url="http://127.0.0.1:40")) == Navigate(url="http://127.0.0.1:50")
    assert Move("", "http://127.0.0.1:50").url("") == ""
