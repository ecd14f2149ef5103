"""The record: whatever moment a run is killed at, what was known is on disk and reads back."""

from __future__ import annotations

import hashlib
import json
import random
import signal
import subprocess
import sys
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from agent_runs import NAME, ROOT, SCREENS, WIN, click, keep, processes, until

from actions import Action, Key
from agent.limits import Limits
from agent.manifest import describe
from agent.perform import Job, perform
from agent.picture import encode
from agent.policy import Scripted
from agent.reader import RecordError, read_run
from agent.record import Recorder, claim
from agent.schema import FILES, RunFile
from env import Download, Observation, Screens, Task


def test_a_run_reads_back_as_it_happened(tmp_path: Path) -> None:
    result = keep(tmp_path, [NAME, "?!", *WIN])
    run = read_run(tmp_path)
    assert [line.action for line in run.lines] == [step.action for step in result.trajectory.steps]
    assert [line.reply.text for line in run.lines] == [step.reply.text for step in result.trajectory.steps]
    assert run.lines[1].error
    for line, step in zip(run.lines, result.trajectory.steps, strict=True):
        assert (run.screen(line.before.screen) == step.before.screenshot).all()
        assert bool(line.after) == bool(step.after)
    assert run.manifest.stop is not None
    assert (run.manifest.stop.reason, run.manifest.outcome) == ("done", "verified")
    assert run.manifest.totals is not None
    assert (run.manifest.totals.steps, run.manifest.totals.errors) == (6, 1)
    assert run.pending is None


def test_screens_are_named_by_their_content_and_kept_once(tmp_path: Path) -> None:
    keep(tmp_path, [click(1, 1), click(2, 2), click(3, 3)])
    blobs = list((tmp_path / "blobs").iterdir())
    assert len(blobs) == 1
    assert blobs[0].name == hashlib.sha256(blobs[0].read_bytes()).hexdigest() + ".png"


def test_equal_pixels_give_equal_files() -> None:
    with Screens() as one, Screens() as other:
        assert encode(one.reset(Task()).screenshot) == encode(other.reset(Task()).screenshot)


class Watchful(Screens):
    """Counts, before each action, the lines that are on disk."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder
        self.known: list[tuple[int, int]] = []

    def step(self, action: Action) -> Observation:
        pending = json.loads((self.folder / "pending.json").read_bytes())
        self.known.append(((self.folder / "steps.jsonl").read_bytes().count(b"\n"), pending["index"]))
        return super().step(action)


def test_every_line_is_on_disk_before_the_next_action(tmp_path: Path) -> None:
    env = Watchful(tmp_path)
    keep(tmp_path, WIN, env=env)
    assert env.known == [(0, 1), (1, 2), (2, 3), (3, 4)]


ENDLESS = """
import sys
from pathlib import Path
from agent_runs import keep, click, Limits, REMEMBER
keep(Path(sys.argv[1]), [REMEMBER] * 100000, limits=Limits(steps=None, seconds=60, repeats=None),
     watch=lambda step: print(step.index, flush=True))
