"""Samples as the network takes them: tokens, what is to be learnt of them, and the pictures that they show.

T tokens, N patches.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import torch
from pydantic import JsonValue
from torch import Tensor

from model.chat import Chat
from model.config import Config
from model.image import ImageError, ImageProcessor, read_image
from model.layout import Medium
from model.messages import ChatError
from model.rope import position_ids
from model.train.records import Kind, Sample, Unusable
from model.train.rescale import Seen, rescaled, scales
from model.transcript import Transcript, transcribe
from model.video import Clip, VideoError, VideoProcessor


class Reader(Protocol):
    """Reads a video file, so that it fits: `model.frames.read_video`, which needs the extra `video`."""

    def __call__(self, path: Path, processor: VideoProcessor) -> Clip: ...


@dataclass(frozen=True)
class Shown:
    """A file that a sample shows, and what the network sees of it."""

    path: Path
    medium: Medium


@dataclass(frozen=True, eq=False)
class Example:
    """One sample: `ids` [T], those that are `taught` [T], and M-RoPE positions [3,T] from 0."""

    name: str
    kind: Kind
    ids: Tensor
    taught: Tensor
    positions: Tensor
    shown: tuple[Shown, ...]  # in the order of their tokens
    left: int = 0  # tokens behind its last answer that did not fit

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True)
class Preparer:
    """Makes examples for one checkpoint, of at most `longest` tokens each."""

    config: Config
    format: Chat
    images: ImageProcessor
    videos: VideoProcessor
    longest: int = 8192
    read_video: Reader | None = None

    def __call__(self, sample: Sample) -> Example:
        """The example, whole or cut behind an answer. Raises `Unusable` with the sample's name."""
        try:
            return self._example(sample)
        except (ImageError, VideoError, ChatError, Unusable) as error:
            raise Unusable(f"{sample.name}: {error}") from None

    def patches(self, shown: Shown) -> Tensor:
        """float32 [N, patch_dim] of a file that an example shows."""
        if shown.medium.seconds_per_grid is None:
            return self.images(read_image(shown.path))[0]
        return self.videos(self._clip(shown.path))[0]

    def _example(self, sample: Sample) -> Example:
        pictures = [self._see(path) for path in sample.images]
        clips = [self.videos(self._clip(path))[1] for path in sample.videos]
        messages = self._messages(sample, [seen for _, seen in pictures])
        images = [shown for shown, _ in pictures]
        films = [Shown(path, medium) for path, medium in zip(sample.videos, clips, strict=True)]
        sizes, lengths = ([self._units(one.medium) for one in seen] for seen in (images, films))
        transcript = transcribe(self.format, messages, sizes, lengths, sample.tools)
        cut = self._cut(transcript)
        ids = transcript.ids[:cut]
        taught = [bool(number) and sample.taught[number - 1] for number in transcript.answers[:cut]]
        if not any(taught):
            raise Unusable(f"the first {cut} tokens hold no answer that is to be learnt")
        shown = tuple(self._ordered(ids, iter(images), iter(films)))
        positions = position_ids(ids, self.config, [one.medium for one in shown])
        left = len(transcript.ids) - cut
        return Example(sample.name, sample.kind, torch.tensor(ids), torch.tensor(taught), positions, shown, left)

    def _see(self, path: Path) -> tuple[Shown, Seen]:
        pixels = read_image(path)
        height, width = pixels.shape[:2]
        try:
            size = self.images.size(width, height)
        except ValueError as error:
            raise Unusable(f"{path.name}: {error}") from None
        side = self.images.patch_size
        return Shown(path, Medium((1, size[1] // side, size[0] // side))), Seen((width, height), size)

    def _clip(self, path: Path) -> Clip:
        if self.read_video is None:
            raise Unusable(f"{path.name}: a video; reading it needs the extra `video`: pip install 'handeye[video]'")
        return self.read_video(path, processor=self.videos)

    def _messages(self, sample: Sample, seen: Sequence[Seen]) -> list[dict[str, JsonValue]]:
        if not seen and sample.frame == "seen":
            return [dict(message) for message in sample.messages]
        thousandths = self.config.vision.family == "qwen2_vl"
        each = scales(sample.messages, seen, sample.frame, thousandths=thousandths)
        return [rescaled(message, scale) for message, scale in zip(sample.messages, each, strict=True)]

    def _cut(self, transcript: Transcript) -> int:
        """Tokens to keep: all, or as many as fit up to the end of an answer, so that no image is cut."""
        if len(transcript.ids) <= self.longest:
            return len(transcript.ids)
        answers = (*transcript.answers[: self.longest + 1], 0)
        ends = [i for i in range(1, self.longest + 1) if answers[i - 1] and answers[i] != answers[i - 1]]
        if not ends:
            raise Unusable(
                f"{len(transcript.ids)} tokens, and no answer ends in the first {self.longest}; expected one there"
            )
        return ends[-1]

    def _units(self, medium: Medium) -> int:
        steps, rows, cols = medium.grid
        return steps * rows * cols // self.images.merge_size**2

    def _ordered(self, ids: Sequence[int], images: Iterator[Shown], films: Iterator[Shown]) -> Iterator[Shown]:
        """Images and videos in the order of their tokens."""
        kinds: Mapping[int, Iterator[Shown]] = {self.config.image_token_id: images, self.config.video_token_id: films}
        at = 0
        while at < len(ids):
            if (found := kinds.get(ids[at])) is None:
                at += 1
                continue
            yield (shown := next(found))
            at += self._units(shown.medium)


@dataclass(frozen=True)
class Counted:
    """Examples that can be learnt from, and the reasons why other samples cannot; none stands in for another."""

    examples: tuple[Example, ...]
    unusable: tuple[str, ...]

    @property
    def kinds(self) -> dict[str, int]:
        """How many examples there are of each kind."""
        return dict(sorted(Counter(example.kind for example in self.examples).items()))

    @property
    def shortened(self) -> tuple[str, ...]:
        """Names of those that were cut behind an answer."""
        return tuple(example.name for example in self.examples if example.left)


def prepare(samples: Iterable[Sample | Unusable], preparer: Preparer) -> Counted:
    """Every sample as an example or a reason."""
    examples, unusable = [], []
    for sample in samples:
        try:
            if isinstance(sample, Unusable):
                raise sample
            examples.append(preparer(sample))
        except Unusable as error:
            unusable.append(str(error))
    return Counted(tuple(examples), tuple(unusable))
