"""Pictures and videos named on the command line, and how closely they are looked at."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from agent.speaker import QuestionError, Sight, Speaker
from env import Image

if TYPE_CHECKING:
    from model import Clip, Sampling

DTYPES = ("auto", "float32", "bfloat16", "float16", "int8")

EXTRA = "reading a video needs the extra `video`: pip install 'handeye[video]'"


class SightError(ValueError):
    """A file or an option that cannot be used; names it and says what would be right."""


@dataclass(frozen=True)
class Media:
    """What stands in the places of a question: `kinds` in the order of the files."""

    kinds: tuple[str, ...]
    images: tuple[Image, ...]
    videos: tuple[Clip, ...]


def sight(min_pixels: int | None, max_pixels: int | None, dtype: str) -> Sight:
    """The options as one. Raises `SightError`."""
    if dtype not in DTYPES:
        raise SightError(f"--dtype {dtype}: expected one of {', '.join(DTYPES)}")
    if min_pixels and max_pixels and min_pixels > max_pixels:
        raise SightError(f"--max-pixels {max_pixels}: expected at least --min-pixels {min_pixels}")
    return Sight(min_pixels, max_pixels, dtype)


def look(paths: list[Path], speaker: Speaker, sampling: Sampling) -> Media:
    """The files as `speaker` may see them: an animated GIF is a video, all other image files are images.

    Raises `SightError` for a file that is neither, or that this model cannot see.
    """
    kinds: list[str] = []
    images: list[Image] = []
    videos: list[Clip] = []
    for path in paths:
        if moves(path):
            kinds.append("video")
            videos.append(film(path, speaker, sampling))
        else:
            kinds.append("image")
            images.append(picture(path, speaker))
    return Media(tuple(kinds), tuple(images), tuple(videos))


def moves(path: Path) -> bool:
    """Whether the file is to be read as a video, by what is in it. Raises `SightError` where it cannot be read."""
    from model.image import kind

    try:
        found = kind(path)
    except OSError as error:
        raise SightError(f"{path}: cannot be read: {error.strerror}; expected an image or a video") from None
    return found in ("", "animation")


def picture(path: Path, speaker: Speaker) -> Image:
    """The image in the file. Raises `SightError`."""
    from model import ImageError, read_image

    try:
        image = read_image(path)
    except ImageError as error:
        raise SightError(str(error)) from None
    try:
        speaker.size(image.shape[1], image.shape[0])
    except QuestionError as error:
        raise SightError(f"{path}: {error}") from None
    return image


def film(path: Path, speaker: Speaker, sampling: Sampling) -> Clip:
    """The video in the file. Raises `SightError`."""
    from model import VideoError

    try:
        return speaker.clip(path, sampling)
    except VideoError as error:
        raise SightError(f"{error}; nor is it an image") from None
    except QuestionError as error:
        raise SightError(f"{path}: {error}") from None
    except ModuleNotFoundError as error:
        if error.name != "av":
            raise
        raise SightError(f"{path}: no image; {EXTRA}") from None
