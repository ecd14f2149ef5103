"""smart_resize, the image processor, and what its file may say."""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from contextlib import suppress
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

from model import ConfigError, ImageError, ImageProcessor, decode, read_image, smart_resize
from model.image import image_size, kind, rgb

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


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def test_pictures_of_every_mode_become_red_green_and_blue() -> None:
    palette = Image.new("P", (2, 1))
    palette.putpalette([255, 0, 0, 0, 0, 255])
    palette.putpixel((1, 0), 1)
    assert decode(saved(palette, "PNG"))[0].tolist() == [[255, 0, 0], [0, 0, 255]]
    assert decode(saved(palette, "PNG", transparency=1))[0].tolist() == [[255, 0, 0], [255, 255, 255]]
    assert decode(saved(Image.new("L", (1, 1), 7), "PNG"))[0, 0].tolist() == [7, 7, 7]
    assert decode(saved(Image.new("1", (1, 1), 1), "PNG"))[0, 0].tolist() == [255, 255, 255]
    assert decode(saved(Image.new("LA", (1, 1), (7, 0)), "PNG"))[0, 0].tolist() == [255, 255, 255]
    inks = decode(saved(Image.new("CMYK", (8, 8), (0, 255, 255, 0)), "TIFF"))
    assert inks[0, 0].tolist() == [255, 0, 0]


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "PPM"])
def test_sixteen_bits_of_grey_keep_their_shades(kind: str) -> None:
    deep = np.array([[0, 257, 32_896, 65_535]], dtype=np.uint16)
    seen = decode(saved(Image.fromarray(deep), kind))
    assert seen[0].tolist() == [[shade] * 3 for shade in (0, 1, 128, 255)]


def test_grey_of_no_known_range_is_refused() -> None:
    with pytest.raises(ImageError, match="grey values from -1 to 7; expected 0 to 65535"):
        decode(saved(Image.fromarray(np.array([[-1, 7]], dtype=np.int32)), "TIFF"))
    with pytest.raises(ImageError, match="floating-point numbers of no known range; expected 8 or 16 bits"):
        decode(saved(Image.fromarray(np.array([[0.5]], dtype=np.float32)), "TIFF"))


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP", "TIFF"])
def test_of_several_pictures_in_a_file_the_first_is_seen(kind: str) -> None:
    pictures = [Image.new("RGB", (8, 8), color) for color in ("red", "blue")]
    options = {"lossless": True} if kind == "WEBP" else {}
    seen = decode(saved(pictures[0], kind, save_all=True, append_images=pictures[1:], **options))
    assert seen.shape == (8, 8, 3)
    assert seen[0, 0].tolist() == [255, 0, 0]


@pytest.mark.parametrize("turn", range(1, 9))
def test_a_photograph_is_seen_upright_however_the_camera_was_held(turn: int, tmp_path: Path) -> None:
    picture = np.zeros((4, 6, 3), dtype=np.uint8)
    picture[0, 0] = 255  # the corner that EXIF's numbers speak of
    exif = Image.Exif()
    exif[0x0112] = turn
    for form in ("JPEG", "PNG"):
        (tmp_path / "x").write_bytes(saved(Image.fromarray(picture), form, exif=exif))
        assert image_size(tmp_path / "x") == ((6, 4) if turn < 5 else (4, 6))
    seen = decode(saved(Image.fromarray(picture), "PNG", exif=exif))
    assert seen.shape[:2] == ((4, 6) if turn < 5 else (6, 4))
    corner = {1: (0, 0), 2: (0, -1), 3: (-1, -1), 4: (-1, 0), 5: (0, 0), 6: (0, -1), 7: (-1, -1), 8: (-1, 0)}[turn]
    assert seen[corner].tolist() == [255, 255, 255]
    assert seen.sum() == 3 * 255


