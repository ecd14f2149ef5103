"""Fine-tuning: runs go on to the bit, processes share an update, and what comes out loads here and elsewhere."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

import pytest
import torch
from model_checkpoint import shape, write_checkpoint
from PIL import Image, ImageDraw
from safetensors.torch import load_file, save_file

from model import Ask, load
from model.train import tuning as tuning_
from model.train.curves import PICTURE
from model.train.loop import Budget, Run, Schedule, Seat
from model.train.optimiser import Optimiser, Rates
from model.train.processes import train_together
from model.train.settings import Lora, Material, Tuning, TuningError
from model.train.tuning import Course, Job, tune

ROOT = Path(__file__).parent.parent


def write_samples(folder: Path, count: int, size: tuple[int, int] = (96, 64)) -> Path:
    """Screens with one black box each, and the click that hits it: steps of episodes as a recording has them."""
    folder.mkdir(parents=True, exist_ok=True)
    drawn, lines = random.Random(0), []
    for number in range(count):
        x, y = drawn.randrange(size[0] - 24), drawn.randrange(size[1] - 16)
        image = Image.new("RGB", size, "white")
        ImageDraw.Draw(image).rectangle((x, y, x + 20, y + 12), fill="black")
        image.save(folder / f"{number}.png")
        call = {"name": "computer_use", "arguments": {"action": "left_click", "coordinate": [x + 10, y + 6]}}
        said = [{"from": "human", "value": "<image>Click the box."}, {"from": "gpt", "value": json.dumps(call)}]
        lines.append(json.dumps({"image": f"{number}.png", "conversations": said}))
    path = folder / "samples.jsonl"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny checkpoint and twenty samples."""
    folder = tmp_path_factory.mktemp("tuning")
    write_checkpoint(folder / "base", shape())
    write_samples(folder / "data", 20)
    return folder


def settings(made: Path, out: Path, updates: int = 6) -> Tuning:
    rates = Rates(3e-3, decay=0.01, betas=(0.9, 0.999), clip=1.0)
    run = Run(out, "tune", Budget(updates), Schedule(2, 0.1, fall="cosine"), log_every=1, keep_every=2, draws=False)
    material = Material(((made / "data" / "samples.jsonl", 1.0),))
    return Tuning(made / "base", material, run, rates=rates, batch=6, row=400, dtype="float32")


def losses(out: Path, name: str = "loss") -> list[float]:
    lines = (out / "log.jsonl").read_text("utf-8").splitlines()
    return [json.loads(line)[name] for line in lines]


def masters(out: Path) -> dict[str, torch.Tensor]:
    found: dict[str, torch.Tensor] = torch.load(out / "state.pt", weights_only=True)["optimiser"]
    return found


