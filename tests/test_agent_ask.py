"""`handeye ask`: the command in a process of its own, and every way to use it wrongly."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from agent_runs import ROOT, handeye
from model_checkpoint import shape, write_checkpoint
from PIL import Image
from typer.testing import CliRunner
from video_files import Film, record

from agent.cli import app
from agent.settings import BUILTIN


def invoke(*words: str | Path) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of a command in this process."""
    done = CliRunner().invoke(app, [str(word) for word in words], env={"COLUMNS": "200", "TERM": "dumb"})
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.stdout, done.stderr


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a picture, a film, words, and a checkpoint whose answers are random."""
    folder = tmp_path_factory.mktemp("shown")
    noise = np.random.default_rng(0).integers(0, 256, (208, 160, 3), dtype=np.uint8)
    Image.fromarray(noise).save(folder / "noise.png")
    Image.new("RGBA", (64, 32), (255, 0, 0, 128)).save(folder / "red.webp")
    record(folder / "film.mkv", Film(frames=8))
    record(folder / "film.gif", Film(frames=8, codec="gif", pixels="rgb8"))
    (folder / "words.txt").write_text("no picture")
    Image.new("RGB", (900, 4)).save(folder / "narrow.png")
    write_checkpoint(folder / "random", shape(theta=100.0, layers=3), seed=3)
    return folder


def test_an_answer_is_told_in_one_object_with_what_it_cost(shown: Path) -> None:
    done = handeye("ask", shown / "noise.png", shown / "red.webp", shown / "film.mkv", "What?", "--json")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("\n") == 1
    said = json.loads(done.stdout)
    assert set(said) == {"text", "tokens", "usage", "image_sizes", "timings"}
    assert said["image_sizes"] == [[160, 208, 160, 208], [64, 32, 64, 32]]
    assert set(said["usage"]) == {"prompt_tokens", "image_tokens", "completion_tokens"}
    assert said["usage"]["completion_tokens"] == len(said["tokens"])
    assert said["usage"]["image_tokens"] > 130 + 8
    assert said["usage"]["prompt_tokens"] > said["usage"]["image_tokens"]
    assert set(said["timings"]) == {"image", "vision", "prefill", "decode"}


def test_the_answer_appears_while_it_is_written(shown: Path) -> None:
    words = [sys.executable, "-m", "agent.cli", "ask", shown / "noise.png", "x", "--model", shown / "random"]
    process = subprocess.Popen(
        [*map(str, words), "--max-tokens", "300"], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0
    )
    assert process.stdout is not None
    first = process.stdout.read(1)
    early = process.poll()
    rest, problems = process.communicate(timeout=240)
    assert first
    assert early is None, "all came at once"
    assert process.returncode == 0
    told = (first + rest).decode()
    assert not [c for c in told if not c.isprintable() and c not in "\n\t"], "a terminal might obey"
    assert b"written" in problems


def test_the_same_model_says_the_same_in_words_and_in_json(shown: Path) -> None:
    arguments = ("ask", shown / "noise.png", "x", "--model", shown / "random", "--max-tokens", "20")
    code, words, costs = invoke(*arguments)
    assert code == 0
    said = json.loads(invoke(*arguments, "--json")[1])
    shown_text = "".join(c if c.isprintable() or c in "\n\t" else "�" for c in said["text"])
    assert words == shown_text + "\n"
    assert len(said["tokens"]) <= 20
    assert f"{said['usage']['prompt_tokens']} tokens read" in costs


def test_pixels_and_numbers_are_as_asked(shown: Path) -> None:
    arguments = ("ask", shown / "noise.png", "x", "--max-tokens", "2", "--json")
    small = json.loads(invoke(*arguments, "--max-pixels", "4096", "--dtype", "float32")[1])
    large = json.loads(invoke(*arguments, "--min-pixels", "100000")[1])
    assert small["image_sizes"] == [[160, 208, 48, 64]]
    assert large["image_sizes"][0][2] * large["image_sizes"][0][3] >= 100_000
    few, many = (
        json.loads(invoke("ask", shown / "film.gif", "x", "--max-tokens", "1", "--fps", rate, "--json")[1])
        for rate in ("1", "25")
    )
    assert few["usage"]["image_tokens"] < many["usage"]["image_tokens"]


WRONG = {
    "no file": (["What?"], "expected one or more image or video files, and after them the question"),
    "no question": (["noise.png"], "expected one or more image or video files"),
    "a file for a question": (["noise.png", "red.webp"], "after them the question"),
    "nothing there": (["none.png", "x"], "none.png: cannot be read: No such file or directory"),
    "a folder": (["random", "x"], "random: cannot be read: Is a directory"),
    "words": (["words.txt", "x"], "words.txt: not a video that can be read"),
    "too narrow": (["narrow.png", "x"], "narrow.png: an image of 900x4 pixels is too narrow"),
    "no such model": (
        ["noise.png", "x", "--model", "nowhere"],
        "--model nowhere: expected 'script', or one of: builtin",
    ),
    "no checkpoint": (["noise.png", "x", "--model", "."], "is no checkpoint folder"),
    "no such dtype": (["noise.png", "x", "--dtype", "int4"], "--dtype int4: expected one of auto, float32"),
    "budgets crossed": (["noise.png", "x", "--min-pixels", "9000", "--max-pixels", "8000"], "--max-pixels 8000"),
    "no room for a token": (["noise.png", "x", "--max-pixels", "100"], "max_pixels: 100; expected at least 256"),
    "no pixels": (["noise.png", "x", "--max-pixels", "0"], "Invalid value for '--max-pixels'"),
    "no tokens": (["noise.png", "x", "--max-tokens", "0"], "Invalid value for '--max-tokens'"),
    "no frames": (["film.mkv", "x", "--fps", "0"], "--fps: 0.0; expected a number above zero"),
    "no sense": (["noise.png", "x", "--fps", "nan"], "--fps: nan"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_usage_is_told_before_a_model_is_loaded(
    name: str, shown: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The model's weights are broken: had they been looked at, the exit code would be another."""
    broken = tmp_path / "broken"
    shutil.copytree(BUILTIN, broken)
    (broken / "model.safetensors").write_bytes(b"no weights")
    monkeypatch.chdir(shown)
    words, message = WRONG[name]
    model = [] if "--model" in words else ["--model", broken]
    code, out, problems = invoke("ask", *words, *model, "--json")
    assert (code, out) == (2, "")
    assert message in problems.replace("\n", " ")


