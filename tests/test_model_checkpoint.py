"""Loading weights: every tensor is accounted for, and what does not fit is named."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from model_checkpoint import modern, network, shape, tensors, write, write_checkpoint, write_random, write_shards
from safetensors.torch import save_file
from torch import Tensor

from model import Config, ConfigError, LoadError, Qwen, mapped
from model.checkpoint import Weights, listed, load_network

Tensors = dict[str, Tensor]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """config.json alone."""
    write(tmp_path, "config.json", shape())
    return tmp_path


def store(folder: Path, held: Tensors) -> None:
    save_file(held, folder / "model.safetensors")


def test_names_of_both_layouts_give_the_same_network(folder: Path) -> None:
    held = tensors(network(shape()))
    for names in (held, dict(modern(held))):
        store(folder, names)
        loaded, _ = load_network(folder)
        assert not loaded.training
        for name, tensor in loaded.state_dict().items():
            assert torch.equal(tensor, held[name]), name


def test_shards_are_read_by_their_index(folder: Path) -> None:
    held = tensors(network(shape()))
    write_shards(folder, held, 3)
    loaded, weights = load_network(folder)
    assert all(torch.equal(tensor, held[name]) for name, tensor in loaded.state_dict().items())
    together = b"".join(
        (folder / file).read_bytes() for file in sorted(path.name for path in folder.glob("*.safetensors"))
    )
    assert weights.hash == hashlib.sha256(together).hexdigest()


def test_an_untied_head_is_loaded_and_a_missing_one_named(folder: Path) -> None:
    write(folder, "config.json", shape(tied=False))
    held = tensors(network(shape(tied=False)))
    store(folder, held)
    loaded, _ = load_network(folder)
    assert loaded.lm_head is not None
    assert torch.equal(loaded.lm_head.weight, held.pop("lm_head.weight"))
    store(folder, held)
    with pytest.raises(LoadError, match=r"1 missing: lm_head\.weight"):
        load_network(folder)


def test_a_tied_head_may_be_stored_but_not_differ(folder: Path) -> None:
    held = tensors(network(shape()))
    embeddings = held["model.embed_tokens.weight"]
    store(folder, held | {"lm_head.weight": embeddings.clone()})
    assert load_network(folder)[0].lm_head is None
    store(folder, held | {"lm_head.weight": embeddings + 1})
    with pytest.raises(LoadError, match=r"lm_head.weight differs from model.embed_tokens.weight, .*tie_word"):
        load_network(folder)
    store(folder, held | {"lm_head.weight": embeddings[:-1].clone()})
    with pytest.raises(LoadError, match=r"lm_head\.weight differs"):
        load_network(folder)


def drop(held: Tensors) -> None:
    del held["model.norm.weight"], held["visual.merger.ln_q.weight"]


def add(held: Tensors) -> None:
    held["visual.blocks.9.norm1.weight"] = torch.zeros(3)


def bend(held: Tensors) -> None:
    held["model.norm.weight"] = torch.zeros(7)


def quantise(held: Tensors) -> None:
    held["model.norm.weight"] = torch.zeros(64, dtype=torch.int8)


def double(held: Tensors) -> None:
    held["model.language_model.norm.weight"] = held["model.norm.weight"].clone()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (drop, r"2 missing: visual\.merger\.ln_q\.weight, model\.norm\.weight$"),
        (add, r"1 not expected: visual\.blocks\.9\.norm1\.weight$"),
        (bend, r"1 wrong shape: model\.norm\.weight is \[7\], expected \[64\]$"),
        (quantise, r"1 wrong type: model\.norm\.weight is I8$"),
        (double, r"model\.norm\.weight: the files hold it twice, as model\.(language_model\.)?norm\.weight and as"),
    ],
)
def test_tensors_that_do_not_fit_are_named(change: Callable[[Tensors], None], message: str, folder: Path) -> None:
    held = tensors(network(shape()))
    change(held)
    store(folder, held)
    with pytest.raises(LoadError, match=message):
        load_network(folder)


def test_a_long_list_of_names_is_cut() -> None:
    assert listed([str(i) for i in range(1000)]) == "0, 1, 2, 3, 4, 5, 6, 7 and 992 more"
    assert listed(["a", "b"]) == "a, b"


@pytest.mark.parametrize("keep", [0, 4, 100, -1000])
def test_a_truncated_file_is_refused_with_its_path(keep: int, folder: Path) -> None:
    store(folder, tensors(network(shape())))
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(LoadError, match=r"model\.safetensors: cannot be read as safetensors"):
        load_network(folder)


def test_a_folder_without_weights_is_refused(folder: Path) -> None:
    with pytest.raises(LoadError, match=r"holds neither model\.safetensors nor model\.safetensors\.index\.json"):
        load_network(folder)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["absent.safetensors"], r"lacks absent\.safetensors, which model\.safetensors\.index\.json names"),
        (["../secret.safetensors"], r"\.\./secret\.safetensors: expected names of \.safetensors files beside it"),
        (["weights.bin"], r"weights\.bin: expected names of \.safetensors"),
        ([], "68 missing: "),
    ],
)
def test_an_index_that_names_other_files_is_refused(names: list[str], message: str, folder: Path) -> None:
    held = {f"tensor.{i}": name for i, name in enumerate(names)}
    write(folder, "model.safetensors.index.json", {"weight_map": held})
    with pytest.raises(LoadError, match=message):
        load_network(folder)


def test_a_broken_index_is_refused(folder: Path) -> None:
    write(folder, "model.safetensors.index.json", [1])
    with pytest.raises(ConfigError, match=r"index\.json: holds \[1\]; expected an object"):
        load_network(folder)


@pytest.mark.parametrize(
    ("stored", "asked", "expected"),
    [
        (torch.float32, "auto", torch.float32),
        (torch.bfloat16, "auto", torch.bfloat16),
        (torch.float16, "auto", torch.float32),
        (torch.float16, "bfloat16", torch.bfloat16),
        (torch.bfloat16, "float32", torch.float32),
        (torch.float32, "bfloat16", torch.bfloat16),
    ],
)
def test_weights_are_kept_or_turned_into_what_is_asked(
    stored: torch.dtype, asked: str, expected: torch.dtype, folder: Path
) -> None:
    held = {name: tensor.to(stored) for name, tensor in tensors(network(shape())).items()}
    store(folder, held)
    loaded, _ = load_network(folder, dtype=asked)
    for name, tensor in loaded.state_dict().items():
        assert tensor.dtype == expected
        assert torch.equal(tensor, held[name].to(expected)), name


@pytest.mark.parametrize(
    ("dtype", "message"), [("float16", "'float16' is not supported on a CPU"), ("int4", "'int4'; expected 'auto'")]
)
def test_a_type_that_cannot_be_computed_in_is_refused(dtype: str, message: str, folder: Path) -> None:
    store(folder, tensors(network(shape())))
    with pytest.raises(LoadError, match=message):
        load_network(folder, dtype=dtype)


def test_a_file_that_changes_later_reaches_neither_network_nor_hash(tmp_path: Path) -> None:
    write_checkpoint(tmp_path, shape())
    path = tmp_path / "model.safetensors"
    loaded, weights = load_network(tmp_path)
    before = tensors(loaded)
    path.write_bytes(b"\0" * path.stat().st_size)
    assert all(torch.equal(tensor, before[name]) for name, tensor in loaded.state_dict().items())
    with pytest.raises(LoadError, match=r"model\.safetensors: has changed since it was loaded"):
        assert weights.hash
    assert Weights.find(tmp_path).hash == hashlib.sha256(path.read_bytes()).hexdigest()


MEASURE = """
import sys
from pathlib import Path
import torch
from model import Config, Qwen
from model.checkpoint import load_network

