"""`handeye train` as a command: what it writes, what it refuses, and that every stage of the built-in model learns."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path

import pytest
from agent_runs import handeye
from test_model_train import write_shard
from test_model_train_tuning import write_samples
from typer.testing import CliRunner

from agent.cli import app
from agent.school import FULL, SMOKE, Brought, School, attend
from model import Model, load


def trained(*arguments: object) -> dict[str, object]:
    """What `handeye train` prints with --json."""
    run = handeye("train", *map(str, arguments), "--json")
    assert run.returncode == 0, run.stderr
    told: dict[str, object] = json.loads(run.stdout)
    return told


@pytest.mark.slow
def test_the_built_in_model_is_fine_tuned_by_adapters_that_are_merged(tmp_path: Path) -> None:
    data = write_samples(tmp_path / "data", 4, (160, 208))
    data.write_text(data.read_text("utf-8") + '\n{"conversations": []}\n', "utf-8")
    told = trained("finetune", "--data", f"{data}=2", "--out", tmp_path / "run", "--lora", "--merge", "--updates", 2)
    assert (told["samples"], told["kinds"], told["updates"]) == (4, {"agent": 4}, 2)
    assert told["unusable"] == ["samples.jsonl:5: no answer; expected a turn of the assistant"]
    merged = load(str(told["folder"]))
    assert isinstance(merged, Model)
    assert (tmp_path / "run" / "adapter" / "adapter_config.json").is_file()
    assert (tmp_path / "run" / "curves.png").is_file()
    again = handeye("train", "merge", "--adapter", str(tmp_path / "run" / "adapter"), "--out", str(tmp_path / "again"))
    assert again.returncode == 0, again.stderr
    assert load(tmp_path / "again").hash == merged.hash


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--data", "gone.jsonl"), "gone.jsonl: cannot be read"),
        (("--data", "x", "--lora", "--train", "vision"), "expected no --train beside it"),
        (("--data", "x", "--merge"), "expected --lora beside it"),
        (("--data", "x", "--coordinates", "1280"), "--coordinates 1280: expected seen, file, thousand or a size"),
        (("--data", "x", "--model", "no/such/thing"), "--model no/such/thing: no such folder"),
    ],
)
def test_what_cannot_be_followed_is_refused_before_anything_is_trained(
    arguments: tuple[str, ...], said: str, tmp_path: Path
) -> None:
    run = CliRunner().invoke(app, ["train", "finetune", "--out", str(tmp_path / "run"), *arguments])
    assert run.exit_code == 2
    assert said in run.stderr
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_what_one_of_several_processes_cannot_follow_is_told_without_a_trace(tmp_path: Path) -> None:
    run = handeye("train", "finetune", "--out", str(tmp_path), "--data", "gone.jsonl", "--processes", "2")
    assert run.returncode == 2
    assert run.stderr.splitlines()[-1].startswith("handeye: gone.jsonl: cannot be read")
    assert "Traceback" not in run.stderr


def short(folder: Path) -> School:
    """Stages of a second each, over pictures of boxes that are there already: a browser would take longer."""
    (folder / "data").mkdir()
    for one in (*SMOKE.pictures, SMOKE.judged):
        write_shard(folder / "data" / one.name, 24)
    return replace(
        SMOKE,
        pictures=tuple(replace(one, count=24) for one in SMOKE.pictures),
        judged=replace(SMOKE.judged, count=24),
        terms=tuple(replace(term, minutes=0.02) for term in SMOKE.terms),
        lessons=1,
    )


@pytest.mark.slow
def test_all_stages_follow_each_other_and_a_school_that_is_through_is_not_begun_again(tmp_path: Path) -> None:
    told: list[str] = []
    whole = short(tmp_path)
    brought = list(attend(whole, tmp_path, 1, tell=told.append))
    assert [one.stage for one in brought] == ["vision", "language", "joint", "instruct", "polish", "mend"]
    assert load(tmp_path / "model").config.text.num_hidden_layers == 6
    assert [Brought(**one) for one in json.loads((tmp_path / "measures.json").read_text("utf-8"))] == brought
    before = load(tmp_path / "model").hash
    assert list(attend(whole, tmp_path, 1, tell=told.append)) == brought
    assert load(tmp_path / "model").hash == before


def test_no_seed_of_the_recipe_is_one_for_judging() -> None:
    for recipe in (FULL, SMOKE, FULL.scaled(4)):
        assert all(one.seed + one.count < 1_000_000 for one in (*recipe.pictures, recipe.judged))


@pytest.mark.slow
def test_every_stage_is_better_behind_a_smoke_run_than_before_it(tmp_path: Path) -> None:
    start = time.monotonic()
    told = trained("tiny", "--smoke", "--out", tmp_path)
    stages = told["stages"]
    assert isinstance(stages, list)
    assert len(stages) == 6
    assert all(one["after"] < one["before"] for one in stages)
    assert time.monotonic() - start < 300
