"""From a screenshot to the patches that the vision tower reads.

N patches, C channels, T frames of one patch, F frames given, M merge size, P patch size.
"""

from __future__ import annotations

import io
import math
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import BinaryIO, Literal, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageOps
from PIL.GifImagePlugin import GifImageFile
from torch import Tensor

from model.fields import ConfigError, Fields, Json
from model.layout import Grid

Pixels: TypeAlias = NDArray[np.uint8]
"""uint8 [height, width, 3], red, green, blue."""

ASPECT = 200
"""The longer side may be at most this many times the shorter one."""

PIXELS = 80_000_000
"""Most pixels of an image file, nine times a 4K screen: a small file may claim to unpack to gigabytes."""

BYTES = 2**29
"""Most bytes of an image file."""

FORMATS = ("BMP", "GIF", "JPEG", "JPEG2000", "MPO", "PNG", "PPM", "TIFF", "WEBP")
"""Kinds of image files that are opened; others can start programs (EPS) or are no pictures of a screen."""

MAGIC = (
    *(b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"BM", b"II*\0", b"MM\0*", b"\0\0\0\x0cjP  ", b"\xff\x4f\xff\x51"),
    *(b"P%d" % digit for digit in range(1, 8)),
)
"""How image files begin; WebP files begin with two words apart."""

BROKEN = (OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error, IndexError, KeyError, TypeError)
"""What Pillow's readers raise over files that are cut short or made up."""


ORIENTATION = 0x0112
"""The EXIF tag that says which way up a picture is."""

SIDEWAYS = (5, 6, 7, 8)
"""Its values for pictures that lie on their side."""


class ImageError(ValueError):
    """An image file that cannot be used, with what would be right."""


def smart_resize(
    height: int, width: int, *, factor: int = 28, min_pixels: int = 3136, max_pixels: int = 12_845_056
) -> tuple[int, int]:
    """(height, width) nearest to the given ones, both multiples of `factor`, with an area inside the budget.

    Halves round to even, as in the released processor. An area above `max_pixels` shrinks and one below
    `min_pixels` grows, both from the original size. Raises ValueError where a side is more than 200 times the
    other or no pixel is there.
    """
    if min(height, width) < 1:
        raise ValueError(f"an image of {width}x{height} pixels has nothing to see")
    if max(height, width) > ASPECT * min(height, width):
        raise ValueError(f"an image of {width}x{height} pixels is too narrow: sides may differ {ASPECT} times")
    rows, cols = round(height / factor), round(width / factor)
    if rows * cols * factor**2 > max_pixels:
        shrink = math.sqrt(height * width / max_pixels)
        rows = max(1, math.floor(height / shrink / factor))
        cols = max(1, math.floor(width / shrink / factor))
    elif rows * cols * factor**2 < min_pixels:
        grow = math.sqrt(min_pixels / (height * width))
        rows, cols = math.ceil(height * grow / factor), math.ceil(width * grow / factor)
    return rows * factor, cols * factor


