"""Our network and processor against transformers' on random checkpoints."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pytest
import torch
from model_checkpoint import (
    IMAGE_PAD,
    SPECIAL,
    VIDEO_PAD,
    scatter,
    shape,
    shape2,
    write,
    write_files,
    write_shards,
)
from numpy.typing import NDArray
from safetensors.torch import load_file
from transformers import (
    PreTrainedTokenizerFast,
    Qwen2_5_VLConfig,
    Qwen2_5_VLForConditionalGeneration,
    Qwen2VLConfig,
    Qwen2VLForConditionalGeneration,
)
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

from model import Config, ImageProcessor, Model, load
from model.chat import Chat
from model.generate import Prompt, generate
from model.layout import Medium
from model.rope import position_ids

SHAPES = {
    "2.5: grouped and tied": shape(patch=8, window=5, depth=4, full=(1, 3), tower=(2, 64), theta=100.0),
    "2.5: patch 14 and untied": shape(
        patch=14, window=4, full=(2,), tower=(4, 20), heads=(6, 2, 16), tied=False, layers=3
    ),
    "2.5: one key head": shape(patch=8, window=3, depth=2, full=(0,), heads=(4, 1, 32), section=(4, 6, 6), theta=1e6),
    "2.5: no groups, all blocks full": shape(
        patch=14, window=2, depth=3, full=(0, 1, 2), heads=(4, 4, 8), section=(2, 1, 1), tied=False
    ),
    "2.5: released head sizes": shape(
        patch=8, window=4, depth=2, full=(), tower=(1, 80), heads=(2, 1, 128), section=(16, 24, 24), theta=1e6
    ),
    "2.5: windows of one token": shape(patch=8, window=1, depth=2, full=(1,), heads=(2, 2, 16), theta=1e4),
    "2: grouped and tied": shape2(patch=8, depth=3, tower=(2, 64), theta=100.0),
    "2: patch 14 and untied": shape2(patch=14, tower=(4, 20), heads=(6, 2, 16), tied=False, layers=3),
    "2: one key head": shape2(patch=8, depth=2, heads=(4, 1, 32), section=(4, 6, 6), theta=1e6),
    "2: no groups": shape2(patch=14, depth=1, ratio=4, heads=(4, 4, 8), section=(2, 1, 1), tied=False),
    "2: released head sizes": shape2(
        patch=8, depth=2, tower=(1, 80), ratio=4, heads=(2, 1, 128), section=(16, 24, 24), theta=1e6
    ),
    "2: deep": shape2(patch=8, depth=4, layers=5, heads=(2, 1, 16), theta=1e4),
}

SIZES = ((160, 208), (37, 53), (300, 20), (11, 400), (8, 9), (640, 480), (112, 112), (199, 71))
"""Width and height: odd windows, extreme aspects, below min_pixels, above max_pixels, and one that fits."""

FRAMES = 4
"""Frames of the videos here: two steps of the grid."""


@dataclass(frozen=True)
class Video:
    """One of `FRAMES` frames; each step lasts `seconds`."""

    width: int
    height: int
    seconds: float


Item: TypeAlias = tuple[int, int] | Video

INPUTS: dict[str, tuple[Item, ...]] = {
    "text": (),
    "a screen": (SIZES[0],),
    "odd window edges": (SIZES[1],),
    "wide": (SIZES[2],),
    "tall": (SIZES[3],),
    "tiny": (SIZES[4],),
    "three images": SIZES[4:7],
    "two images": SIZES[6:],
    "a short video": (Video(96, 64, 1.0),),
    "an image and a video": (SIZES[1], Video(80, 96, 1.0)),
}
"""Ten prompts; the videos are short for their size, so that transformers places the text behind them rightly."""

LONG = {
    "a long video": (Video(64, 64, 6.0),),
    "two videos and an image": (Video(64, 48, 5.0), SIZES[1], Video(48, 64, 2.5)),
}
"""Prompts where transformers 5.23 starts the text behind a video too early: positions have to be handed to it."""


Theirs: TypeAlias = Qwen2_5_VLForConditionalGeneration | Qwen2VLForConditionalGeneration


@dataclass(frozen=True)
class Pair:
    """One random checkpoint, loaded by both."""

    theirs: Theirs
    ours: Model


def reference(config: Mapping[str, object]) -> Theirs:
    if config["model_type"] == "qwen2_vl":
        built = Qwen2VLForConditionalGeneration(Qwen2VLConfig(**config)).eval()
    else:
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


def see(model: Model, item: Item) -> tuple[torch.Tensor, Medium]:
    """Patches of an image, or of noise as a video."""
    if not isinstance(item, Video):
        patches, grid = model.processor(picture(*item))
        return patches, Medium(grid)
    unit = model.config.vision.factor
    grid = (FRAMES // 2, 2 * (item.height // unit), 2 * (item.width // unit))
    random = torch.Generator().manual_seed(item.width)
    patches = torch.randn(grid[0] * grid[1] * grid[2], model.config.vision.patch_dim, generator=random)
    return patches, Medium(grid, item.seconds)


def prompt(model: Model, items: Sequence[Item]) -> Prompt:
    """Text, then each image or video with text behind it."""
    seen = [see(model, item) for item in items]
    tokens = [10, 11, 12]
    for _, medium in seen:
        pad = IMAGE_PAD if medium.seconds_per_grid is None else VIDEO_PAD
        tokens += [3, *[pad] * (math.prod(medium.grid) // 4), 4, 20 + len(tokens) % 50]
    patches = torch.cat([patches for patches, _ in seen]) if seen else None
    return Prompt(tuple(tokens), patches, tuple(medium for _, medium in seen))


def inputs(given: Prompt, family: str) -> dict[str, torch.Tensor]:
    """The same as transformers takes it."""
    ids = torch.tensor([given.tokens])
    data = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
    if given.patches is None:
        return data
    data["mm_token_type_ids"] = (ids == IMAGE_PAD).int() + 2 * (ids == VIDEO_PAD).int()
    parts = list(zip(given.patches.split([math.prod(grid) for grid in given.grids]), given.media, strict=True))
    for still, patches, grids in (
        (True, "pixel_values", "image_grid_thw"),
        (False, "pixel_values_videos", "video_grid_thw"),
    ):
        if some := [(rows, medium) for rows, medium in parts if (medium.seconds_per_grid is None) == still]:
            data[patches] = torch.cat([rows for rows, _ in some])
            data[grids] = torch.tensor([medium.grid for _, medium in some])
            if not still and family == "qwen2_5_vl":
                data["second_per_grid_ts"] = torch.tensor([medium.seconds_per_grid for _, medium in some])
    return data


def places(model: Model, given: Prompt) -> torch.Tensor:
    return position_ids(given.tokens, model.config, given.media)


def logits(model: Model, given: Prompt) -> torch.Tensor:
    row = torch.tensor([given.tokens])
    return model.network(row, places(model, given).unsqueeze(1), given.patches, given.grids)


@pytest.mark.parametrize("name", INPUTS)
def test_logits_are_those_of_transformers(pair: Pair, name: str) -> None:
    given = prompt(pair.ours, INPUTS[name])
    with torch.inference_mode():
        theirs = pair.theirs(**inputs(given, pair.ours.config.family)).logits
        ours = logits(pair.ours, given)
    assert theirs.std() > 0.5
    torch.testing.assert_close(ours, theirs, atol=1e-4, rtol=0)


@pytest.mark.parametrize("name", [name for name in INPUTS if name != "text"])
def test_positions_are_those_of_transformers(pair: Pair, name: str) -> None:
    given = prompt(pair.ours, INPUTS[name])
    data = inputs(given, pair.ours.config.family)
    names = {"image_grid_thw", "video_grid_thw", "second_per_grid_ts", "mm_token_type_ids", "attention_mask"}
    theirs, delta = pair.theirs.model.get_rope_index(
        data["input_ids"], **{name: value for name, value in data.items() if name in names}
    )
    ours = places(pair.ours, given)
    assert torch.equal(ours, theirs[:, 0])
    assert int(ours.max()) + 1 - len(given.tokens) == int(delta)


@pytest.mark.parametrize("name", LONG)
def test_logits_of_long_videos_are_those_of_transformers_at_the_same_positions(pair: Pair, name: str) -> None:
    given = prompt(pair.ours, LONG[name])
    ids = places(pair.ours, given)
    data = inputs(given, pair.ours.config.family)
    kinds, starts = data["mm_token_type_ids"], (ids[0] == ids[1]) & (ids[1] == ids[2])
    assert bool(starts[kinds[0] == 0].all())
    with torch.inference_mode():
        theirs = pair.theirs(**data, position_ids=ids.unsqueeze(1)).logits
        ours = logits(pair.ours, given)
    torch.testing.assert_close(ours, theirs, atol=1e-4, rtol=0)


def test_transformers_starts_the_text_behind_a_long_video_too_early(pair: Pair) -> None:
    """Should a later version mend this, the prompts in `LONG` can join the others."""
    given = prompt(pair.ours, LONG["a long video"])
    data = inputs(given, pair.ours.config.family)
    names = {"video_grid_thw", "second_per_grid_ts", "mm_token_type_ids"}
    theirs, _ = pair.theirs.model.get_rope_index(
        data["input_ids"], **{name: value for name, value in data.items() if name in names}
    )
    ours, video = places(pair.ours, given), data["mm_token_type_ids"][0] == 2
    assert torch.equal(ours[:, video], theirs[:, 0, video])
    if pair.ours.config.family == "qwen2_5_vl":
        assert int(ours[0, -1]) > int(ours[0, video].max()) >= int(theirs[0, 0, -1])


def check_greedy(pair: Pair, count: int) -> None:
    """`count` tokens of an answer to each of the ten prompts."""
    written: set[int] = set()
    for items in INPUTS.values():
        given = prompt(pair.ours, items)
        found = pair.theirs.generate(
            **inputs(given, pair.ours.config.family),
            do_sample=False,
            max_new_tokens=count,
            min_new_tokens=count,
            output_logits=True,
            return_dict_in_generate=True,
            eos_token_id=None,
            pad_token_id=0,
        )
        theirs = found.sequences[0, len(given.tokens) :]
        ours = generate(pair.ours.network, given, eos=set(), limit=count)
        assert ours.tokens == tuple(theirs.tolist())
        expected = torch.stack(found.logits)[:, 0].log_softmax(-1)[torch.arange(count), theirs]
        torch.testing.assert_close(torch.tensor(ours.logprobs), expected, atol=1e-4, rtol=0)
        written |= set(ours.tokens)
    assert len(written) > 4  # a network stuck on one token would prove little


def test_greedy_tokens_are_those_of_transformers(pair: Pair) -> None:
    check_greedy(pair, 6)


@pytest.mark.slow
def test_longer_greedy_answers_are_those_of_transformers(pair: Pair) -> None:
    check_greedy(pair, 40)


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


def check_saved(
    theirs: Theirs, folder: Path, config: Mapping[str, object], original: bool, names: Iterable[str]
) -> None:
    """Save by transformers, cut into three files, load, and compare the logits of some prompts."""
    theirs.save_pretrained(folder, save_original_format=original)
    held = load_file(folder / "model.safetensors")
    assert any(name.startswith("visual." if original else "model.visual.") for name in held)
    (folder / "model.safetensors").unlink()
    write_shards(folder, held, 3)
    write_files(folder, config)
    if original:  # the flat config.json of released files, beside the nested one that transformers wrote
        assert Config.read(folder) == Config.parse(config)
        write(folder, "config.json", config)
    ours = load(folder, dtype="float32")
    assert len(ours.weights.files) == 3
    for name in names:
        given = prompt(ours, INPUTS[name])
        with torch.inference_mode():
            expected = theirs(**inputs(given, ours.config.family)).logits
            torch.testing.assert_close(logits(ours, given), expected, atol=1e-4, rtol=0)


@pytest.mark.parametrize("original", [False, True], ids=["new names", "released names"])
@pytest.mark.parametrize("name", ["2.5: grouped and tied", "2: patch 14 and untied"])
def test_both_layouts_in_three_shards_give_the_same_logits(name: str, original: bool, tmp_path: Path) -> None:
    check_saved(reference(SHAPES[name]), tmp_path, SHAPES[name], original, ["odd window edges"])


@pytest.mark.slow
@pytest.mark.parametrize("original", [False, True], ids=["new names", "released names"])
@pytest.mark.parametrize("name", SHAPES)
def test_both_layouts_in_three_shards_answer_every_prompt_alike(name: str, original: bool, tmp_path: Path) -> None:
    check_saved(reference(SHAPES[name]), tmp_path, SHAPES[name], original, INPUTS)


def test_the_chat_prompt_is_that_of_transformers(tmp_path: Path) -> None:
    write_files(tmp_path, SHAPES["2.5: grouped and tied"])
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
