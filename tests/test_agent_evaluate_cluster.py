"""A Ray cluster plays as one process does: the same marks, whichever worker is killed."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil
import pytest
from agent_runs import ROOT, processes, until

from agent.data.episodes import Oracle
from agent.evaluate import Mark, Table, evaluate, plan, read_evaluation
from agent.evaluate.join import ClusterError, agree, joined, share
from env import MiniWoB

SEED, TASKS = 1_000_000, ("click-checkboxes", "enter-text")
EVAL = [sys.executable, "-m", "agent.cli", "eval", "miniwob", "--json", "--seed", str(SEED), "--tasks", ",".join(TASKS)]
ORACLE = [*EVAL, "--model", "oracle"]


def told(marks: Sequence[Mark]) -> list[dict[str, object]]:
    """Marks without what no two runs share."""
    return [mark.model_dump(exclude={"seconds", "attempt"}) for mark in marks]


def family(process: int) -> list[psutil.Process]:
    """All that it has begun, and what these have."""
    return psutil.Process(process).children(recursive=True)


def playing(process: int) -> list[int]:
    """Those of its family that are in the middle of an episode, by the name that Ray gives them."""
    ours = {one.pid for one in family(process)}
    return [one for one in processes("ray::Seat.play") if one in ours]


def kill_one(command: int) -> bool:
    """Kill a worker in the middle of an episode; False where none is."""
    found = playing(command)
    for one in found[:1]:
        os.kill(one, signal.SIGKILL)
    return bool(found)


@contextmanager
def process(
    command: Sequence[str], environ: Mapping[str, str] | None = None, errors: int = subprocess.PIPE
) -> Iterator[subprocess.Popen[str]]:
    """A command of ours, ended at the latest where the test ends."""
    whole = {**os.environ, **(environ or {})}
    with subprocess.Popen(command, cwd=ROOT, env=whole, text=True, stdout=subprocess.PIPE, stderr=errors) as running:
        try:
            yield running
        finally:
            running.terminate()


def first_mark(out: Path) -> None:
    """Wait until an episode has ended."""
    until(lambda: (out / "episodes.jsonl").stat().st_size > 0, 200)


def lines(out: Path) -> list[Mark]:
    """All marks as they came."""
    return [Mark.model_validate_json(line) for line in (out / "episodes.jsonl").read_bytes().splitlines()]


def test_two_workers_mark_as_one_process_does_though_one_of_them_is_killed(tmp_path: Path) -> None:
    command = [*ORACLE, "--episodes", "3", "--out", str(tmp_path), "--ray", "local", "--workers", "2"]
    with process(command) as running:
        first_mark(tmp_path)
        whole = family(running.pid)
        until(lambda: kill_one(running.pid), 20)
        printed, error = running.communicate(timeout=200)
    assert running.returncode == 0, error
    scores = json.loads(printed)
    assert (scores["episodes"], scores["success"], scores["broken"]) == (6, 1.0, 0)
    (died,) = [mark for mark in lines(tmp_path) if mark.broken]
    assert "process that played it died" in died.detail
    assert [mark.attempt for mark in lines(tmp_path) if mark.key == died.key] == [1, 2]
    with MiniWoB() as env:
        alone = list(evaluate(Table(env, Oracle(env)), plan(TASKS, 3, SEED)))
    assert told(read_evaluation(tmp_path)[1]) == told(alone)
    until(lambda: not [one for one in whole if one.is_running()], 20)


@pytest.mark.parametrize(
    ("machines", "workers", "cpus"), [([2], 2, 1), ([8], 2, 4), ([3, 3], 2, 3), ([3, 8], 3, 3), ([1], 2, 0), ([], 1, 0)]
)
def test_cpus_are_shared_out_so_that_every_worker_fits_on_some_machine(
    machines: list[int], workers: int, cpus: int
) -> None:
    assert share(machines, workers) == cpus


def test_a_machine_with_another_version_or_none_is_named_with_what_would_help() -> None:
    agree("handeye", "0.1.0", "0.1.0", "10.0.0.7")
    with pytest.raises(
        ClusterError, match=r"10\.0\.0\.7 has handeye 0\.0\.9, and here it is 0\.1\.0: pip install handeye==0"
    ):
        agree("handeye", "0.1.0", "0.0.9", "10.0.0.7")
    with pytest.raises(ClusterError, match=r"10\.0\.0\.7 has no miniwob, and here"):
        agree("miniwob", "1.1.0", "", "10.0.0.7")


def test_an_address_that_is_none_or_where_nobody_answers_is_refused_at_once() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # nobody listens there
        for address in ("ray://127.0.0.1:1", "nowhere", "", ":1", f"127.0.0.1:{taken.getsockname()[1]}"):
            with pytest.raises(ClusterError, match=r"expected local, auto or HOST:PORT|refused"), joined(address, 1):
                raise AssertionError("joined")


@contextmanager
def machine(head: str = "", environ: Mapping[str, str] | None = None) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A machine with one CPU in the cluster of `head`, or in a new one, by `ray start`; and the address."""
    which = ["--address", head] if head else ["--head", "--port", "0", "--include-dashboard", "false"]
    command = [str(Path(sys.executable).parent / "ray"), "start", *which, "--num-cpus", "1", "--block"]
    with process([*command, "--disable-usage-stats"], environ, subprocess.STDOUT) as running:
        assert running.stdout is not None
        address = ""
        for line in running.stdout:
            if "--address=" in line:
                address = line.split("'")[1]
            if "--block" in line:
                break
        try:
            yield running, address
        finally:
            running.terminate()
            running.communicate(timeout=60)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_cluster_of_two_machines_goes_on_where_one_is_lost_and_is_left_running(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAY_AUTH_MODE", "token")
    monkeypatch.setenv("RAY_AUTH_TOKEN", "t0ken" * 8)
    with machine() as (first, address), machine(address) as (second, _):
        many = subprocess.run(
            [*ORACLE, "--ray", address, "--workers", "3"], cwd=ROOT, capture_output=True, text=True, timeout=200
        )
        assert (many.returncode, "3 workers take a CPU each" in many.stderr) == (2, True), many.stderr
        out = tmp_path / "kept"
        with process([*ORACLE, "--episodes", "60", "--out", str(out), "--ray", address, "--workers", "2"]) as running:
            until(lambda: bool(playing(second.pid)), 200)
            second.terminate()
            printed, error = running.communicate(timeout=300)
        assert running.returncode == 0, error
        assert json.loads(printed)["success"] == 1.0
        assert sum(mark.broken for mark in lines(out)) == 1
        assert first.poll() is None
        old = tmp_path / "handeye-0.0.9.dist-info"
        old.mkdir()
        (old / "METADATA").write_text("Metadata-Version: 2.1\nName: handeye\nVersion: 0.0.9\n")
        path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
        with machine(address, {"PYTHONPATH": path}):
            other = subprocess.run(
                [*ORACLE, "--ray", address, "--workers", "2"], cwd=ROOT, capture_output=True, text=True, timeout=200
            )
        assert (other.returncode, "has handeye 0.0.9, and here it is" in other.stderr) == (2, True), other.stderr


@contextmanager
def replica() -> Iterator[tuple[subprocess.Popen[str], str]]:
    """`handeye serve` with the built-in model, and its address."""
    command = [sys.executable, "-m", "agent.cli", "serve", "--port", "0", "--json", "--dtype", "float32"]
    with process(command, {"OMP_NUM_THREADS": "1"}) as running:
        assert running.stdout is not None
        yield running, json.loads(running.stdout.readline())["url"]


def spent(server: subprocess.Popen[str]) -> float:
    """Seconds that a server has computed for."""
    return psutil.Process(server.pid).cpu_times().user


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_two_replicas_answer_as_one_does_both_are_used_and_one_may_be_killed(tmp_path: Path) -> None:
    with ExitStack() as stack:
        (one, first), (other, second) = (stack.enter_context(replica()) for _ in range(2))
        before = spent(other)
        alone, both = tmp_path / "alone", tmp_path / "both"
        said = [*EVAL, "--episodes", "4"]
        subprocess.run([*said, "--model", first, "--out", str(alone)], cwd=ROOT, check=True, timeout=300)
        assert spent(other) - before < 0.5
        idle = [spent(one), spent(other)]
        named = ["--model", f"{first},{second}#builtin", "--workers", "2", "--ray", "local"]
        with process([*said, *named, "--out", str(both)]) as running:
            first_mark(both)
            until(lambda: min(spent(one) - idle[0], spent(other) - idle[1]) > 0.5, 100)
            one.kill()
            _, error = running.communicate(timeout=300)
        assert running.returncode == 0, error
        assert not [mark for mark in lines(both) if mark.broken]
        assert told(read_evaluation(both)[1]) == told(read_evaluation(alone)[1])