"""


@pytest.mark.parametrize("seed", range(5))
def test_a_run_killed_at_any_moment_reads_back_to_its_last_complete_line(seed: int, tmp_path: Path) -> None:
    wanted = random.Random(seed).randint(1, 60)
    child = subprocess.Popen(
        [sys.executable, "-c", ENDLESS, tmp_path / "run"], cwd=ROOT / "tests", stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    for line in child.stdout:
        if int(line) >= wanted:
            break
    child.kill()  # while it goes on with the next step
    child.wait()
    child.stdout.close()
    run = read_run(tmp_path / "run")
    assert len(run.lines) >= wanted
    assert len(run.lines) == (tmp_path / "run" / "steps.jsonl").read_bytes().count(b"\n")
    assert (run.manifest.stop, run.manifest.outcome) == (None, None)
    for line in [*run.lines, *([run.pending] if run.pending else [])]:
        assert run.screen(line.before.screen).shape == (252, 336, 3)


def test_a_torn_last_line_is_left_out(tmp_path: Path) -> None:
    keep(tmp_path)
    steps = tmp_path / "steps.jsonl"
    whole = steps.read_bytes()
    ends = [place for place, letter in enumerate(whole) if letter == 10]
    for cut in (0, 1, ends[0], ends[0] + 1, ends[2] - 1, len(whole) - 1, len(whole)):
        steps.write_bytes(whole[:cut])
        assert len(read_run(tmp_path).lines) == sum(end < cut for end in ends)


def test_a_damaged_line_is_refused_by_its_number(tmp_path: Path) -> None:
    keep(tmp_path)
    steps = tmp_path / "steps.jsonl"
    lines = steps.read_bytes().splitlines(keepends=True)
    steps.write_bytes(lines[0] + b"{}\n" + lines[2])
    with pytest.raises(RecordError, match=r"steps\.jsonl:2"):
        read_run(tmp_path)
    steps.write_bytes(lines[0] + lines[2])
    with pytest.raises(RecordError, match=r"steps\.jsonl:2: holds step 3"):
        read_run(tmp_path)


BROWSER = """
import sys
from pathlib import Path
from actions import Wait
from agent_runs import keep
from env import Browser, BrowserOptions, Task
env = Browser(BrowserOptions(size=(160, 208)))
page = Path(sys.argv[1]) / "page.html"
page.write_text("<p>here</p>")
print(env.marker, flush=True)
keep(Path(sys.argv[1]) / "run", [Wait(seconds=0), Wait(seconds=50)], env=env, task=Task("wait", page.as_uri()),
     watch=lambda step: print(step.index, flush=True))