@dataclass(frozen=True)
class ImageProcessor:
    """What preprocessor_config.json says; defaults are those of released Qwen2.5-VL checkpoints.

    Patches equal those of transformers' Qwen2VLImageProcessor with the PIL backend bit for bit.
    """

    patch_size: int = 14
    temporal_patch_size: int = 2
    merge_size: int = 2
    min_pixels: int = 3136
    max_pixels: int = 12_845_056
    image_mean: tuple[float, ...] = (0.48145466, 0.4578275, 0.40821073)
    image_std: tuple[float, ...] = (0.26862954, 0.26130258, 0.27577711)
    rescale_factor: float = 1 / 255

    @classmethod
    def read(cls, folder: Path) -> ImageProcessor:
        """Read FOLDER/preprocessor_config.json, or the image processor inside processor_config.json."""
        path, whole = folder / "preprocessor_config.json", folder / "processor_config.json"
        if not path.exists() and whole.exists():
            return _processor(Fields.read(whole).object("image_processor"))
        return _processor(Fields.read(path))

    @classmethod
    def parse(cls, data: Json) -> ImageProcessor:
        """The same from the file's content; `ConfigError` names what cannot be used."""
        return _processor(Fields(data))

    @property
    def factor(self) -> int:
        """Pixels of image a side of one merged token covers."""
        return self.patch_size * self.merge_size

    def size(self, width: int, height: int) -> tuple[int, int]:
        """(width, height) at which the network sees an image of that size."""
        rows, cols = smart_resize(
            height, width, factor=self.factor, min_pixels=self.min_pixels, max_pixels=self.max_pixels
        )
        return cols, rows

    def tokens(self, width: int, height: int) -> int:
        """Image tokens that an image of that size costs."""
        cols, rows = self.size(width, height)
        return rows * cols // self.factor**2

    def __call__(self, image: NDArray[np.uint8]) -> tuple[Tensor, Grid]:
        """float32 patches [N, C*T*P*P] in merge-block order and (1, rows, columns) of patches.

        `image` is uint8 [H,W,3], or [H,W,4] which is laid over white; TypeError or ValueError otherwise.
        """
        pixels = rgb(image)
        height, width = pixels.shape[:2]
        if (size := self.size(width, height)) != (width, height):
            pixels = np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC))
        return self.patches(pixels[None]), (1, size[1] // self.patch_size, size[0] // self.patch_size)

    def budget(self, min_pixels: int | None, max_pixels: int | None) -> ImageProcessor:
        """The same with other budgets where they are given; a ValueError for one that no size can keep."""
        low = self.min_pixels if min_pixels is None else min_pixels
        high = self.max_pixels if max_pixels is None else max_pixels
        if low < 1:
            raise ValueError(f"min_pixels: {low}; expected at least 1")
        if high < (least := max(low, self.factor**2)):
            raise ValueError(f"max_pixels: {high}; expected at least {least}: min_pixels, and one token's pixels")
        return replace(self, min_pixels=low, max_pixels=high)

    def patches(self, frames: NDArray[np.uint8]) -> Tensor:
        """float32 [N, C*T*P*P] of T frames [T,H,W,C] of a size that was made to fit, or of one for all T."""
        M, P, T, C = self.merge_size, self.patch_size, self.temporal_patch_size, 3
        F, (rows, cols) = frames.shape[0], (side // self.factor for side in frames.shape[1:3])
        cut = frames.reshape(F, rows, M, P, cols, M, P, C).transpose(1, 4, 2, 5, 7, 0, 3, 6)  # [rows,cols,M,M,C,F,P,P]
        index = cut.reshape(-1, C, F, P * P) + 256 * np.arange(C, dtype=np.int32).reshape(C, 1, 1)
        filled = np.repeat(self._values[index], T // F, axis=2)  # a still image: T times
        return torch.from_numpy(filled.reshape(-1, C * T * P * P))

    @cached_property
    def _values(self) -> NDArray[np.float32]:
        """What each of the 3 x 256 channel values becomes, rounded where the released processor rounds."""
        scaled = (np.arange(256) * self.rescale_factor).astype(np.float32)
        mean, std = (np.array(v, dtype=np.float32).reshape(3, 1) for v in (self.image_mean, self.image_std))
        values: NDArray[np.float32] = ((scaled - mean) / std).ravel()
        return values


def checked(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """`image`, if it is uint8 [H,W,3] or [H,W,4]; TypeError or ValueError otherwise."""
    if not isinstance(image, np.ndarray) or image.dtype != np.uint8:
        found = image.dtype if isinstance(image, np.ndarray) else type(image).__name__
        raise TypeError(f"an image is {found}; expected a uint8 array [height, width, 3]")
    if image.ndim != 3 or image.shape[2] not in (3, 4) or not image.size:
        raise ValueError(f"an image has shape {list(image.shape)}; expected [height, width, 3] or [.., .., 4]")
    return image


def rgb(image: NDArray[np.uint8]) -> Pixels:
    """uint8 [H,W,3] of an array [H,W,3] or [H,W,4]; transparency shows white."""
    if checked(image).shape[2] == 3:
        return image
    alpha = image[..., 3:] / 255
    return np.round(alpha * image[..., :3] + (1 - alpha) * 255).astype(np.uint8)


def kind(path: Path) -> Literal["still", "animation", ""]:
    """What sort of image file it is by its first bytes; nothing where it is none. Raises OSError."""
    with path.open("rb") as file:
        start = file.read(16)
        if not start.startswith(MAGIC) and not (start.startswith(b"RIFF") and start[8:12] == b"WEBP"):
            return ""
        if not start.startswith(b"GIF"):
            return "still"
        file.seek(0)
        try:
            return "animation" if GifImageFile(file).n_frames > 1 else "still"
        except BROKEN:
            return "still"  # whoever reads it will say what is wrong


def read_image(path: Path) -> Pixels:
    """The upright picture in an image file, as `decode` gives it; `ImageError` names the file."""
    try:
        if (size := path.stat().st_size) > BYTES:
            raise ImageError(f"a file of {size} bytes; expected an image file of at most {BYTES}")
        return decode(path.read_bytes())
    except ImageError as error:
        raise ImageError(f"{path}: {error}") from None
    except OSError as error:
        raise ImageError(f"{path}: cannot be read: {error.strerror}; expected an image file") from None


def decode(data: bytes) -> Pixels:
    """The upright picture in a PNG, JPEG or other image file, as uint8 [H,W,3]; transparency shows white.

    Of several pictures in one file it is the first. Raises `ImageError` for what is no image, is damaged, or
    would unpack to more than `PIXELS`.
    """
    with _opened(io.BytesIO(data)) as file:
        return _opaque(ImageOps.exif_transpose(file))


def image_size(path: Path) -> tuple[int, int]:
    """Width and height of the upright picture in an image file, by its head alone.

    The rest may still be damaged, or, in a PNG, turn it after all. `ImageError` names the file.
    """
    try:
        with path.open("rb") as data, _opened(data) as file:
            told = file.format != "PNG" or "exif" in file.info  # Pillow would unpack a PNG to look for it at the end
            turned = told and file.getexif().get(ORIENTATION) in SIDEWAYS
            return (file.height, file.width) if turned else (file.width, file.height)
    except ImageError as error:
        raise ImageError(f"{path}: {error}") from None
    except OSError as error:
        raise ImageError(f"{path}: cannot be read: {error.strerror}; expected an image file") from None


@contextmanager
def _opened(data: BinaryIO) -> Iterator[Image.Image]:
    """An image file of a kind and a size that are taken; whatever goes wrong with it is an `ImageError`."""
    Image.init()  # knows the formats by name
    try:
        with Image.open(data, formats=[name for name in FORMATS if name in Image.OPEN]) as file:
            if math.prod(file.size) > PIXELS:
                raise ImageError(f"an image of {file.width}x{file.height} pixels; expected at most {PIXELS} pixels")
            yield file
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise ImageError(f"an image of a size not to be unpacked; expected at most {PIXELS} pixels") from None
    except ImageError:
        raise
    except BROKEN as error:
        wanted = "a whole image file: " + ", ".join(FORMATS)
        raise ImageError(f"not an image that can be read ({type(error).__name__}); expected {wanted}") from None


def _opaque(image: Image.Image) -> Pixels:
    """Red, green and blue of an image in any of Pillow's modes."""
    if image.mode.startswith("I"):  # 16 bits of grey, which Pillow would cut off at 255
        grey = np.asarray(image).astype(np.int64)
        if grey.min() < 0 or grey.max() > 65_535:
            raise ImageError(f"grey values from {grey.min()} to {grey.max()}; expected 0 to 65535")
        return np.repeat((grey // 257).astype(np.uint8)[..., None], 3, axis=2)
    if image.mode == "F":
        raise ImageError("pixels are floating-point numbers of no known range; expected 8 or 16 bits a channel")
    if image.has_transparency_data:
        return rgb(np.asarray(image.convert("RGBA")))
    return np.asarray(image.convert("RGB"))


def _processor(data: Fields) -> ImageProcessor:
    for name in ("do_resize", "do_rescale", "do_normalize"):
        if not data.flag(name, True):
            raise data.error(name, "true, as released processors have")
    if data.integer("resample", 3, low=0) != 3:
        raise data.error("resample", "3, bicubic, as released processors have")
    low, high = _budget(data)
    processor = ImageProcessor(
        patch_size=data.integer("patch_size", 14),
        temporal_patch_size=data.integer("temporal_patch_size", 2),
        merge_size=data.integer("merge_size", 2),
        min_pixels=low,
        max_pixels=high,
        image_mean=data.numbers("image_mean", ImageProcessor.image_mean),
        image_std=data.numbers("image_std", ImageProcessor.image_std),
        rescale_factor=data.number("rescale_factor", 1 / 255),
    )
    if len(processor.image_mean) != 3:
        raise data.error("image_mean", "three numbers: red, green, blue")
    if len(processor.image_std) != 3 or min(processor.image_std) <= 0:
        raise data.error("image_std", "three numbers above zero: red, green, blue")
    if high < max(low, processor.factor**2):
        wanted = f"at least min_pixels {low} and the {processor.factor**2} pixels of one token"
        raise ConfigError(f"{data.where}max_pixels: {high}; expected {wanted}")
    return processor


def _budget(data: Fields) -> tuple[int, int]:
    """min_pixels and max_pixels, never guessed: the two known defaults differ thirteen times."""
    size, found = data.object("size"), []
    for name, edge in (("min_pixels", "shortest_edge"), ("max_pixels", "longest_edge")):
        for place, key in ((data, name), (size, edge), (size, name)):
            if key in place.data:
                found.append(place.integer(key, high=2**40))
                break
        else:
            raise data.error(name, f"a number of pixels, here or as size.{edge}")
    return found[0], found[1]
