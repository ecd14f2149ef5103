"""`handeye eval`: kept, gone on with, compared and drawn."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from agent_runs import ROOT, handeye, until
from PIL import Image as Picture

ORACLE = ("eval", "miniwob", "--model", "oracle", "--tasks", "click-test,enter-text")


@pytest.mark.slow
def test_an_evaluation_goes_on_where_it_was_stopped_and_is_compared_and_drawn(tmp_path: Path) -> None:
    out, marks = tmp_path / "kept", tmp_path / "kept" / "episodes.jsonl"
    command = [sys.executable, "-m", "agent.cli", *ORACLE, "--episodes", "40", "--out", str(out), "--workers", "2"]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as running:
        until(lambda: marks.exists() and marks.read_bytes().count(b"\n") >= 2, 60)
        running.send_signal(signal.SIGINT)
        _, said = running.communicate(timeout=60)
    assert running.returncode == 4
    assert "goes on from there" in said
    before = marks.read_bytes()

    done = handeye(*ORACLE, "--episodes", "2", "--out", out, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["success"] == 1.0
    assert marks.read_bytes().startswith(before)
    keys = [(line["task"], line["seed"]) for line in map(json.loads, marks.read_text().splitlines())]
    assert len(set(keys)) == len(keys)
    again = handeye(*ORACLE, "--episodes", "2", "--out", out, "--json")
    assert (again.returncode, again.stdout) == (0, done.stdout)

    _worse(out, tmp_path / "worse")
    compared = handeye("eval", "compare", out, tmp_path / "worse", "--json")
    assert compared.returncode == 0, compared.stderr
    found = json.loads(compared.stdout)
    assert (found["pairs"], found["difference"], found["models"]) == (4, -0.25, ["oracle", "worse"])
    assert [(flip["task"], flip["won_by"]) for flip in found["flips"]] == [("click-test", "first")]
    assert "click-test" in handeye("eval", "compare", out, tmp_path / "worse").stderr

    assert handeye("eval", "report", out).returncode == 0
    assert "oracle on miniwob" in (out / "report.html").read_text()
    assert handeye("eval", "report", out, "--out", tmp_path / "chart.png").returncode == 0
    with Picture.open(tmp_path / "chart.png") as chart:
        assert chart.format == "PNG"
        assert chart.width > 500


def _worse(source: Path, target: Path) -> None:
    """The same evaluation by another model that lost one episode."""
    target.mkdir()
    plan = json.loads((source / "eval.json").read_text())
    plan["model"]["name"] = "worse"
    (target / "eval.json").write_text(json.dumps(plan))
    lines = [json.loads(line) for line in (source / "episodes.jsonl").read_text().splitlines()]
    for line in lines:
        line["success"] = line["success"] and (line["task"], line["seed"]) != ("click-test", 1_000_000)
    (target / "episodes.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("miniwob", "--suite", "easy"), "--suite easy: expected one of basic15, easy20, wide40, all"),
        (("miniwob", "--suite", "easy20", "--tasks", "click-test"), "give one of them"),
        (("miniwob", "--tasks", "click-nothing"), "--tasks: click-nothing: expected some of"),
        (("miniwob", "--tasks", "click-pie", "--model", "oracle"), "not for click-pie"),
        (("compare", "nowhere", "nowhere"), "nowhere: no evaluation"),
        (("report", "nowhere", "--out", "x.pdf"), "expected a name that ends in .png, .html, .htm"),
    ],
)
def test_what_cannot_be_done_is_refused_before_anything_is_started(arguments: tuple[str, ...], said: str) -> None:
    done = handeye("eval", *arguments)
    assert done.returncode == 2
    assert said in done.stderr
