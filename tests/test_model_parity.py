"""Our network and processor against transformers' on random checkpoints."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from model_checkpoint import IMAGE_PAD, SPECIAL, scatter, shape, tensors, write, write_files
from numpy.typing import NDArray
from safetensors.torch import save_file
from transformers import PreTrainedTokenizerFast, Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

from model import Config, ImageProcessor, Model, load
from model.chat import Chat
from model.generate import Prompt, generate
from model.layout import Medium
from model.rope import position_ids

SHAPES = {
    "grouped and tied": shape(patch=8, window=5, depth=4, full=(1, 3), tower=(2, 64), theta=100.0),
    "patch 14 and untied": shape(patch=14, window=4, full=(2,), tower=(4, 20), heads=(6, 2, 16), tied=False, layers=3),
    "one key head": shape(patch=8, window=3, depth=2, full=(0,), heads=(4, 1, 32), section=(4, 6, 6), theta=1e6),
    "no groups, all blocks full": shape(
        patch=14, window=2, depth=3, full=(0, 1, 2), heads=(4, 4, 8), section=(2, 1, 1), tied=False
    ),
    "released head sizes": shape(
        patch=8, window=4, depth=2, full=(), tower=(1, 80), heads=(2, 1, 128), section=(16, 24, 24), theta=1e6
    ),
}

SIZES = ((160, 208), (37, 53), (300, 20), (11, 400), (8, 9), (640, 480), (112, 112), (199, 71))
"""Width and height: odd windows, extreme aspects, below min_pixels, above max_pixels, and one that fits."""


@dataclass(frozen=True)
class Pair:
    """One random checkpoint, loaded by both."""

    theirs: Qwen2_5_VLForConditionalGeneration
    ours: Model


def reference(config: dict[str, object]) -> Qwen2_5_VLForConditionalGeneration:
    built = Qwen2_5_VLForConditionalGeneration(Qwen2_5_VLConfig(**config)).eval()
    scatter(built)
    return built


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """Networks this small lose more to waiting for a second thread than they gain."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module", params=SHAPES)
def pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Pair:
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("checkpoint")
    theirs = reference(SHAPES[request.param])
    theirs.save_pretrained(folder)
    write_files(folder, SHAPES[request.param])
    return Pair(theirs, load(folder, dtype="float32"))


def picture(width: int, height: int, channels: int = 3) -> NDArray[np.uint8]:
    return np.random.default_rng(width * 1000 + height).integers(0, 256, (height, width, channels), dtype=np.uint8)


