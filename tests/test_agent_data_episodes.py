"""Recorded MiniWoB++ episodes of the oracle, and what the trainer makes of their export."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from agent_runs import ROOT, handeye

from actions import DIALECTS, Click, Frame, Point, Select, Type
from agent.data import episodes
from agent.data.store import read
from agent.reader import read_run
from agent.settings import BUILTIN
from env import MiniWoB, Task
from model.train import samples

FEW = 5


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("episodes")
    assert episodes.fill(folder, FEW, seed=710_000) == FEW
    return folder


def command(module: str, *arguments: str | Path) -> str:
    """What a module says on standard output, run as a command."""
    ran = subprocess.run(
        [sys.executable, "-m", module, *map(str, arguments)], cwd=ROOT, capture_output=True, text=True, timeout=280
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def trained(data: Path, out: Path) -> int:
    """How many updates one step of training from the built-in model's weights comes to; the weights are new ones."""
    command("model.train", "instruct", "--data", data, "--init", BUILTIN, "--out", out, "--minutes", "0.0001")
    state = torch.load(out / "state.pt", weights_only=True)
    assert all(bool(torch.isfinite(value).all()) for value in state["weights"].values())
    return int(state["updates"])


def exported(runs: Path, out: Path, form: str = "shards") -> str:
    ran = handeye("export", runs, "--format", form, "--model", "builtin", "--out", out)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def test_episodes_of_the_oracle_are_won_in_its_own_words(few: Path) -> None:
    frame = Frame(160, 208, 160, 208)
    for folder in sorted(few.iterdir()):
        run = read_run(folder)
        assert (run.manifest.outcome, run.manifest.model.name) == ("verified", "oracle")
        assert run.manifest.task.seed < 1_000_000
        for line in run.lines:
            assert isinstance(line.action, Click | Type | Select)
            assert DIALECTS["qwen2.5"].parse(line.reply.text, frame) == line.action


def test_episodes_that_are_there_are_not_recorded_again_and_one_that_was_cut_off_is(few: Path) -> None:
    first, second, *_ = sorted(few.iterdir())
    kept = (first / "run.json").stat().st_mtime_ns
    manifest = read_run(second).manifest
    (second / "run.json").write_text(manifest.model_copy(update={"stop": None, "outcome": None}).model_dump_json())
    assert episodes.fill(few, FEW, seed=710_000) == FEW
    assert (first / "run.json").stat().st_mtime_ns == kept
    assert read_run(second).manifest.outcome == "verified"
    assert read_run(second).manifest.task.seed == manifest.task.seed


def test_a_seed_for_judging_is_refused(tmp_path: Path) -> None:
    with MiniWoB() as env, pytest.raises(ValueError, match="for judging"):
        episodes.record(env, tmp_path / "run", "click-test", 1_000_000)
    assert not (tmp_path / "run").exists()


def test_an_oracle_that_knows_no_more_says_that_it_failed() -> None:
    with MiniWoB() as env:
        seen = env.reset(Task(start="click-button", seed=3))
        wrong = Click(at=Point(x=1, y=1))
        seen = env.step(wrong)
        said = episodes.Oracle(env).reply(Task(), (), seen).text
        expected = env.solve()
    assert ('"failure"' in said) == (expected is None)


@pytest.mark.slow
def test_a_step_of_training_takes_the_export_as_it_is(few: Path, tmp_path: Path) -> None:
    exported(few, tmp_path / "data")
    told = {
        (line.reply.text, (line.before.width, line.before.height))
        for folder in few.iterdir()
        for line in read_run(folder).lines
    }
    found = [pair for side in ("train", "val") for pair in read(tmp_path / "data" / side)]
    assert {(record.targets[0].answer, image.shape[1::-1]) for image, record in found} == told
    for path in (tmp_path / "data").glob("*/shard-*.npz"):
        assert all(picture.turns[0].prompt.startswith("Instruction: ") for picture in samples.read_shard(path))
    assert trained(tmp_path / "data" / "train", tmp_path / "out") >= 1


@pytest.mark.parametrize("form", ["sft", pytest.param("llamafactory", marks=pytest.mark.slow)])
def test_a_step_of_fine_tuning_takes_the_lines_as_they_are(form: str, few: Path, tmp_path: Path) -> None:
    pytest.importorskip("model.train.records", reason="fine-tuning from lines is not here yet")
    exported(few, tmp_path / "data", form)
    lines = tmp_path / "data" / "train.jsonl"
    ran = handeye("train", "finetune", "--data", lines, "--out", tmp_path / "out", "--updates", "1")
    assert ran.returncode == 0, ran.stderr
    told = json.loads((tmp_path / "out" / "data.json").read_text())
    assert (told["samples"], told["unusable"]) == (len(lines.read_text().splitlines()), [])


@pytest.mark.slow
def test_a_step_of_training_takes_a_hundred_recorded_episodes(tmp_path: Path) -> None:
    assert "100 of them won" in command(
        "agent.data.episodes", "--out", tmp_path / "runs", "--count", "100", "--seed", "720000"
    )
    assert "of 100 runs" in exported(tmp_path / "runs", tmp_path / "data")
    assert trained(tmp_path / "data" / "train", tmp_path / "out") >= 1