def same(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


@pytest.mark.parametrize(
    ("dtype", "lora"),
    [("bfloat16", None), ("float32", Lora(4, 8, vision=True))],
    ids=["whole", "lora"],
)
def test_a_run_goes_on_from_any_checkpoint_to_the_bit(
    dtype: str, lora: Lora | None, made: Path, tmp_path: Path
) -> None:
    whole = replace(settings(made, tmp_path / "whole"), dtype=dtype, lora=lora, train=("vision", "merger", "decoder"))
    tune(replace(whole, run=replace(whole.run, draws=True)))
    wanted = losses(tmp_path / "whole")
    assert len(wanted) == 6
    assert (tmp_path / "whole" / PICTURE).read_bytes().startswith(b"\x89PNG")
    for start in (2, 4):
        out = tmp_path / f"from{start}"
        out.mkdir()
        (out / "state.pt").write_bytes((tmp_path / "whole" / f"state-{start:06}.pt").read_bytes())
        lines = (tmp_path / "whole" / "log.jsonl").read_text("utf-8").splitlines(keepends=True)
        (out / "log.jsonl").write_text("".join(lines[: start + 1]) + lines[start + 1][:9], "utf-8")  # cut by a kill
        tune(replace(whole, run=replace(whole.run, out=out)))
        assert losses(out) == wanted
        assert same(masters(out), masters(tmp_path / "whole"))


def test_other_settings_do_not_go_on_from_a_checkpoint(made: Path, tmp_path: Path) -> None:
    first = settings(made, tmp_path, updates=1)
    tune(first)
    told = (tmp_path / "data.json").read_bytes()
    fewer = replace(first.material, longest=400, frame=(960.0, 640.0))  # the same samples, their clicks a tenth
    for other in (replace(first, batch=5), replace(first, material=fewer)):
        with pytest.raises(TuningError, match="other settings or data"):
            tune(other)
    assert (tmp_path / "data.json").read_bytes() == told


def test_a_loss_that_is_no_number_ends_the_run(made: Path, tmp_path: Path) -> None:
    wild = settings(made, tmp_path, updates=20)
    with pytest.raises(TuningError, match="lr: the loss is nan; expected a smaller rate"):
        tune(replace(wild, rates=replace(wild.rates, adam=1e38, clip=1e9)))


@pytest.mark.parametrize("shards", [False, pytest.param(True, marks=pytest.mark.slow)], ids=["copies", "shards"])
def test_two_processes_make_the_updates_of_one_with_the_doubled_batch(shards: bool, made: Path, tmp_path: Path) -> None:
    text = tmp_path / "text.jsonl"
    text.write_text(
        '{"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Ho"}]}', "utf-8"
    )
    one, two = (settings(made, tmp_path / name, updates=3) for name in ("one", "two"))
    material = Material((*one.material.files, (text, 9.0)))
    one = replace(one, material=material, train=("vision", "merger", "decoder"), row=150)
    two = replace(one, run=replace(one.run, out=tmp_path / "two"), shards=shards, saving=shards)
    assert {len(lesson.rows) for lesson in islice(Course(one, Seat()).lessons(0), 3)} & {3, 5}  # no two equal shares
    train_together(Job(one), 1, tmp_path / "one")
    train_together(Job(two), 2, tmp_path / "two")
    for name in ("loss", "accuracy", "norm"):  # AdamW's steps would be the same for gradients of another size
        assert losses(tmp_path / "two", name) == pytest.approx(losses(tmp_path / "one", name), rel=1e-4)
    alone, together = masters(tmp_path / "one"), masters(tmp_path / "two")
    assert alone.keys() == together.keys()
    for name in alone:
        torch.testing.assert_close(together[name], alone[name], rtol=1e-3, atol=1e-6)


def test_gradients_of_several_passes_add_up_in_float32() -> None:
    parameter = torch.nn.Parameter(torch.zeros(1, dtype=torch.bfloat16))
    optimiser = Optimiser({"w": parameter}, Rates(1.0))
    for _ in range(1000):
        parameter.grad = torch.ones(1, dtype=torch.bfloat16)
        optimiser.collect()
    assert float(optimiser.slots["w"].take()) == 1000.0  # bfloat16 would have stopped at 256


@pytest.mark.parametrize(
    ("train", "moves"),
    [
        (("vision",), ("visual.patch_embed", "visual.blocks")),
        (("merger",), ("visual.merger",)),
        (("model.layers.?.mlp.",), ("model.layers.0.mlp", "model.layers.1.mlp")),
    ],
)
def test_what_is_frozen_stays_to_the_bit_and_all_else_moves(
    train: tuple[str, ...], moves: tuple[str, ...], made: Path, tmp_path: Path
) -> None:
    tune(replace(settings(made, tmp_path, updates=2), train=train, dtype="bfloat16"))
    before, after = (load_file(folder / "model.safetensors") for folder in (made / "base", tmp_path / "model"))
    assert before.keys() == after.keys()
    for name, value in before.items():
        assert torch.equal(value, after[name]) != name.startswith(moves), name


def test_an_untied_head_freezes_and_moves_with_the_decoder(tmp_path: Path) -> None:
    write_checkpoint(tmp_path / "base", shape(tied=False))
    write_samples(tmp_path / "data", 4)
    for train, moves in ((("merger",), False), (("decoder",), True)):
        out = tmp_path / train[0]
        tune(replace(settings(tmp_path, out, updates=1), train=train))
        before, after = (
            load_file(f / "model.safetensors")["lm_head.weight"] for f in (tmp_path / "base", out / "model")
        )
        assert torch.equal(before, after) != moves


def test_parts_move_at_their_own_rates(made: Path) -> None:
    rates = replace(settings(made, made).rates, paces=(("visual.merger.", 0.5), ("visual.", 0.1)))
    assert [rates.pace(n) for n in ("visual.merger.mlp.0.bias", "visual.blocks.0.x", "model.norm.weight")] == [
        *(0.5, 0.1, 1.0)
    ]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"train": ("visul.",)}, "no parameter begins with 'visul.'"),
        ({"dtype": "float8"}, "dtype: 'float8'; expected one of bfloat16, float32"),
        ({"material": Material(((Path("gone.jsonl"), 1.0),))}, "gone.jsonl: cannot be read"),
        ({"material": Material((), max_pixels=3)}, "max_pixels: 3"),
        ({"material": Material(((Path("x"), 0.0),))}, "x=0.0; expected a weight"),
        ({"shards": True}, "there is one process"),
        ({"material": Material(())}, "no sample can be used"),
    ],
)
def test_settings_that_cannot_be_followed_are_told(
    change: dict[str, object], told: str, made: Path, tmp_path: Path
) -> None:
    with pytest.raises(TuningError, match=told.replace("(", r"\(")):
        Course(replace(settings(made, tmp_path), **change), Seat())  # type: ignore[arg-type]


@pytest.mark.slow
def test_a_killed_run_goes_on_where_it_was_saved(made: Path, tmp_path: Path) -> None:
    wanted = settings(made, tmp_path / "whole", updates=8)
    tune(wanted)
    code = (
        "import sys; sys.path.insert(0, 'tests'); from pathlib import Path;"
        "from test_model_train_tuning import settings; from model.train.tuning import tune;"
        f"tune(settings(Path({str(made)!r}), Path({str(tmp_path / 'cut')!r}), updates=8))"
    )
    process = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stderr=subprocess.DEVNULL)
    end = time.monotonic() + 60
    while not (tmp_path / "cut" / "state-000002.pt").exists():
        assert process.poll() is None, "it ended before it could be killed"
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    tune(replace(wanted, run=replace(wanted.run, out=tmp_path / "cut")))
    assert losses(tmp_path / "cut") == losses(tmp_path / "whole")


