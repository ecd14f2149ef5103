"""Prompts as transformers wants them; needs the extra `transformers`.

A model's own processor makes them. Those of Qwen-VL come whole only where torchvision is (for videos); elsewhere they
are put together from tokenizer and image processor, which is all that images need.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol, TypeAlias

import torch
from PIL import Image as Pillow
from torch import Tensor
from transformers import AutoImageProcessor, AutoProcessor, AutoTokenizer

from agent.policy import PolicyBroken
from agent.speaker import Question
from env import Image

Inputs: TypeAlias = dict[str, Tensor]
Message: TypeAlias = dict[str, object]
PAD = "<|image_pad|>"


class Added(Protocol):
    """A token beside those that words are made of."""

    content: str
    special: bool


class Tokens(Protocol):
    """What is used of a tokenizer."""

    added_tokens_decoder: Mapping[int, Added]
    eos_token_id: int | None
    pad_token_id: int | None

    def apply_chat_template(self, talk: list[Message], *, add_generation_prompt: bool, tokenize: bool) -> str: ...

    def encode(self, text: str, *, add_special_tokens: bool) -> list[int]: ...

    def decode(self, tokens: list[int], *, skip_special_tokens: bool) -> str: ...

    def convert_tokens_to_ids(self, token: str) -> int: ...


class Vision(Protocol):
    """What is used of an image processor."""

    def __call__(self, *, images: list[Pillow.Image], return_tensors: str) -> Mapping[str, Tensor]: ...


class Processing(Protocol):
    """From messages with pictures in them to what a model is given."""

    tokenizer: Tokens
    vision: Vision

    def __call__(self, messages: list[Message], pictures: list[Pillow.Image]) -> Inputs: ...


class Whole:
    """A model's own processor."""

    def __init__(self, folder: Path) -> None:
        self._processor = AutoProcessor.from_pretrained(folder, local_files_only=True)
        self.tokenizer: Tokens = self._processor.tokenizer
        self.vision: Vision = self._processor.image_processor

    def __call__(self, messages: list[Message], pictures: list[Pillow.Image]) -> Inputs:
        """The pictures stand in the messages already."""
        made = self._processor.apply_chat_template(
            messages, add_generation_prompt=True, tokenize=True, return_dict=True, return_tensors="pt"
        )
        return dict(made)


class Parts:
    """Tokenizer and image processor of a Qwen-VL, put together as its processor does it for images."""

    def __init__(self, folder: Path) -> None:
        self.tokenizer: Tokens = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        self._images = AutoImageProcessor.from_pretrained(folder, local_files_only=True, backend="pil")
        self.vision: Vision = self._images

    def __call__(self, messages: list[Message], pictures: list[Pillow.Image]) -> Inputs:
        """Each place of an image becomes as many tokens as the image has."""
        text = self.tokenizer.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
        seen: Mapping[str, Tensor] = self._images(images=pictures, return_tensors="pt") if pictures else {}
        merge = int(self._images.merge_size) ** 2
        counts = [int(grid.prod()) // merge for grid in seen.get("image_grid_thw", ())]
        head, *tails = text.split(PAD)
        if len(tails) != len(counts):
            raise PolicyBroken(f"the chat template writes {len(tails)} images for {len(counts)}")
        whole = head + "".join(PAD * count + tail for count, tail in zip(counts, tails, strict=True))
        ids = torch.tensor([self.tokenizer.encode(whole, add_special_tokens=False)])
        kinds = ids.eq(self.tokenizer.convert_tokens_to_ids(PAD)).int()
        return {"input_ids": ids, "attention_mask": torch.ones_like(ids), "mm_token_type_ids": kinds, **seen}


def processing(folder: Path, family: str) -> Processing:
    """How prompts are made for the model in `folder`. Raises `PolicyBroken`."""
    try:
        return Whole(folder)
    except ImportError as error:
        if family not in ("qwen2_vl", "qwen2_5_vl"):
            raise PolicyBroken(f"{folder}: {' '.join(str(error).split())[:200]}") from error
    except (OSError, ValueError) as error:
        raise PolicyBroken(f"{folder}: {error}") from error
    return Parts(folder)


def conversation(question: Question, tokenizer: Tokens) -> tuple[list[Message], list[Pillow.Image]]:
    """The messages with their pictures, and the pictures alone.

    What looks like one of the tokenizer's special tokens in a text is text: a space without width breaks it up.
    """
    left = [Pillow.fromarray(image) for image in question.images]
    pictures = iter(left)
    special = sorted((t.content for t in tokenizer.added_tokens_decoder.values() if t.special), key=len, reverse=True)

    def part(given: Mapping[str, object]) -> Message:
        if given["type"] == "image":
            return {"type": "image", "image": next(pictures)}
        return {**given, "text": harmless(str(given["text"]), special)}

    def message(given: Mapping[str, object]) -> Message:
        content = given.get("content")
        if isinstance(content, list):
            return {**given, "content": [part(each) for each in content]}
        return {**given, "content": harmless(str(content or ""), special)}

    return [message(each) for each in question.messages], left


def harmless(text: str, special: Sequence[str]) -> str:
    """`text` with none of `special` in it."""
    for token in special:
        text = text.replace(token, f"{token[0]}\u200b{token[1:]}")
    return text


def seen(vision: Vision, image: Image) -> tuple[int, int]:
    """Width and height at which the processor sees an image, as far as its output tells; else those of the image."""
    made = vision(images=[Pillow.fromarray(image)], return_tensors="pt")
    if "image_grid_thw" not in made:
        return image.shape[1], image.shape[0]
    _, rows, columns = made["image_grid_thw"][0].tolist()
    side = round((made["pixel_values"].shape[1] / 6) ** 0.5)  # a patch is 3 channels x 2 frames x side x side
    return columns * side, rows * side
