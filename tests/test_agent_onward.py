"""Runs that go on: the policy sees what it would have seen, and nothing with an effect is done a second time."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from agent_runs import NAME, REMEMBER, SCREENS, SIGN_IN, TYPE_ADA, WIN, click, handeye, keep, script

from actions import Action, Answer, Finish, Scroll, Type, Wait
from agent.choose import Ways, choose
from agent.expect import Check
from agent.history import Past
from agent.limits import Limits
from agent.lineage import moved
from agent.onward import ResumeError, Terms, Unreached, branch, resume
from agent.outcome import Outcome, Result
from agent.policy import Policy, Scripted
from agent.reader import RecordError, Run, read_run
from agent.replay import replay
from agent.schema import EnvironmentEntry
from agent.stage import Stage
from agent.step import Reply, Step
from env import EnvironmentBroken, Observation, Screens, Task

LONG = (NAME, "?!", TYPE_ADA, Answer(text="hm"), click(900, 900), REMEMBER, SIGN_IN)
"""Seven steps, two of them mistakes, that win the screens."""


class Witness(Scripted):
    """Keeps what every prompt would say and show."""

    def __init__(self, replies: Sequence[Action | str]) -> None:
        super().__init__(replies)
        self.prompts: list[tuple[object, list[bytes]]] = []

    def tell(self, step: Step) -> str:
        return f"{step.action} {step.error} {step.after.receipt if step.after else None}"

    def again(self, step: Step) -> str:
        return f"{step.reply.text} {step.frame} {step.before.receipt} {step.before.notes}"

    def reply(self, task: Task, history: Sequence[Step], seen: Observation) -> Reply:
        past, shown = Past(task.instruction, history, seen), len(history) // 2 + 1
        self.prompts.append((past.turns(self, shown), [screen.tobytes() for screen in past.screens(shown)]))
        return super().reply(task, history, seen)


def cut(folder: Path, there: Path, steps: int, *, pending: bool = False) -> Run:
    """The run of `folder` as if it had been killed after so many steps, or while it did the next one."""
    shutil.copytree(folder, there)
    manifest = json.loads((there / "run.json").read_bytes())
    (there / "run.json").write_text(json.dumps(manifest | {"stop": None, "outcome": None, "totals": None}))
    lines = (there / "steps.jsonl").read_bytes().splitlines(keepends=True)
    (there / "steps.jsonl").write_bytes(b"".join(lines[:steps]))
    if pending:
        (there / "pending.json").write_text(json.dumps(json.loads(lines[steps]) | {"after": None, "receipt": None}))
    return read_run(there)


def on_screens(run: Run, folder: Path, replies: Sequence[Action | str] = WIN, terms: Terms | None = None) -> Result:
    """Resumed on fresh sign-in screens."""
    with Screens() as env:
        return resume(run, Stage(env, SCREENS), Scripted(replies), folder, terms=terms or Terms())


@pytest.mark.parametrize("known", range(len(LONG) + 1))
def test_a_run_that_goes_on_is_told_what_it_would_have_been_told(known: int, tmp_path: Path) -> None:
    whole, rest = Witness(LONG), Witness(LONG)
    keep(tmp_path / "whole", whole)
    run = cut(tmp_path / "whole", tmp_path / "cut", known)
    with Screens() as env:
        result = resume(run, Stage(env, SCREENS), rest, tmp_path / "rest")
    assert (result.outcome, result.stop.reason, len(result.trajectory.steps)) == (Outcome.VERIFIED, "done", len(LONG))
    assert rest.prompts == whole.prompts[known:]
    lines = (run.folder / "steps.jsonl").read_bytes()
    shutil.rmtree(run.folder)
    child = read_run(tmp_path / "rest")
    assert [line.action for line in child.lines] == [line.action for line in read_run(tmp_path / "whole").lines]
    assert child.manifest.parent is not None
    assert (child.manifest.parent.name, child.manifest.parent.step) == ("cut", known)
    assert child.manifest.parent.sha256 == hashlib.sha256(lines).hexdigest()
    assert child.manifest.totals is not None
    assert (child.manifest.totals.steps, child.manifest.totals.errors) == (len(LONG), 2)
    with Screens() as env:  # it needs its parent for nothing
        assert replay(child, env).outcome is Outcome.VERIFIED


def test_the_built_in_model_writes_what_it_would_have_written(tmp_path: Path) -> None:
    def model() -> Policy:
        return choose("builtin", ways=Ways(("history=all", "disk-cache=false")))

    keep(tmp_path / "whole", model(), limits=Limits(steps=2))
    run = cut(tmp_path / "whole", tmp_path / "cut", 1)
    with Screens() as env:
        resume(run, Stage(env, SCREENS), model(), tmp_path / "rest", terms=Terms(limits=Limits(steps=1)))
    whole, rest = read_run(tmp_path / "whole").lines, read_run(tmp_path / "rest").lines
    assert [line.reply.text for line in rest] == [line.reply.text for line in whole]
    assert rest[1].reply.usage.prompt_tokens == whole[1].reply.usage.prompt_tokens


def test_lines_are_copied_and_pictures_shared(tmp_path: Path) -> None:
    keep(tmp_path / "a", LONG)
    run = cut(tmp_path / "a", tmp_path / "cut", 3)
    on_screens(run, tmp_path / "b", LONG)
    before = (run.folder / "steps.jsonl").read_bytes()
    assert (tmp_path / "b" / "steps.jsonl").read_bytes().startswith(before)
    picture = run.blob(run.lines[0].before.screen)
    assert (tmp_path / "b" / "blobs" / picture.name).samefile(picture)


@pytest.mark.parametrize("reason", ["steps", "person"])
def test_a_run_that_was_stopped_goes_on_with_its_limits_anew(reason: str, tmp_path: Path) -> None:
    keep(tmp_path / "a", limits=Limits(steps=2))
    path = tmp_path / "a" / "run.json"
    path.write_text(path.read_text().replace('"reason": "steps"', f'"reason": "{reason}"'))
    result = on_screens(read_run(tmp_path / "a"), tmp_path / "b", [*WIN[:2], Wait(seconds=0), *WIN[2:]])
    assert (result.stop.reason, len(result.trajectory.steps)) == ("steps", 4)
    again = on_screens(read_run(tmp_path / "b"), tmp_path / "c", [*WIN[:2], Wait(seconds=0), *WIN[2:]])
    assert (again.outcome, len(again.trajectory.steps)) == (Outcome.VERIFIED, 5)
    parent = read_run(tmp_path / "c").manifest.parent
    assert parent is not None
    assert parent.parent is not None
    assert (parent.name, parent.step, parent.parent.name, parent.parent.step) == ("b", 4, "a", 2)


def test_a_loop_may_be_left_and_ends_the_run_where_it_goes_on(tmp_path: Path) -> None:
    keep(tmp_path / "a", [click(1, 1)] * 9)
    run = read_run(tmp_path / "a")
    assert run.manifest.stop is not None
    assert (run.manifest.stop.reason, len(run.lines)) == ("loop", 3)
    left = on_screens(run, tmp_path / "b", [*[click(1, 1)] * 3, *WIN])
    assert left.outcome is Outcome.VERIFIED
    assert "the same action 3 times" in left.trajectory.steps[3].before.notes[0]
    kept = on_screens(run, tmp_path / "c", [click(1, 1)] * 9)
    assert (kept.stop.reason, len(kept.trajectory.steps)) == ("loop", 4)


def test_the_step_under_way_is_told_and_never_done_by_itself(tmp_path: Path) -> None:
    keep(tmp_path / "a")
    run = cut(tmp_path / "a", tmp_path / "cut", 2, pending=True)
    result = on_screens(run, tmp_path / "b", [*WIN[:2], Finish(success=False)])
    assert [step.action for step in result.trajectory.steps] == [*WIN[:2], Finish(success=False)]
    told = result.trajectory.steps[2].before.notes
    assert len(told) == 1
    assert '"at":{"x":109,"y":107}' in told[0]
    assert "not known whether" in told[0]


def test_what_is_in_doubt_stays_so_where_the_run_is_cut_off_again(tmp_path: Path) -> None:
    class Killed(Scripted):
        """Its process dies before it has replied."""

        def reply(self, task: Task, history: Sequence[Step], seen: Observation) -> Reply:
            raise SystemExit

    keep(tmp_path / "a")
    run = cut(tmp_path / "a", tmp_path / "cut", 2, pending=True)
    with Screens() as env, pytest.raises(SystemExit):
        resume(run, Stage(env, SCREENS), Killed(()), tmp_path / "b")
    again = read_run(tmp_path / "b")
    assert again.pending == run.pending
    assert on_screens(again, tmp_path / "c").trajectory.steps[2].before.notes
    assert read_run(tmp_path / "c").pending is None


@pytest.mark.parametrize("reply", ["?!", Answer(text="x"), Finish()])
def test_nothing_is_in_doubt_where_nothing_was_to_be_done(reply: Action | str, tmp_path: Path) -> None:
    keep(tmp_path / "a", [NAME, reply])
    run = cut(tmp_path / "a", tmp_path / "cut", 1, pending=True)
    assert on_screens(run, tmp_path / "b", WIN).trajectory.steps[1].before.notes == ()


def test_the_step_at_which_the_screen_broke_is_told_too(tmp_path: Path) -> None:
    class Breaking(Screens):
        """Breaks at the third action."""

        def step(self, action: Action) -> Observation:
            if action == REMEMBER:
                raise EnvironmentBroken("crash", "it fell over")
            return super().step(action)

    keep(tmp_path / "a", env=Breaking())
    result = on_screens(read_run(tmp_path / "a"), tmp_path / "b", [*WIN[:2], "", *WIN[2:]])
    assert result.outcome is Outcome.VERIFIED
    assert "fell over" in result.trajectory.steps[2].error
    assert "not known whether" in result.trajectory.steps[3].before.notes[0]


def test_a_run_that_had_finished_when_it_was_killed_is_only_judged(tmp_path: Path) -> None:
    keep(tmp_path / "a", [NAME, Finish(text="done")], expect=[Check(url="screen:sign in")])
    run = cut(tmp_path / "a", tmp_path / "cut", 2)
    result = on_screens(run, tmp_path / "b", [NAME] * 9)
    assert (result.stop.reason, result.stop.detail, len(result.trajectory.steps)) == ("finished", "done", 2)
    assert [verdict.held for verdict in result.verdicts] == [True]


def test_a_run_that_ended_by_itself_is_refused(tmp_path: Path) -> None:
    keep(tmp_path / "a")
    with pytest.raises(ResumeError, match="ended by itself"):
        on_screens(read_run(tmp_path / "a"), tmp_path / "b")
    assert not (tmp_path / "b").exists()


def test_a_screen_that_is_another_one_stops_it_before_anything_is_written(tmp_path: Path) -> None:
    keep(tmp_path / "a", limits=Limits(steps=3))
    run = read_run(tmp_path / "a")
    lines = [*run.lines[:1], run.lines[1].model_copy(update={"before": run.lines[0].before}), *run.lines[2:]]
    with pytest.raises(Unreached) as stopped:
        on_screens(replace(run, lines=tuple(lines)), tmp_path / "b")
    found = stopped.value.replay
    assert (found.outcome, found.actions) == (Outcome.STOPPED, 1)
    assert found.difference is not None
    assert not (tmp_path / "b").exists()


def test_what_stands_in_the_way_is_told_before_anything_is_done(tmp_path: Path) -> None:
    class Untouched(Screens):
        """Is not even reset."""

        def reset(self, task: Task) -> Observation:
            raise AssertionError

    keep(tmp_path / "a", limits=Limits(steps=2))
    run = read_run(tmp_path / "a")
    with pytest.raises(FileExistsError, match="choose another folder"):
        resume(run, Stage(Untouched(), SCREENS), Scripted(()), run.folder)
    run.blob(run.lines[1].before.screen).unlink()
    with pytest.raises(RecordError, match=r"\.png"):
        resume(run, Stage(Untouched(), SCREENS), Scripted(()), tmp_path / "b")
    assert not (tmp_path / "b").exists()


def test_a_branch_goes_another_way_from_any_step_and_names_where_it_left(tmp_path: Path) -> None:
    keep(tmp_path / "a")
    run = read_run(tmp_path / "a")
    for step in range(len(WIN)):
        with Screens() as env:
            other = Scripted([*WIN[:step], Finish(success=False)], name="other")
            result = branch(run, step, Stage(env, SCREENS), other, tmp_path / str(step))
        assert (result.outcome, len(result.trajectory.steps)) == (Outcome.FAILED, step + 1)
        child = read_run(tmp_path / str(step))
        parent = child.manifest.parent
        assert parent is not None
        assert (parent.name, parent.step, parent.model.name, child.manifest.model.name) == (
            "a",
            step,
            "scripted",
            "other",
        )
        assert child.lines[:step] == run.lines[:step]


def test_a_branch_from_a_step_that_is_not_there_or_the_last_is_refused(tmp_path: Path) -> None:
    keep(tmp_path / "a", [NAME, Finish()])
    with Screens() as env:
        for step in (-1, 2, 3):
            with pytest.raises(ResumeError, match=f"step {step}"):
                branch(read_run(tmp_path / "a"), step, Stage(env, SCREENS), Scripted(WIN), tmp_path / "b")


def test_on_a_desktop_only_what_does_nothing_lasting_is_done_again_unasked(tmp_path: Path) -> None:
    desktop = EnvironmentEntry(kind="desktop", program=("x",))
    moves = (Scroll(dy=10), Wait(seconds=0))
    keep(tmp_path / "a", [*moves, *WIN], limits=Limits(steps=4), entry=desktop)
    with Screens() as env, pytest.raises(Unreached) as stopped:
        resume(read_run(tmp_path / "a"), Stage(env, desktop), Scripted(()), tmp_path / "b")
    assert (stopped.value.replay.outcome, stopped.value.replay.actions) == (Outcome.STOPPED, 3)
    assert "step 3 would be done a second time" in stopped.value.replay.detail


def test_the_pages_of_a_run_follow_to_where_they_are_served_now(tmp_path: Path) -> None:
    keep(tmp_path / "a", [NAME], task=Task("see http://127.0.0.1:40/x, not http://127.0.0.1:401/x"))
    run = read_run(tmp_path / "a")
    entry = EnvironmentEntry(kind="browser", origin="http://127.0.0.1:40", network=("http://127.0.0.1:40",))
    there = moved(replace(run, manifest=run.manifest.model_copy(update={"environment": entry})), "http://127.0.0.1:50")
    assert there.manifest.task.instruction == "see http://127.0.0.1:50/x, not http://127.0.0.1:401/x"
    assert there.manifest.environment.network == ("http://127.0.0.1:50",)
    assert there.lines == run.lines


FORM = b"""<body style="margin:0;font:16px sans-serif"><form method="post" action="/sent">
<input name="who" style="position:absolute;left:10px;top:10px;width:120px;height:24px">
<button style="position:absolute;left:10px;top:60px;width:80px;height:30px">Send</button></form>"""
SENT = b"<body style='margin:0' onclick=\"document.body.textContent='seen'\"><p>Thank you"


@pytest.fixture
def shop() -> Iterator[tuple[str, list[str]]]:
    """A server with a form, and what was sent to it."""
    sent: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._give(FORM)

        def do_POST(self) -> None:
            sent.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
            self._give(SENT)

        def _give(self, page: bytes) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(page)))
            self.end_headers()
            self.wfile.write(page)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", sent
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_form_is_not_sent_twice_unless_somebody_says_so(tmp_path: Path, shop: tuple[str, list[str]]) -> None:
    url, sent = shop
    deeds = (click(60, 20), Type(text="ada"), click(40, 75), click(50, 150))
    text = f"name: t\nstart: {url}\ninstruction: send\nenvironment: {{kind: browser, width: 160, height: 208}}\n"
    text += "limits: {steps: 3}\nuntil: expect\nexpect: [{text: seen}]\nactions:\n"
    task = script(tmp_path, text + "".join(f"  - {deed.model_dump_json()}\n" for deed in deeds))
    assert handeye("run", task, "--model", "script", "--out", tmp_path / "a").returncode == 4
    assert sent == ["who=ada"]
    held = handeye("run", "--resume", tmp_path / "a", task, "--out", tmp_path / "b", "--json")
    said = json.loads(held.stdout)
    assert (held.returncode, said["outcome"], said["actions"]) == (4, "stopped", 3), held.stderr
    assert "step 3" in said["detail"]
    assert "sends a form" in said["detail"]
    assert sent == ["who=ada"]
    assert not (tmp_path / "b").exists()
    again = handeye("run", "--resume", tmp_path / "a", task, "--out", tmp_path / "b", "--again", "--json")
    assert (again.returncode, sent) == (0, ["who=ada"] * 2), again.stderr
    assert json.loads(again.stdout)["steps"] == 4