"""


def test_a_killed_browser_run_leaves_no_browser_and_a_record_with_what_was_pending(tmp_path: Path) -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", BROWSER, tmp_path], cwd=ROOT / "tests", stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    marker = child.stdout.readline().strip()
    assert child.stdout.readline() == "1\n"
    pending = tmp_path / "run" / "pending.json"
    until(lambda: pending.exists() and b'"index": 2' in pending.read_bytes(), 10)
    assert processes(marker)
    child.kill()
    child.wait()
    child.stdout.close()
    until(lambda: not processes(marker), 5)
    run = read_run(tmp_path / "run")
    assert len(run.lines) == 1
    assert run.pending is not None
    assert run.pending.index == 2


def test_a_reset_that_fails_is_recorded_with_its_reason(tmp_path: Path) -> None:
    env = Screens()
    env.close()
    result = keep(tmp_path, env=env)
    run = read_run(tmp_path)
    assert run.manifest.stop is not None
    assert (run.manifest.stop.reason, run.manifest.outcome) == ("environment", "broken")
    assert result.outcome.code == 5
    assert run.lines == ()


def test_an_error_of_ours_travels_up_and_is_noted(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no screen"):
        keep(tmp_path, task=Task("x", "elsewhere"))
    manifest = read_run(tmp_path).manifest
    assert manifest.stop is not None
    assert manifest.stop.reason == "error"
    assert "elsewhere" in manifest.stop.detail
    assert manifest.outcome == "broken"


def test_the_instruction_of_the_screen_itself_is_recorded(tmp_path: Path) -> None:
    keep(tmp_path, task=Task())
    assert read_run(tmp_path).manifest.task.instruction.startswith("Sign in as")


def test_a_folder_that_holds_a_run_is_not_written_over(tmp_path: Path) -> None:
    keep(tmp_path)
    before = (tmp_path / "run.json").read_bytes()
    with pytest.raises(FileExistsError, match="already holds a run"):
        keep(tmp_path)
    assert (tmp_path / "run.json").read_bytes() == before


def test_folders_claimed_in_one_second_are_numbered(tmp_path: Path) -> None:
    def clock() -> datetime:
        return datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)

    names = [claim(tmp_path / "runs", "../Say “hello”!", clock=clock).name for _ in range(3)]
    assert names == [f"20300102-030405-say-hello{tail}" for tail in ("", "-2", "-3")]


def test_leaving_the_block_early_writes_that_it_was_left(tmp_path: Path) -> None:
    manifest = describe(Job(Task("x")), Scripted([]), SCREENS, name="x")
    with Recorder(tmp_path, manifest):
        pass
    stop = read_run(tmp_path).manifest.stop
    assert stop is not None
    assert (stop.reason, stop.detail) == ("error", "the run was left before its end")


def test_ctrl_c_in_the_middle_of_an_action_leaves_a_complete_record(tmp_path: Path) -> None:
    class Interrupted(Screens):
        """A person presses Ctrl-C during the second action."""

        def step(self, action: Action) -> Observation:
            if action == Key(keys=("tab",)):
                signal.raise_signal(signal.SIGINT)
            return super().step(action)

    result = keep(tmp_path, [NAME, Key(keys=("tab",)), NAME], env=Interrupted())
    run = read_run(tmp_path)
    assert (result.stop.reason, result.outcome.code) == ("person", 4)
    assert run.manifest.stop is not None
    assert run.manifest.stop.reason == "person"
    assert len(run.lines) == 1
    assert run.pending is not None


def test_a_run_without_a_record_gives_the_same_result(tmp_path: Path) -> None:
    kept = keep(tmp_path)
    with Screens() as env:
        free = perform(env, Scripted(WIN), Job(Task("sign in"), Limits()))
    assert (free.outcome, free.stop, free.folder) == (kept.outcome, kept.stop, None)


@pytest.mark.parametrize("name", FILES)
def test_the_shipped_schemas_are_those_of_the_code(name: str) -> None:
    shipped = json.loads((ROOT / "agent" / "schemas" / name).read_text())
    assert shipped == FILES[name].model_json_schema(), "run: python -m agent.schema"


def test_a_record_of_a_later_version_is_refused(tmp_path: Path) -> None:
    keep(tmp_path)
    path = tmp_path / "run.json"
    data = json.loads(path.read_bytes())
    assert RunFile.model_validate(data)
    path.write_text(json.dumps(data | {"version": 2}))
    with pytest.raises(RecordError, match="version"):
        read_run(tmp_path)


def test_a_receipt_is_kept_whole_and_one_of_an_older_record_is_still_read(tmp_path: Path) -> None:
    class Receiving(Screens):
        """Every action brings a file."""

        def step(self, action: Action) -> Observation:
            seen = super().step(action)
            assert seen.receipt is not None
            file = Download("a.csv", "/somewhere/a.csv", "0" * 64, 5)
            receipt = replace(seen.receipt, downloads=("a.csv",), files=(file,), value="filled", window="one")
            return replace(seen, receipt=receipt, value="filled")

    keep(tmp_path, [NAME], env=Receiving())
    line = read_run(tmp_path).lines[0]
    assert line.receipt is not None
    assert line.receipt.files[0].model_dump() == asdict(Download("a.csv", "/somewhere/a.csv", "0" * 64, 5))
    assert (line.receipt.value, line.receipt.window, line.receipt.url) == ("filled", "one", "screen:sign in")
    assert line.after is not None
    assert line.after.value == "filled"
    old = json.loads((tmp_path / "steps.jsonl").read_bytes().splitlines()[0])
    for name in ("files", "value", "window", "url", "focus"):
        del old["receipt"][name]
    del old["before"]["value"], old["after"]["value"]
    (tmp_path / "steps.jsonl").write_text(json.dumps(old) + "\n")
    again = read_run(tmp_path).lines[0]
    assert again.receipt is not None
    assert (again.receipt.downloads, again.receipt.files) == (("a.csv",), ())
