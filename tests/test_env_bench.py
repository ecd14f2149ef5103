"""The bench: everyone takes turns on the same pages, and our step stays near the floor."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from env.bench.contest import WARM, Timing, contest, ratios
from env.bench.pages import STATIC
from env.bench.peers import GYM, USE, Package

ROOT = Path(__file__).resolve().parent.parent


@dataclass
class Turns:
    """A contender that takes as long as it is told, and notes its turns."""

    name: str
    seconds: float
    log: list[str] = field(default_factory=list)

    def open(self, url: str) -> None:
        self.log.append(f"{self.name} {url}")

    def step(self) -> float:
        self.log.append(self.name)
        return self.seconds


def test_contenders_take_turns_and_the_first_steps_do_not_count() -> None:
    log: list[str] = []
    found = contest({"a": Turns("a", 0.001, log), "b": Turns("b", 0.002, log)}, "page", "url", 2)
    assert log == ["a url", "b url", *["a", "b"] * (WARM + 2)]
    assert found == [Timing("page", "a", 1.0, 1.0, 2), Timing("page", "b", 2.0, 2.0, 2)]
    assert ratios(found, "b", "a") == [2.0]


def bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own."""
    command = [sys.executable, "-m", "env.bench", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=240)


def test_the_command_reports_the_floor_and_our_step_on_every_page() -> None:
    done = bench("--steps", "3", "--anyway", "--json")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert done.stdout.count("\n") == 1
    assert {timing["page"] for timing in said["timings"]} == set(STATIC)
    assert {timing["steps"] for timing in said["timings"]} == {3}
    assert all(0 < timing["least"] <= timing["median"] for timing in said["timings"])
    assert said["ours_to_floor"] > 0.5
    assert {"python", "processors", "busy", "load"} <= set(said["machine"])


def test_a_busy_machine_is_refused() -> None:
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as other:
        try:
            done = bench("--steps", "1", "--busy", "0")
        finally:
            other.kill()
    assert (done.returncode, done.stdout) == (4, "")
    assert "busy" in done.stderr


@pytest.mark.parametrize("package", [GYM, USE], ids=str)
def test_peers_are_pinned_and_their_scripts_are_here(package: Package) -> None:
    assert "==" in package.pin
    assert (ROOT / "env" / "bench" / package.script).is_file()