def prompt(model: Model, sizes: tuple[tuple[int, int], ...]) -> Prompt:
    """Text, then each image with text behind it."""
    seen = [model.processor(picture(*size)) for size in sizes]
    tokens = [10, 11, 12]
    for _, grid in seen:
        tokens += [3, *[IMAGE_PAD] * (grid[1] * grid[2] // 4), 4, 20 + len(tokens) % 50]
    patches = torch.cat([patches for patches, _ in seen]) if seen else None
    return Prompt(tuple(tokens), patches, tuple(Medium(grid) for _, grid in seen))


def inputs(given: Prompt) -> dict[str, torch.Tensor]:
    """The same as transformers takes it."""
    ids = torch.tensor([given.tokens])
    data = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
    if given.patches is not None:
        data |= {"pixel_values": given.patches, "image_grid_thw": torch.tensor(given.grids)}
        data["mm_token_type_ids"] = (ids == IMAGE_PAD).int()
    return data


def places(given: Prompt) -> torch.Tensor:
    return position_ids(given.tokens, Config.parse(shape()), given.media)


PROMPTS = [(), *((size,) for size in SIZES), SIZES[:3], SIZES[3:6]]


@pytest.mark.parametrize("sizes", PROMPTS, ids=str)
def test_logits_are_those_of_transformers(pair: Pair, sizes: tuple[tuple[int, int], ...]) -> None:
    given = prompt(pair.ours, sizes)
    with torch.inference_mode():
        theirs = pair.theirs(**inputs(given)).logits
        ours = pair.ours.network(torch.tensor([given.tokens]), places(given).unsqueeze(1), given.patches, given.grids)
    assert theirs.std() > 0.5
    torch.testing.assert_close(ours, theirs, atol=1e-4, rtol=0)


@pytest.mark.parametrize("sizes", [sizes for sizes in PROMPTS if sizes], ids=str)
def test_positions_are_those_of_transformers(pair: Pair, sizes: tuple[tuple[int, int], ...]) -> None:
    given = prompt(pair.ours, sizes)
    data = inputs(given)
    theirs, delta = pair.theirs.model.get_rope_index(
        data["input_ids"],
        mm_token_type_ids=data["mm_token_type_ids"],
        image_grid_thw=data["image_grid_thw"],
        attention_mask=data["attention_mask"],
    )
    ours = places(given)
    assert torch.equal(ours, theirs[:, 0])
    assert int(ours.max()) + 1 - len(given.tokens) == int(delta)


@pytest.mark.parametrize("sizes", [(), SIZES[:1], SIZES[1:3]], ids=str)
def test_greedy_tokens_are_those_of_transformers(pair: Pair, sizes: tuple[tuple[int, int], ...]) -> None:
    given = prompt(pair.ours, sizes)
    found = pair.theirs.generate(
        **inputs(given),
        do_sample=False,
        max_new_tokens=24,
        min_new_tokens=24,
        output_logits=True,
        return_dict_in_generate=True,
        eos_token_id=None,
        pad_token_id=0,
    )
    theirs = found.sequences[0, len(given.tokens) :].tolist()
    ours = generate(pair.ours.network, given, eos=set(), limit=24)
    assert ours.tokens == tuple(theirs)
    assert len(set(theirs)) > 4  # a network stuck on one token would prove little
    chances = torch.stack(found.logits)[:, 0].log_softmax(-1)
    expected = chances[torch.arange(24), found.sequences[0, len(given.tokens) :]]
    torch.testing.assert_close(torch.tensor(ours.logprobs), expected, atol=1e-4, rtol=0)


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("patch", [8, 14])
@pytest.mark.parametrize("channels", [3, 4])
def test_pixels_are_those_of_transformers_bit_for_bit(patch: int, size: tuple[int, int], channels: int) -> None:
    low, high = 4 * (2 * patch) ** 2, 64 * (2 * patch) ** 2
    theirs = Qwen2VLImageProcessorPil(patch_size=patch, size={"shortest_edge": low, "longest_edge": high})
    ours = ImageProcessor(patch_size=patch, min_pixels=low, max_pixels=high)
    image = picture(*size, channels)
    expected = theirs(images=[image], return_tensors="pt", input_data_format="channels_last")
    patches, grid = ours(image)
    assert [list(grid)] == expected["image_grid_thw"].tolist()
    assert torch.equal(patches, expected["pixel_values"])
    assert ours.tokens(*size) == grid[1] * grid[2] // 4


def test_a_processor_that_transformers_saved_is_read_as_it_was(tmp_path: Path) -> None:
    Qwen2VLImageProcessorPil(
        patch_size=8, size={"shortest_edge": 256, "longest_edge": 9999}, image_mean=[0.5, 0.25, 0.125]
    ).save_pretrained(tmp_path)
    expected = ImageProcessor(patch_size=8, min_pixels=256, max_pixels=9999, image_mean=(0.5, 0.25, 0.125))
    assert ImageProcessor.read(tmp_path) == expected


@pytest.mark.parametrize("name", ["grouped and tied", "patch 14 and untied"])
@pytest.mark.parametrize("original", [False, True])
def test_both_layouts_of_names_and_of_config_load_alike(name: str, original: bool, tmp_path: Path) -> None:
    theirs = reference(SHAPES[name])
    theirs.save_pretrained(tmp_path, save_original_format=original, max_shard_size="200KB")
    write_files(tmp_path, SHAPES[name])
    assert (tmp_path / "model.safetensors.index.json").exists()
    nested = load(tmp_path, dtype="float32")
    flat = tmp_path / "flat"
    write_files(flat, SHAPES[name])
    write(flat, "config.json", SHAPES[name])
    save_file(tensors(theirs), flat / "model.safetensors")
    again = load(flat, dtype="float32")
    assert nested.config == again.config == Config.parse(SHAPES[name])
    for (key, one), two in zip(nested.network.state_dict().items(), again.network.state_dict().values(), strict=True):
        assert torch.equal(one, two), key


def test_the_chat_prompt_is_that_of_transformers(tmp_path: Path) -> None:
    write_files(tmp_path, SHAPES["grouped and tied"])
    theirs = PreTrainedTokenizerFast(tokenizer_file=str(tmp_path / "tokenizer.json"))
    theirs.chat_template = (tmp_path / "chat_template.jinja").read_text()
    messages = [
        {"role": "user", "content": [{"type": "text", "text": "\n\nthe button <tool_call> é🙂 "}, {"type": "image"}]},
        {"role": "assistant", "content": "<tool_call>\nthe user\n</tool_call>\n"},
        {"role": "user", "content": "\n<|im_end and <| im_end|>"},
    ]
    expected = theirs.apply_chat_template(messages, tokenize=True, add_generation_prompt=True, return_dict=False)
    assert list(Chat.read(tmp_path, IMAGE_PAD).encode(messages, [1])) == expected
    assert SPECIAL[IMAGE_PAD] == "<|image_pad|>"