def png_of(width: int, height: int) -> bytes:
    """A few bytes that claim to be a picture of this size."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = [(b"IHDR", head), (b"IDAT", zlib.compress(bytes(100))), (b"IEND", b"")]
    chunks = (struct.pack(">I", len(d)) + name + d + struct.pack(">I", zlib.crc32(name + d)) for name, d in parts)
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


@pytest.mark.parametrize(
    ("size", "message"),
    [
        ((80_000, 1001), r"80000x1001 pixels; expected at most 80000000 pixels"),
        ((10_000, 10_000), "expected at most 80000000 pixels"),
        ((100_000, 100_000), "expected at most 80000000 pixels"),
    ],
)
def test_a_small_file_that_claims_a_huge_picture_is_refused_unopened(size: tuple[int, int], message: str) -> None:
    with pytest.raises(ImageError, match=message):
        decode(png_of(*size))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"hello",
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"\x89PNG\r\n\x1a\n",
        png_of(8, 8)[:-20],
        saved(Image.new("RGB", (64, 64)), "JPEG")[:300],
        saved(Image.new("RGB", (64, 64)), "WEBP")[:30],
    ],
)
def test_what_is_no_image_or_a_part_of_one_is_refused(data: bytes, tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"not an image that can be read .* expected a whole image file: BMP, GIF"):
        decode(data)
    (tmp_path / "x.png").write_bytes(data)
    with pytest.raises(ImageError, match=r"x\.png: not an image that can be read"):
        read_image(tmp_path / "x.png")


PICTURES = [
    saved(Image.new("RGB", (9, 9), "red"), kind)
    for kind in ("PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF", "PPM", "JPEG2000")
]


@settings(deadline=None, max_examples=200)
@given(st.sampled_from(PICTURES), st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), max_size=20))
def test_a_damaged_image_is_read_or_refused_and_nothing_else(data: bytes, changes: list[tuple[int, int]]) -> None:
    damaged = bytearray(data)
    for place, byte in changes:
        damaged[place % len(damaged)] = byte
    with suppress(ImageError), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow warns of odd metadata
        assert decode(bytes(damaged)).ndim == 3


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"none\.png: cannot be read: No such file or directory; expected an image"):
        read_image(tmp_path / "none.png")
    with pytest.raises(ImageError, match="cannot be read: Is a directory"):
        read_image(tmp_path)


def test_files_are_told_apart_by_what_is_in_them(tmp_path: Path) -> None:
    pictures = [Image.new("RGB", (8, 8), color) for color in ("red", "blue")]
    files = {
        **{f"{number}": data for number, data in enumerate(PICTURES)},
        "moving": saved(pictures[0], "GIF", save_all=True, append_images=pictures[1:]),
        "broken": b"GIF89a",
    }
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    assert {kind(tmp_path / str(number)) for number in range(len(PICTURES))} == {"still"}
    assert (kind(tmp_path / "moving"), kind(tmp_path / "broken")) == ("animation", "still")
    (tmp_path / "words").write_text("RIFF of words")
    assert kind(tmp_path / "words") == ""


def test_a_budget_of_ones_own_replaces_the_file_s() -> None:
    own = ImageProcessor().budget(None, 784 * 4)
    assert own.size(1920, 1080) == (56, 28)
    assert ImageProcessor().budget(784 * 100, None).size(28, 28) == (280, 280)
    assert ImageProcessor().budget(None, None) == ImageProcessor()
    for given_budget, message in (
        ((0, None), "min_pixels: 0; expected at least 1"),
        ((None, 0), "max_pixels: 0; expected at least 3136"),
        ((4000, 3999), "max_pixels: 3999; expected at least 4000"),
        ((1, 100), "max_pixels: 100; expected at least 784"),
    ):
        with pytest.raises(ValueError, match=message):
            ImageProcessor().budget(*given_budget)


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


def test_a_size_is_told_by_the_head_alone_and_a_file_without_one_is_named(tmp_path: Path) -> None:
    whole = saved(Image.new("RGB", (90, 70)), "PNG")
    (tmp_path / "cut.png").write_bytes(whole[:60])
    assert image_size(tmp_path / "cut.png") == (90, 70)
    for wrong in (b"", whole[:20], b"no picture"):
        (tmp_path / "wrong.png").write_bytes(wrong)
        with pytest.raises(ImageError, match=r"wrong\.png: not an image"):
            image_size(tmp_path / "wrong.png")
    with pytest.raises(ImageError, match="cannot be read"):
        image_size(tmp_path / "none.png")