def test_a_damaged_video_is_named_and_nothing_is_loaded(shown: Path, tmp_path: Path) -> None:
    part = tmp_path / "part.mkv"
    part.write_bytes((shown / "film.mkv").read_bytes()[:700])
    code, out, problems = invoke("ask", part, "x")
    assert (code, out) == (2, "")
    assert "part.mkv" in problems


def test_a_model_that_breaks_ends_with_five(shown: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(BUILTIN, broken)
    (broken / "model.safetensors").write_bytes(b"no weights")
    done = handeye("ask", shown / "noise.png", "x", "--model", broken, "--json")
    assert (done.returncode, done.stdout) == (5, "")
    assert "model.safetensors" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_prompt_that_does_not_fit_is_the_question_s_fault(shown: Path) -> None:
    code, out, problems = invoke("ask", shown / "noise.png", "x" * 5000, "--json")
    assert (code, out) == (2, "")
    assert "the prompt has" in problems
    assert "expected fewer than 4096" in problems


def test_without_the_extra_a_video_is_refused_with_the_line_that_brings_it(shown: Path) -> None:
    code = (
        "import sys; sys.modules['av'] = None; sys.argv = ['handeye', 'ask', *sys.argv[1:]];"
        "from agent.cli import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, shown / "film.mkv", "x"], cwd=ROOT, capture_output=True, text=True, timeout=240
    )
    assert done.returncode == 2
    assert "pip install 'handeye[video]'" in done.stderr
