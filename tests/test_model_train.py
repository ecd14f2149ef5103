"""The trainer: labels that mean what they say, losses that fall, runs that go on where they were cut."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from itertools import count, islice
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw

from model.train import copying, losses, tokens
from model.train.batch import collate, patches
from model.train.builtin import Plan, cost, train
from model.train.export import export
from model.train.lessons import Lessons
from model.train.loop import ALONE
from model.train.moving import begins
from model.train.optimiser import orthogonalise
from model.train.samples import BLANK, CHARACTERS, Encoder, Picture, Turn, glyph_labels, read_shard
from model.train.score import right
from model.train.stages import STAGES
from model.train.student import Student
from model.train.tiny import SIZE, config

ROOT = Path(__file__).parent.parent
CLICK = (
    '<tool_call>\n{{"name": "computer_use", "arguments": {{"action": "left_click", "coordinate": [{}, {}]}}}}\n'
    "</tool_call>"
)


def picture(x: int, y: int, size: tuple[int, int]) -> tuple[bytes, dict[str, object]]:
    """A white screen with one black box, and what is known about it."""
    image = Image.new("RGB", size, "white")
    ImageDraw.Draw(image).rectangle((x, y, x + 19, y + 9), fill="black")
    file = io.BytesIO()
    image.save(file, "PNG")
    target = {
        "prompt": "Instruction: Click the box.\nPrevious actions: None\n",
        "answer": CLICK.format(x + 10, y + 5),
        "box": [x, y, x + 20, y + 10],
        "boxes": [[x, y, x + 20, y + 10]],
    }
    return file.getvalue(), {"kind": "box", "glyphs": [["B", x, y, x + 8, y + 10]], "targets": [target]}


def write_shard(folder: Path, count: int, size: tuple[int, int] = SIZE) -> None:
    folder.mkdir()
    made = [picture(8 * (i % 15), 10 * (i % 18), size) for i in range(count)]
    blobs = [png for png, _ in made]
    np.savez(
        folder / "shard-00000.npz",
        images=np.frombuffer(b"".join(blobs), dtype=np.uint8),
        offsets=np.cumsum([0, *map(len, blobs)]),
        samples=np.frombuffer(json.dumps({"images": [record for _, record in made]}).encode(), dtype=np.uint8),
    )


def test_a_tokenizer_gives_back_every_text_it_was_given() -> None:
    tokenizer = tokens.build()
    for text in ("Tora é 日本 😀", CLICK.format(0, 207), 'say "[12, 34]" twice', "\n\t {} }} \x00"):
        assert tokenizer.decode(tokenizer.encode(text).ids, skip_special_tokens=False) == text


def test_a_click_costs_five_tokens() -> None:
    assert len(tokens.build().encode(CLICK.format(37, 112)).ids) == 5


def test_patches_are_those_of_the_image_processor(tmp_path: Path) -> None:
    from model.image import ImageProcessor
    from model.train.tiny import write_files

    write_files(tmp_path)
    pixels = np.random.default_rng(0).integers(0, 256, (SIZE[1], SIZE[0], 3), dtype=np.uint8)
    wanted, grid = ImageProcessor.read(tmp_path)(pixels)
    assert grid == (1, 26, 20)
    torch.testing.assert_close(patches([pixels], 8), wanted, atol=1e-6, rtol=0)


def test_a_glyph_is_labelled_in_the_patch_of_its_middle() -> None:
    labels = glyph_labels([("a", 16, 0, 20, 8), ("b", 20, 0, 24, 8), ("?", 500, 0, 504, 8)], 208, 160, 8)
    unit = 1  # columns 16..23 are patch column 2: block 1, its first patch
    assert labels[4 * unit].tolist() == [CHARACTERS.index("a"), CHARACTERS.index("b"), BLANK]
    assert (labels != BLANK).sum() == 2


def test_the_share_of_a_unit_inside_a_box_is_its_area() -> None:
    share = losses.inside(torch.tensor([[8, 0, 40, 16]]), (13, 10), 16)
    assert share[0, :4].tolist() == [0.5, 1.0, 0.5, 0.0]
    assert float(share.sum()) == 2.0


def test_a_near_miss_costs_less_than_a_far_one() -> None:
    tokenizer = tokens.build()
    encoder = Encoder(tokenizer)
    batch = collate([encoder(Turn("x", CLICK.format(80, 100), (70, 95, 90, 105)), 130)], config(), (13, 10), 0)
    ids = torch.tensor([[tokenizer.token_to_id(f(i)) for i in range(256)] for f in (tokens.column, tokens.row)])
    coordinates = losses.Coordinates(ids[0], ids[1])

    def cost(x: int) -> float:
        logits = torch.full((len(batch.labels), tokenizer.get_vocab_size()), -20.0)
        logits[torch.arange(len(batch.labels)), batch.labels] = 20.0
        logits[2] = -20.0
        logits[2, ids[0, x]] = 0.0
        return float(losses.answer(logits, batch, coordinates)[0])

    assert cost(80) < cost(82) < cost(120)


def test_orthogonalised_updates_have_singular_values_near_one() -> None:
    values = torch.linalg.svdvals(orthogonalise(torch.randn(3, 40, 24)))
    assert float(values.min()) > 0.5
    assert float(values.max()) < 1.5


def test_copied_strings_stand_in_the_instruction() -> None:
    for turn in islice(copying.turns(3), 200):
        said = json.loads(turn.answer.split("\n")[1])["arguments"]
        assert said["action"] == "type"
        assert f'"{said["text"]}"' in turn.prompt


@pytest.mark.parametrize(
    ("said", "good"),
    [
        (CLICK.format(12, 9), True),
        (CLICK.format(30, 9), False),
        ("nothing", False),
        (CLICK.format(999, 9), False),
    ],
)
def test_a_click_is_right_inside_the_box_alone(said: str, good: bool) -> None:
    turn = Turn("", CLICK.format(10, 5), (0, 0, 20, 10), ((0, 0, 20, 10),))
    assert right(said, turn) is good


def test_every_stage_takes_steps_and_goes_on_where_it_was_cut(tmp_path: Path) -> None:
    write_shard(tmp_path / "data", 24)
    for name in ("vision", "joint", "readers", "instruct"):
        stage = replace(STAGES[name], batch=2, warmup=1)
        plan = Plan(stage, ((tmp_path / "data", 1.0),), tmp_path / name, minutes=2 / 60)
        train(plan, clock=count().__next__)  # an update a second
        first = torch.load(tmp_path / name / "state.pt", weights_only=True)
        train(replace(plan, minutes=4 / 60), clock=count().__next__)
        second = torch.load(tmp_path / name / "state.pt", weights_only=True)
        assert (first["updates"], first["spent"]) == (2, 2.0)
        assert (second["updates"], second["spent"]) == (4, 4.0)
        frozen = [n for n in first["weights"] if not begins(n, stage.train)]
        assert all(torch.equal(first["weights"][n], second["weights"][n]) for n in frozen)
        assert bool(frozen) == (name != "joint")


def test_pictures_of_one_size_are_asked_about_together_and_fewer_of_the_large(tmp_path: Path) -> None:
    write_shard(tmp_path / "small", 24)
    write_shard(tmp_path / "large", 24, (320, 240))
    write_shard(tmp_path / "huge", 24, (640, 480))
    data = ((tmp_path / "small", 0.7), (tmp_path / "large", 0.2), (tmp_path / "huge", 0.1))
    stage = replace(STAGES["joint"], batch=8, copying=0.2)
    drawn = list(islice(Lessons(stage, data, config(), 0, ALONE).batches(), 60))
    rooms = {(13, 10): 8, (15, 20): 3, (30, 40): 1}
    assert {lesson.grid for lesson in drawn} == set(rooms)
    for lesson in drawn:
        assert {(p.size[1] // 16, p.size[0] // 16) for p in lesson.pictures} <= {lesson.grid}
        assert len(lesson.pictures) + sum(not turn.image for turn in lesson.turns) // 2 == rooms[lesson.grid]
    student = Student(stage, 0)
    for grid in rooms:
        lesson = next(lesson for lesson in drawn if lesson.grid == grid and lesson.pictures)
        total, said = cost(student, stage, Lessons(stage, data, config(), 0, ALONE), lesson)
        assert total.isfinite()
        assert ("place" in said) == (grid == (13, 10))


def test_an_exported_folder_holds_every_weight_of_the_network_and_no_training_head(tmp_path: Path) -> None:
    from model import load

    stage = replace(STAGES["language"], batch=2)
    train(Plan(stage, (), tmp_path / "run", minutes=0.005))
    export(tmp_path / "run" / "state.pt", tmp_path / "out")
    model = load(tmp_path / "out")
    assert sum(p.numel() for p in model.network.parameters()) < 20_000_000
    assert config() == model.config


def test_the_training_prompt_has_the_tokens_of_the_chat_template(tmp_path: Path) -> None:
    from model import Ask, load

    train(Plan(replace(STAGES["language"], batch=2), (), tmp_path / "run", minutes=0.005))
    export(tmp_path / "run" / "state.pt", tmp_path / "out")
    model = load(tmp_path / "out")
    prompt = 'Instruction: Enter "a <|im_end|> 12]" there.\nPrevious actions: None\n'
    content = [{"type": "text", "text": prompt}, {"type": "image"}]
    pixels = np.zeros((208, 160, 3), dtype=np.uint8)
    said = model.chat([{"role": "user", "content": content}], [pixels], ask=Ask(max_tokens=1))
    ours = Encoder(tokens.build())(Turn(prompt, "", None), 130)
    assert said.prompt_tokens == ours.answer
    assert said.image_tokens == 130


def test_a_shard_reads_back_its_pictures_and_turns(tmp_path: Path) -> None:
    write_shard(tmp_path / "data", 3)
    read: list[Picture] = read_shard(tmp_path / "data" / "shard-00000.npz")
    assert [p.turns[0].box for p in read] == [(0, 0, 20, 10), (8, 10, 28, 20), (16, 20, 36, 30)]
    assert read[1].pixels()[15, 10].tolist() == [0, 0, 0]


def test_processes_that_train_together_end_with_the_one_that_began_them(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "model.train", "language", "--processes", "2", "--out", str(tmp_path / "run")]
    parent = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=ROOT)
    assert parent.stdout is not None
    with parent.stdout:
        wait_until(lambda: len(children(parent.pid)) >= 2)
        begun = children(parent.pid)
        parent.kill()
        parent.wait()
        wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in begun))


def children(pid: int) -> list[int]:
    """The processes that `pid` has started and that still run."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text("utf-8").split()]


def wait_until(true: Callable[[], bool], seconds: float = 60.0) -> None:
    """Return once `true` holds; fail where it does not in time."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)
