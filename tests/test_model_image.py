"""smart_resize, the image processor, and what its file may say."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from model_checkpoint import processor, write
from PIL import Image
from transformers.models.qwen2_vl import image_processing_pil_qwen2_vl as reference

from model import ConfigError, ImageProcessor, decode, smart_resize
from model.image import rgb

sides = st.integers(1, 6000)


@settings(deadline=None)
@given(sides, sides, st.sampled_from((8, 14, 16, 28)), st.integers(1, 10**6), st.integers(1, 10**7))
@example(42, 70, 28, 3136, 10**7)  # halves: 1.5 and 2.5 both become 2
@example(1, 200, 28, 3136, 10**7)
@example(1, 201, 28, 3136, 10**7)
@example(1080, 1920, 28, 3136, 12_845_056)
def test_sizes_are_those_of_the_reference(height: int, width: int, factor: int, low: int, high: int) -> None:
    high = max(low, high)
    if max(height, width) / min(height, width) > 200:
        with pytest.raises(ValueError, match="too narrow"):
            smart_resize(height, width, factor=factor, min_pixels=low, max_pixels=high)
    else:
        expected = reference.smart_resize(height, width, factor, low, high)
        assert smart_resize(height, width, factor=factor, min_pixels=low, max_pixels=high) == expected


@pytest.mark.parametrize(
    ("screen", "seen", "tokens"),
    [
        ((1280, 720), (1288, 728), 1196),
        ((1366, 768), (1372, 756), 1323),
        ((1920, 1080), (1932, 1092), 2691),
        ((3840, 2160), (3836, 2156), 10549),
        ((1080, 2400), (1092, 2408), 3354),
        ((56, 56), (56, 56), 4),
        ((14, 14), (56, 56), 4),
    ],
)
def test_known_screens_are_seen_at_known_sizes(screen: tuple[int, int], seen: tuple[int, int], tokens: int) -> None:
    released = ImageProcessor()
    assert released.size(*screen) == seen
    assert released.size(*seen) == seen
    assert released.tokens(*screen) == tokens


def test_patches_come_in_merge_blocks_each_with_two_equal_frames() -> None:
    plain = ImageProcessor(
        patch_size=2, merge_size=2, min_pixels=1, image_mean=(0.0,) * 3, image_std=(1.0,) * 3, rescale_factor=1.0
    )
    image = np.arange(8 * 12 * 3, dtype=np.uint8).reshape(8, 12, 3)
    patches, grid = plain(image)
    assert grid == (1, 4, 6)
    order = [
        (2 * block + y, 2 * across + x) for block in range(2) for across in range(3) for y in (0, 1) for x in (0, 1)
    ]
    for patch, (row, col) in zip(patches, order, strict=True):
        expected = image[2 * row : 2 * row + 2, 2 * col : 2 * col + 2].transpose(2, 0, 1)
        for frame in (0, 1):
            assert np.array_equal(patch.view(3, 2, 2, 2)[:, frame].numpy(), expected)


def test_an_image_that_fits_is_not_resampled() -> None:
    image = np.random.default_rng(0).integers(0, 256, (56, 84, 3), dtype=np.uint8)
    image.setflags(write=False)
    flat = ImageProcessor(image_mean=(0.0,) * 3, image_std=(1.0,) * 3, rescale_factor=1.0)
    patches, _ = flat(image)
    values, counts = np.unique(image, return_counts=True)
    again = torch.unique(patches, return_counts=True)
    assert np.array_equal(again[0].numpy(), values)
    assert np.array_equal(again[1].numpy(), 2 * counts)


def test_transparency_shows_white() -> None:
    image = np.zeros((4, 4, 4), dtype=np.uint8)
    image[0, 0] = (10, 20, 30, 255)
    image[0, 1] = (0, 0, 0, 128)
    seen = rgb(image)
    assert seen[0, 0].tolist() == [10, 20, 30]
    assert seen[0, 1].tolist() == [127, 127, 127]
    assert seen[3, 3].tolist() == [255, 255, 255]


@pytest.mark.parametrize(
    ("image", "error", "message"),
    [
        (np.zeros((4, 4, 3), dtype=np.float32), TypeError, "float32; expected a uint8 array"),
        ([[0]], TypeError, "list; expected a uint8 array"),
        (np.zeros((4, 4), dtype=np.uint8), ValueError, r"\[4, 4\]; expected \[height, width, 3\]"),
        (np.zeros((3, 4, 4, 3), dtype=np.uint8), ValueError, r"\[3, 4, 4, 3\]"),
        (np.zeros((0, 4, 3), dtype=np.uint8), ValueError, r"\[0, 4, 3\]"),
        (np.zeros((1, 300, 3), dtype=np.uint8), ValueError, "300x1 pixels is too narrow"),
    ],
)
def test_what_is_no_image_is_refused_with_what_it_is(image: object, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        ImageProcessor()(image)


def test_an_image_file_is_decoded_upright_and_opaque() -> None:
    picture = Image.new("RGB", (6, 4), (200, 10, 10))
    picture.putpixel((0, 0), (0, 0, 255))
    turned = Image.Exif()
    turned[0x0112] = 6  # turn right by a quarter to see it upright
    data = io.BytesIO()
    picture.save(data, "PNG", exif=turned)
    seen = decode(data.getvalue())
    assert seen.shape == (6, 4, 3)
    assert seen[0, -1].tolist() == [0, 0, 255]
    clear = io.BytesIO()
    Image.new("RGBA", (2, 2), (0, 0, 0, 0)).save(clear, "PNG")
    assert decode(clear.getvalue()).min() == 255


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"size": {"shortest_edge": 4000, "longest_edge": 5000}, "min_pixels": None, "max_pixels": None}, (4000, 5000)),
        ({"size": {"min_pixels": 4000, "max_pixels": 5000}, "min_pixels": None, "max_pixels": None}, (4000, 5000)),
        ({"size": {"shortest_edge": 1, "longest_edge": 2}, "min_pixels": 4000, "max_pixels": 5000}, (4000, 5000)),
    ],
)
def test_the_budget_is_read_from_either_place(change: dict[str, object], expected: tuple[int, int]) -> None:
    data = {key: value for key, value in {**processor(14), **change}.items() if value is not None}
    read = ImageProcessor.parse(data)
    assert (read.min_pixels, read.max_pixels) == expected


def test_a_processor_inside_processor_config_json_is_read(tmp_path: Path) -> None:
    write(tmp_path, "processor_config.json", {"image_processor": processor(8), "processor_class": "X"})
    assert ImageProcessor.read(tmp_path) == ImageProcessor.parse(processor(8))
    assert replace(ImageProcessor.parse(processor(8)), max_pixels=2048).factor == 16


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"patch_size": 0}, "patch_size: 0; expected a whole number from 1"),
        ({"patch_size": "14"}, "patch_size: '14'; expected a whole number"),
        ({"merge_size": -2}, "merge_size: -2"),
        ({"min_pixels": None}, "min_pixels: missing; expected a number of pixels, here or as size.shortest_edge"),
        ({"max_pixels": 1e9}, "max_pixels: 1000000000.0; expected a whole number"),
        ({"max_pixels": 100}, "max_pixels: 100; expected at least min_pixels"),
        ({"image_mean": [0.5, 0.5]}, "image_mean: .*three numbers"),
        ({"image_mean": [0.5, 0.5, float("nan")]}, "image_mean: .*finite"),
        ({"image_std": [0.5, 0.0, 0.5]}, "image_std: .*above zero"),
        ({"rescale_factor": float("inf")}, "rescale_factor: inf"),
        ({"do_resize": False}, "do_resize: False; expected true"),
        ({"resample": 2}, "resample: 2; expected 3"),
        ({"size": 224}, "size: 224; expected an object"),
    ],
)
def test_a_processor_file_that_cannot_be_meant_is_refused(change: dict[str, object], message: str) -> None:
    data = {key: value for key, value in {**processor(14), **change}.items() if value is not None}
    with pytest.raises(ConfigError, match=message):
        ImageProcessor.parse(data)
