"""Ownership: what a run started ends with it, and what dead runs left is told from what belongs to one that goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from agent_runs import until

from env.owner import Owner
from env.process import Ownership
from env.reap import Leftovers, leftovers, reap
from env.watch import BESIDE, KNOWN, PROC, end, marked

pytestmark = pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="looks at processes in /proc")

LONG = "300"  # seconds that a program goes on, where nobody ends it
CHILD = f"""
import os, subprocess, sys
from env.process import Ownership
run = Ownership()
(run.folder / "kept").write_text("x")
def start(command, **variables):
    return subprocess.Popen(command, env=os.environ | variables, start_new_session=True).pid
argued = start([sys.executable, "-c", "import time; time.sleep({LONG})", run.marker])
varied = start(["sh", "-c", "sleep {LONG}; true"], **run.variables)
print(run.marker, run.folder, argued, varied, run._watcher.pid, flush=True)
sys.stdin.read()
"""


class Run:
    """A run in a process of its own, with a program that carries its name as an argument and one as a variable."""

    def __init__(self, child: subprocess.Popen[str]) -> None:
        self.child = child
        assert child.stdout is not None
        self.marker, folder, *processes = child.stdout.readline().split()
        self.folder = Path(folder)
        *programs, self.watcher = map(int, processes)
        self.programs = set(programs)

    def die(self, *, watched: bool) -> None:
        """End by SIGKILL, where not `watched` with the watcher."""
        if not watched:
            os.kill(self.watcher, signal.SIGKILL)
        self.child.kill()
        self.child.wait()


@contextmanager
def running(place: Path) -> Iterator[Run]:
    """A run whose folder lies in `place`."""
    command = [sys.executable, "-c", CHILD]
    variables = os.environ | {"TMPDIR": str(place)}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=variables) as child:
        run = Run(child)
        try:
            yield run
        finally:
            run.die(watched=True)
            end(marked(run.marker))


def test_what_carries_a_runs_name_is_found_with_its_children(tmp_path: Path) -> None:
    with running(tmp_path) as run:
        until(lambda: len(marked(run.marker)) == 3, 5)  # the shell has a child
        assert run.programs < marked(run.marker)
        assert not marked(run.marker[:-1])
        assert run.child.pid not in marked(run.marker)


def test_nothing_is_left_of_a_run_that_is_killed(tmp_path: Path) -> None:
    with running(tmp_path) as run:
        assert (run.folder / "kept").exists()
        run.die(watched=True)
        until(lambda: not marked(run.marker), 5)
        until(lambda: not list(tmp_path.iterdir()), 5)


def test_the_leftovers_of_a_dead_run_are_found_and_ended_and_those_of_a_living_one_are_not(tmp_path: Path) -> None:
    dead, living = tmp_path / "dead", tmp_path / "living"
    dead.mkdir()
    living.mkdir()
    with running(dead) as gone, running(living) as goes_on:
        gone.die(watched=False)
        found = leftovers(dead)
        assert gone.programs <= set(found.processes)
        assert found.folders == (gone.folder,)
        assert not marked(goes_on.marker) & set(found.processes)
        assert not leftovers(living).folders
        reap(Leftovers(tuple(marked(gone.marker)), found.folders))
        until(lambda: not marked(gone.marker), 5)
        assert not gone.folder.exists()
        assert goes_on.programs <= marked(goes_on.marker)
        assert goes_on.folder.exists()


def test_this_process_is_alive_and_one_with_its_number_and_another_start_is_not() -> None:
    me = Owner.me()
    assert Owner.read(f"{me}-0123abcd") == me
    assert not me.dead
    assert replace(me, started=me.started - 1).dead
    assert replace(me, boot="0123abcd").dead
    assert replace(me, process=2**22 + 1).dead
    with subprocess.Popen(["true"]) as child:
        until(lambda: " Z " in (PROC / str(child.pid) / "stat").read_text(), 5)
        assert replace(me, process=child.pid).dead


def test_nobody_is_called_dead_who_cannot_be_seen_from_here() -> None:
    me = Owner.me()
    assert not replace(me, space=me.space + 1, started=me.started + 1).dead
    assert not replace(me, started=0).dead
    assert Owner.read("a-b-c-d") is None
    assert Owner.read("") is None


def test_only_folders_of_dead_runs_are_leftovers_and_no_link_to_one(tmp_path: Path) -> None:
    dead = str(replace(Owner.me(), started=1))
    (tmp_path / f"handeye-{dead}-x").mkdir()
    (tmp_path / f"handeye-{Owner.me()}-x").mkdir()
    (tmp_path / "handeye-notes").mkdir()
    (tmp_path / f"handeye-{dead}-file").write_text("")
    (tmp_path / f"handeye-{dead}-link").symlink_to(tmp_path / "handeye-notes")
    assert leftovers(tmp_path).folders == (tmp_path / f"handeye-{dead}-x",)


def test_the_names_in_a_dead_runs_folder_remove_nothing_but_folders_of_browsers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    profile = f"{KNOWN[0]}a"
    for name in ("kept", profile, "run"):
        (tmp_path / name).mkdir()
    (tmp_path / "run" / BESIDE).write_text(f"kept\n../kept\n{profile}/../kept\n{profile}\n\n.\n")
    reap(Leftovers(folders=(tmp_path / "run",)))
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]


def test_a_run_whose_watcher_was_killed_still_ends_all_it_started() -> None:
    run = Ownership()
    with subprocess.Popen(["sleep", LONG], env=os.environ | run.variables) as program:
        until(lambda: bool(marked(run.marker)), 5)
        run._watcher.kill()
        run.close()
        assert program.wait(5) == -signal.SIGKILL
    assert not run.folder.exists()
    run.close()