with torch.device("meta"):  # torch's own parts that this needs come in before the count
    Qwen(Config.read(Path(sys.argv[1])))

def kilobytes(name):
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name))

before = kilobytes("VmRSS")
network, _ = load_network(Path(sys.argv[1]))
print(1024 * (kilobytes("VmHWM") - before))
"""


@pytest.mark.parametrize("gap", [0, 1, 3])
def test_tensors_are_read_in_blocks_wherever_the_header_ends(
    gap: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mapped, "BLOCK", 64)
    held = {"a": torch.arange(1001, dtype=torch.bfloat16), "b": torch.randn(7, 11), "c": torch.zeros(0, 3)}
    path = tmp_path / "x.safetensors"
    save_file(held, path, metadata={"padding": "x" * gap})
    for stored in mapped.Mapped(path).tensors:
        assert torch.equal(stored.copy(held[stored.name].dtype, "cpu"), held[stored.name])
        assert max((len(block) for block in stored.blocks()), default=0) <= 32


def test_loading_takes_little_more_memory_than_the_file(tmp_path: Path) -> None:
    config = shape(heads=(4, 2, 128), section=(16, 24, 24)) | {"vocab_size": 150_000}
    write(tmp_path, "config.json", config)
    with torch.device("meta"):
        shapes = {name: tuple(tensor.shape) for name, tensor in Qwen(Config.parse(config)).state_dict().items()}
    write_random(tmp_path / "model.safetensors", shapes)
    size = (tmp_path / "model.safetensors").stat().st_size
    assert size > 150_000_000
    run = subprocess.run(
        [sys.executable, "-c", MEASURE, str(tmp_path)],
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        check=True,
    )
    assert size < int(run.stdout) <= 1.15 * size


def test_every_parameter_of_a_loaded_network_can_be_trained(tmp_path: Path) -> None:
    write_checkpoint(tmp_path, shape())
    loaded, _ = load_network(tmp_path)
    assert all(parameter.requires_grad and not parameter.is_meta for parameter in loaded.parameters())
    assert json.loads((tmp_path / "config.json").read_text()) == shape()