def theirs(folder: Path, adapter: Path | None = None) -> torch.nn.Module:
    """The checkpoint in transformers, with an adapter in peft."""
    from peft import PeftModel
    from transformers import Qwen2_5_VLForConditionalGeneration

    found = Qwen2_5_VLForConditionalGeneration.from_pretrained(folder, dtype=torch.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # peft asks transformers by a name that will go
        found = PeftModel.from_pretrained(found, str(adapter)) if adapter else found
    return found.eval()  # type: ignore[no-any-return]


def both(ours: Path, other: torch.nn.Module, picture: Path) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits of one sample, ours of a folder and the other's."""
    course_model = load(ours, dtype="float32")
    [sample] = tuning_.read_file(picture)
    assert not isinstance(sample, Exception)
    by = tuning_.preparer(course_model, Material(()))
    example = by(sample)
    patches = torch.cat([by.patches(one) for one in example.shown])
    grids = [one.medium.grid for one in example.shown]
    with torch.inference_mode():
        mine = course_model.network(example.ids[None], example.positions[:, None], patches, grids)
        their = other(
            input_ids=example.ids[None],
            position_ids=example.positions[:, None],
            pixel_values=patches,
            image_grid_thw=torch.tensor(grids),
            mm_token_type_ids=(example.ids == course_model.config.image_token_id).int()[None],
        ).logits
    return mine, their


@pytest.mark.parametrize("vision", [False, True], ids=["decoder", "tower too"])
def test_an_adapter_lowers_its_loss_and_is_the_same_merged_here_and_loaded_in_transformers(
    vision: bool, made: Path, tmp_path: Path
) -> None:
    from model.train.lora import merge

    tuning = replace(settings(made, tmp_path, updates=12), lora=Lora(8, 32, vision=vision))
    tuning = replace(tuning, rates=replace(tuning.rates, adam=2e-2))
    tune(tuning)
    told = losses(tmp_path)
    assert min(told[-3:]) < 0.7 * told[0]
    merge(made / "base", tmp_path / "adapter", tmp_path / "merged")
    one = tmp_path / "one.jsonl"
    one.write_text(
        (made / "data" / "samples.jsonl")
        .read_text("utf-8")
        .splitlines()[0]
        .replace("0.png", str(made / "data" / "0.png"))
    )
    mine, merged = both(tmp_path / "merged", theirs(tmp_path / "merged"), one)
    adapted = both(tmp_path / "merged", theirs(made / "base", tmp_path / "adapter"), one)[1]
    base = both(made / "base", theirs(made / "base"), one)[1]
    torch.testing.assert_close(mine, merged, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(mine, adapted, rtol=1e-4, atol=1e-4)
    assert float((mine - base).abs().max()) > 0.1
    assert load(tmp_path / "merged").chat([{"role": "user", "content": "Hi"}], ask=Ask(max_tokens=2)).text is not None


def test_a_whole_checkpoint_that_was_tuned_has_equal_logits_here_and_in_transformers(
    made: Path, tmp_path: Path
) -> None:
    tune(replace(settings(made, tmp_path, updates=8), train=("vision", "merger", "decoder")))
    told = losses(tmp_path)
    assert told[-1] < told[0]
    one = tmp_path / "one.jsonl"
    one.write_text(
        (made / "data" / "samples.jsonl")
        .read_text("utf-8")
        .splitlines()[0]
        .replace("0.png", str(made / "data" / "0.png"))
    )
    mine, their = both(tmp_path / "model", theirs(tmp_path / "model"), one)
    torch.testing.assert_close(mine, their, rtol=1e-4, atol=1e-4)


def test_an_adapter_of_another_kind_or_for_other_parts_is_refused(made: Path, tmp_path: Path) -> None:
    from model.mapped import LoadError
    from model.train.lora import merge

    tune(replace(settings(made, tmp_path, updates=1), lora=Lora(2, 2)))
    adapter = tmp_path / "adapter"
    with pytest.raises(LoadError, match="files already"):
        merge(made / "base", adapter, made / "base")
    tensors = load_file(adapter / "adapter_model.safetensors")
    save_file(
        {name.replace("q_proj", "z_proj"): t for name, t in tensors.items()}, adapter / "adapter_model.safetensors"
    )
    with pytest.raises(LoadError, match="z_proj is no part of the checkpoint"):
        merge(made / "base", adapter, tmp_path / "x")
    tensors.pop(next(name for name in tensors if "lora_B" in name))
    save_file(tensors, adapter / "adapter_model.safetensors")
    with pytest.raises(LoadError, match="missing or spare"):
        merge(made / "base", adapter, tmp_path / "x")
    with pytest.raises(LoadError, match=r"holds no adapter_model\.safetensors"):
        merge(made / "base", made / "base", tmp_path / "x")
