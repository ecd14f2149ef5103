"""`handeye export` and `handeye import` as processes: what they print, and how they end."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from agent_runs import NAME, handeye, keep

from actions import Finish
from agent.data.store import read
from agent.exchange import Manifest, Style
from agent.reader import read_run


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    keep(folder / "won")
    keep(folder / "lost", (NAME, Finish(success=False)))
    return folder


def test_what_is_left_out_is_named_on_standard_error_and_the_rest_counted(runs: Path, tmp_path: Path) -> None:
    ran = handeye("export", runs, "--format", "sft", "--out", tmp_path / "data", "--val", "0", "--json")
    assert ran.returncode == 0, ran.stderr
    assert ran.stderr == "left out: lost: its outcome is failed, not verified\n"
    manifest = Manifest.model_validate_json(ran.stdout)
    assert manifest.files == {"train.jsonl": 4}
    back = handeye("import", tmp_path / "data" / "train.jsonl", "--format", "sft", "--out", tmp_path / "in", "--json")
    said = json.loads(back.stdout)
    assert (back.returncode, back.stderr, said["left_out"]) == (0, "", 0)
    (folder,) = said["runs"]
    assert len(read_run(Path(folder)).lines) == 4


def test_a_checkpoint_says_how_it_is_spoken_to_and_how_it_looks(runs: Path, tmp_path: Path) -> None:
    ran = handeye(
        *("export", runs / "won", "--format", "llamafactory", "--out", tmp_path / "data", "--json"),
        *("--model", "builtin", "--max-pixels", "60000", "--history", "last:2"),
    )
    assert ran.returncode == 0, ran.stderr
    style = Manifest.model_validate_json(ran.stdout).style
    assert style == Style(
        dialect="qwen2.5", system=False, factor=16, min_pixels=256, max_pixels=60_000, history="last:2"
    )


def test_a_picture_that_is_no_whole_tokens_is_left_out_of_shards(runs: Path, tmp_path: Path) -> None:
    arguments = ("export", runs / "won", "--format", "shards", "--val", "0", "--out")
    resized = handeye(*arguments, tmp_path / "resized")
    assert resized.returncode == 0, resized.stderr
    assert {image.shape for image, _ in read(tmp_path / "resized" / "train")} == {(256, 336, 3)}
    captured = handeye(*arguments, tmp_path / "captured", "--pictures", "captured")
    assert captured.returncode == 1
    assert "its screen is 336x252, and sides have to be multiples of 16 pixels" in captured.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "why"),
    [
        (("--format", "csv"), 2, "expected one of sft"),
        (("--format", "sft", "--dialect", "latin"), 2, "'latin' is none of"),
        (("--format", "sft", "--history", "some"), 2, "--history some"),
        (("--format", "sft", "--pictures", "small"), 2, "--pictures small"),
        (("--format", "sft", "--min-pixels", "9000", "--max-pixels", "8000"), 2, "at least --min-pixels 9000"),
        (("--format", "playwright"), 1, "nothing was worth exporting"),
    ],
)
def test_what_cannot_be_made_is_refused_by_name(
    arguments: tuple[str, ...], code: int, why: str, runs: Path, tmp_path: Path
) -> None:
    ran = handeye("export", runs / "won", "--out", tmp_path / "data", *arguments)
    assert ran.returncode == code
    assert why in ran.stderr
    assert ran.stdout.startswith("0 steps") or not ran.stdout


def test_a_folder_with_files_in_it_is_not_written_into(runs: Path, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    ran = handeye("export", runs, "--format", "sft", "--out", tmp_path)
    assert ran.returncode == 2
    assert "holds files already" in ran.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_a_folder_without_a_run_and_a_file_that_is_gone_are_named(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    ran = handeye("export", tmp_path / "empty", "--format", "sft", "--out", tmp_path / "data")
    assert ran.returncode == 2
    assert "holds no run" in ran.stderr
    back = handeye("import", tmp_path / "gone.jsonl", "--format", "sft", "--out", tmp_path / "in")
    assert back.returncode == 1
    assert "gone.jsonl" in back.stderr
    assert "Traceback" not in ran.stderr + back.stderr
